import { userRow } from "./admin-user-row.ts";
import { api, type ListedUser } from "./api.ts";
import { element } from "./element.ts";
import { pagedList } from "./paged-list.ts";
import { section } from "./section.ts";
import { text } from "./texts/text.ts";

/** How long the user must pause before the search begins. */
const pauseMs = 250;

/** All accounts, newest first, with a search by name and address. */
export function usersSection(signal: AbortSignal): HTMLElement {
  const field = element("input", { type: "search", autocomplete: "off", maxLength: 254 });
  const list = pagedList<ListedUser>({
    emptyText: text("noUsers"),
    async load(cursor) {
      const { users, next_cursor } = await api.users(field.value.trim(), cursor, 20);
      return { items: users, next_cursor };
    },
    row: userRow,
  });
  let timer: ReturnType<typeof setTimeout> | undefined;
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => !signal.aborted && void list.restart(), pauseMs);
  });
  return section(
    "admin-users",
    text("users"),
    element("div", { className: "field" }, element("label", {}, text("searchUsers"), field)),
    list.content,
  );
}
