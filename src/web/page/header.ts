import { button, byId, element } from "./element.ts";
import { icon, type IconName } from "./icons.ts";
import { session } from "./session.ts";
import { text } from "./texts/text.ts";

/** What the buttons of the header do. */
export interface HeaderActions {
  share(): void;
  signOut(): void;
}

/** Shows the navigation for whoever is signed in; the link to the present view is marked. */
export function renderHeader({ share, signOut }: HeaderActions): void {
  const nav = byId("nav");
  nav.setAttribute("aria-label", text("navigation"));
  const { account } = session;
  const entry = (created: HTMLElement, label: string, shape: IconName) => {
    created.replaceChildren(icon(shape), element("span", { textContent: label }));
    return created;
  };
  const place = (href: string, label: string, shape: IconName) => {
    const isPresent = location.hash.split("?")[0] === href;
    return entry(
      element("a", { href, ...(isPresent && { attributes: { "aria-current": "page" } }) }),
      label,
      shape,
    );
  };
  if (!account) return nav.replaceChildren(place("#/sign-in", text("signIn"), "account"));
  const hadFocus = nav.contains(document.activeElement) ? document.activeElement?.textContent : undefined;
  nav.replaceChildren(
    entry(button("", share, { className: "primary" }), text("share"), "share"),
    place(`#/user/${account.id}`, text("myPhotos"), "photos"),
    place("#/account", text("account"), "account"),
    ...(account.is_superuser ? [place("#/admin", text("admin"), "admin")] : []),
    entry(button("", signOut), text("signOut"), "signOut"),
  );
  if (hadFocus)
    [...nav.children].forEach((child) => child.textContent === hadFocus && (child as HTMLElement).focus());
}
