import { accountView, forgotView, resetView, signInView, signUpView, verifyView } from "./account-views.ts";
import { byId, element, notify } from "./element.ts";
import { feedView } from "./feed-view.ts";
import { onSession, token } from "./session.ts";
import { takeFilesFrom } from "./upload-panel.ts";

const main = byId("main");
const nav = byId("nav");

/** What the address asks for: `#/reset?token=…` and the like. */
function view(): HTMLElement {
  const [path = "", query] = location.hash.replace(/^#/, "").split("?");
  const given = new URLSearchParams(query).get("token") ?? "";
  if (path === "/verify") return verifyView(given);
  if (path === "/reset") return resetView(given);
  if (path === "/forgot") return forgotView();
  if (path === "/sign-up") return signUpView();
  if (!token() || path === "/sign-in") return signInView();
  return path === "/account" ? accountView() : feedView();
}

function render(): void {
  main.replaceChildren(view());
  const links = token()
    ? [element("a", { href: "#/account", textContent: "Account" })]
    : [
        element("a", { href: "#/sign-in", textContent: "Sign in" }),
        element("a", { href: "#/sign-up", textContent: "Sign up" }),
      ];
  nav.replaceChildren(...links);
}

let signedIn = token() !== null;
onSession(() => {
  const now = token() !== null;
  if (now === signedIn) return;
  if (!now && location.hash !== "#/sign-in") notify("You are signed out. Sign in to go on.");
  signedIn = now;
  render();
});
addEventListener("hashchange", () => {
  render();
  main.focus();
});
addEventListener("offline", () => notify("You are offline. What you see may be old."));
addEventListener("online", () => notify("You are back online."));
document.querySelector("[data-skip]")?.addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
takeFilesFrom(document);
render();
