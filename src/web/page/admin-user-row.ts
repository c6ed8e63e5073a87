import { api, type ListedUser, type UserFlags } from "./api.ts";
import { attempt } from "./attempt.ts";
import { askToConfirm } from "./confirm-dialog.ts";
import { element, link } from "./element.ts";
import { menuButton, type MenuEntry } from "./menu.ts";
import { session } from "./session.ts";
import { settings } from "./settings.ts";
import { fileSize } from "./sizes.ts";
import { text } from "./texts/text.ts";
import { day } from "./times.ts";

/** Creates the row of an account: name, address, usage, and a menu with what superusers can do. */
export function userRow(user: ListedUser, gone: () => void): HTMLLIElement {
  const row = element("li", {});
  const show = (shown: ListedUser) => {
    const hadFocus = row.contains(document.activeElement);
    row.replaceChildren(...contentOf(shown, show, gone));
    if (hadFocus) row.querySelector<HTMLElement>(".menu-button")?.focus();
  };
  show(user);
  return row;
}

function contentOf(user: ListedUser, show: (user: ListedUser) => void, gone: () => void): HTMLElement[] {
  const { id, name, email, created_at, posts, bytes } = user;
  const badge = (isShown: boolean, key: "isAdmin" | "isDeactivated" | "isUnverified" | "you") =>
    isShown && element("span", { className: "badge", textContent: text(key) });
  const isSelf = id === session.account?.id;
  const author = link(`#/user/${id}`, name ?? email);
  author.dir = "auto";
  const about = element(
    "div",
    { className: "about" },
    element(
      "span",
      { className: "row" },
      author,
      badge(isSelf, "you"),
      badge(user.is_superuser, "isAdmin"),
      badge(!user.is_active, "isDeactivated"),
      badge(settings.requireVerifiedEmail && !user.is_verified, "isUnverified"),
    ),
    name !== null && element("small", { textContent: email, dir: "auto" }),
    element("small", {
      textContent: [
        text("postCount", { count: posts }),
        fileSize(bytes),
        text("joined", { time: day(new Date(created_at)) }),
      ].join(" · "),
    }),
  );
  // Superusers must not lock themselves out.
  if (isSelf) return [about];
  const menu = menuButton(text("more"), text("moreFor", { name: name ?? email }), () =>
    actionsOf(user, show, gone),
  );
  return [about, menu];
}

function actionsOf(user: ListedUser, show: (user: ListedUser) => void, gone: () => void): MenuEntry[] {
  const { id, email, is_active, is_superuser } = user;
  const name = user.name ?? email;
  const change = (flags: UserFlags, message?: string) =>
    attempt(async () => {
      show({ ...user, ...(await api.changeUser(id, flags)) });
      return message ?? text("saved");
    });
  return [
    is_active
      ? {
          label: text("deactivate"),
          icon: "close",
          run: () => change({ is_active: false }, text("userDeactivated", { name })),
        }
      : {
          label: text("reactivate"),
          icon: "account",
          run: () => change({ is_active: true }, text("userReactivated", { name })),
        },
    {
      label: text(is_superuser ? "removeAdmin" : "makeAdmin"),
      icon: "admin",
      async run() {
        const question = is_superuser
          ? text("removeAdminQuestion", { name })
          : text("makeAdminQuestion", { name });
        if (await askToConfirm(question, text(is_superuser ? "removeAdmin" : "makeAdmin")))
          await change({ is_superuser: !is_superuser });
      },
    },
    {
      label: text("delete"),
      icon: "delete",
      isDangerous: true,
      async run() {
        if (!(await askToConfirm(text("deleteUserQuestion", { name }), text("delete")))) return;
        await attempt(async () => {
          await api.deleteUser(id);
          gone();
          return text("deleted");
        });
      },
    },
  ];
}
