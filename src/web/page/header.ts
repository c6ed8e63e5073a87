import { button, byId, element } from "./element.ts";
import { icon, type IconName } from "./icons.ts";
import { session } from "./session.ts";
import { text } from "./texts/text.ts";

/** What the buttons of the header do. */
export interface HeaderActions {
  share(): void;
  signOut(): void;
}

/**
 * Shows the navigation of the signed-in user. The link to the current view is marked, and leads to the view's beginning.
 */
export function renderHeader({ share, signOut }: HeaderActions): void {
  const nav = byId("nav");
  nav.setAttribute("aria-label", text("navigation"));
  const { account } = session;
  const entry = (created: HTMLElement, label: string, shape: IconName) => {
    created.replaceChildren(icon(shape), element("span", { textContent: label }));
    return created;
  };
  const current = location.hash.split("?")[0]!.replace(/^#?\/?/, "#/");
  const place = (href: string, label: string, shape: IconName) => {
    const isCurrent = current === href;
    const created = element("a", { href, ...(isCurrent && { attributes: { "aria-current": "page" } }) });
    created.addEventListener("click", (event) => {
      if (!isCurrent) return;
      event.preventDefault();
      scrollTo({ top: 0 });
    });
    return entry(created, label, shape);
  };
  if (!account) return nav.replaceChildren(place("#/sign-in", text("signIn"), "account"));
  const hadFocus = nav.contains(document.activeElement) ? document.activeElement?.textContent : undefined;
  nav.replaceChildren(
    place("#/", text("photos"), "feed"),
    place(`#/user/${account.id}`, text("myPhotos"), "photos"),
    entry(button("", share, { className: "primary" }), text("share"), "share"),
    place("#/account", text("account"), "account"),
    ...(account.is_superuser ? [place("#/admin", text("admin"), "admin")] : []),
    entry(button("", signOut), text("signOut"), "signOut"),
  );
  if (hadFocus)
    [...nav.children].forEach((child) => child.textContent === hadFocus && (child as HTMLElement).focus());
}
