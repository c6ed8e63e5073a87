import { accountView, forgotView, resetView, signInView, signUpView, verifyView } from "./account-views.ts";
import { closeDialogs } from "./dialogs.ts";
import { byId, element, notify } from "./element.ts";
import { feedView } from "./feed-view.ts";
import { account, onSession, token } from "./session.ts";
import { acceptFilesFrom } from "./upload-panel.ts";
import { createUploads } from "./uploads.ts";

const main = byId("main");
const nav = byId("nav");
const uploads = createUploads();

/** Creates the view for the URL's fragment, such as `#/reset?token=…`. */
function view(): HTMLElement {
  const [path = "", query] = location.hash.replace(/^#/, "").split("?");
  const parameters = new URLSearchParams(query);
  const mailedToken = parameters.get("token") ?? "";
  if (path === "/verify") return verifyView(mailedToken);
  if (path === "/reset") return resetView(mailedToken);
  if (path === "/forgot") return forgotView();
  if (path === "/sign-up") return signUpView();
  if (path === "/register") return signUpView(parameters.get("invitation") || undefined);
  if (!token() || path === "/sign-in") return signInView();
  return path === "/account" ? accountView() : feedView(uploads);
}

function render(): void {
  main.replaceChildren(view());
  const links = token()
    ? [element("a", { href: "#/account", textContent: "Account" })]
    : [element("a", { href: "#/sign-in", textContent: "Sign in" })];
  nav.replaceChildren(...links);
}

let shownTo = account();
onSession((change) => {
  if (account() === shownTo) return;
  shownTo = account();
  if (change === "expired") notify("You've been signed out. Sign in to continue.");
  closeDialogs();
  render();
});
addEventListener("hashchange", () => {
  render();
  main.focus();
});
addEventListener("offline", () => notify("You are offline. This page may be out of date."));
addEventListener("online", () => notify("You are back online."));
document.querySelector("[data-skip]")?.addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
acceptFilesFrom(document, uploads);
render();
