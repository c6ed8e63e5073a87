import { canonicalId } from "../../http/canonical-id.ts";
import { accountView } from "./account-view.ts";
import { adminView } from "./admin-view.ts";
import { cardView, links, paragraph } from "./card.ts";
import { button, byId, element, link, moveFocusTo } from "./element.ts";
import { feedView, userView } from "./feed-view.ts";
import { acceptFilesFrom } from "./file-drop.ts";
import { renderHeader } from "./header.ts";
import { postOverlay } from "./lightbox.ts";
import { notify } from "./notice.ts";
import { createRouter } from "./router.ts";
import { serviceUrl } from "./service-url.ts";
import { session } from "./session.ts";
import { settings } from "./settings.ts";
import { acceptSharedFiles } from "./shared-files.ts";
import { loadSession, signOut } from "./sign-in.ts";
import { forgotView, registerView, resetView, signInView, verifyView } from "./sign-in-views.ts";
import { language, text } from "./texts/text.ts";
import { createUploads } from "./uploads.ts";
import type { Route, View, ViewContext } from "./views.ts";

const main = byId("main");
const uploads = createUploads();

const routes = new Map<string, Route>([
  ["", { audience: "users", view: (context) => feedView(context, uploads) }],
  ["user", { audience: "users", view: userOrNotFoundView }],
  ["post", { audience: "users", overlay: postOverlay }],
  ["account", { audience: "users", view: accountView }],
  ["admin", { audience: "superusers", view: adminView }],
  ["sign-in", { audience: "everybody", view: signInView }],
  ["register", { audience: "everybody", view: registerView }],
  ["verify", { audience: "everybody", view: verifyView }],
  ["reset", { audience: "everybody", view: resetView }],
  ["forgot", { audience: "everybody", view: forgotView }],
]);

/** Views that users leave for the feed when they sign in. */
const entrances = /^#\/(sign-in|register)\b/;

const notFoundView = () =>
  cardView(text("notFound"), paragraph(text("notFoundText")), links(link("#/", text("toPhotos"))));

/** The view of a user's posts. Any UUID gets it, because the page cannot tell which accounts exist. */
function userOrNotFoundView(context: ViewContext): View {
  const id = canonicalId(context.id);
  return id === "" ? notFoundView() : userView({ ...context, id }, uploads);
}

const adminOnlyView = () =>
  cardView(text("adminOnlyTitle"), paragraph(text("adminOnly")), links(link("#/", text("toPhotos"))));

const router = createRouter({
  main,
  routes,
  notFound: notFoundView,
  forbidden: adminOnlyView,
  signIn: signInView,
  siteName: settings.siteName,
  onShown: () => renderHeader({ share, signOut }),
});

/** Shows the upload panel and opens the file chooser. */
function share(): void {
  if (uploads.panel.isConnected) return uploads.choose();
  // The router listens since before, and so has shown the feed by then.
  addEventListener("hashchange", uploads.choose, { once: true });
  location.hash = "#/";
}

/** Shows the right view after every change of the session. */
function followSession(): void {
  let shownTo = session.account?.id;
  session.onChange((change) => {
    if (session.account?.id === shownTo) return;
    shownTo = session.account?.id;
    if (change === "expired") notify(text("signedOut"));
    // After an intended sign-out, the next account starts at the feed.
    if (change === "signed out" || (change === "signed in" && entrances.test(location.hash)))
      history.replaceState(null, "", "#/");
    router.restart();
  });
  session.followOtherTabs(loadSession);
}

/** Shows the first view once the session is known. */
async function start(): Promise<void> {
  main.replaceChildren(element("p", { className: "status late", textContent: text("loading") }));
  try {
    const { wasSignedIn } = session;
    await loadSession();
    if (wasSignedIn && !session.account) notify(text("signedOut"));
  } catch (failure) {
    await new Promise<void>((resolve) =>
      main.replaceChildren(
        element(
          "div",
          { className: "status", attributes: { role: "alert" } },
          paragraph((failure as Error).message),
          button(text("tryAgain"), () => resolve()),
        ),
      ),
    );
    return start();
  }
  if (session.account && /^#\/(sign-in|register)$/.test(location.hash)) history.replaceState(null, "", "#/");
  followSession();
  router.start();
}

document.documentElement.lang = language;
const skip = byId("skip");
skip.textContent = text("skip");
skip.addEventListener("click", (event) => {
  event.preventDefault();
  moveFocusTo(main);
});
addEventListener("offline", () => notify(text("offline")));
addEventListener("online", () => notify(text("online")));
acceptFilesFrom(document, uploads);
// Only secure contexts have service workers. Without one, the page does not open offline.
void navigator.serviceWorker?.register(serviceUrl("/offline.js")).catch(() => {});
acceptSharedFiles(uploads.add, start());
