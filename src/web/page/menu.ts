import { button, element } from "./element.ts";
import { icon, type IconName } from "./icons.ts";

/** The event of a menu that closes, which bubbles. */
export const menuClosed = "menuclosed";

/** Whether a menu within the element is open. */
export const hasOpenMenu = (within: Element): boolean =>
  within.querySelector(".menu-button[aria-expanded=true]") !== null;

/** An entry of a menu: a command, or a link to download. */
export type MenuEntry = {
  readonly label: string;
  readonly icon: IconName;
  readonly isDangerous?: boolean;
} & ({ readonly run: () => unknown } | { readonly link: Partial<HTMLAnchorElement> });

/**
 * Creates a button that opens a menu (https://www.w3.org/WAI/ARIA/apg/patterns/menu-button/): arrow keys, Home and End
 * move in it, Escape and Tab close it.
 * @param label the visible text of the button
 * @param name its name for screen readers, which begins with the label
 * @param entries called each time the menu opens
 */
export function menuButton(label: string, name: string, entries: () => readonly MenuEntry[]): HTMLElement {
  const list = element("div", { className: "menu-list", hidden: true, attributes: { role: "menu" } });
  const opener = button("", toggle, {
    className: "menu-button",
    title: label,
    attributes: { "aria-haspopup": "menu", "aria-expanded": "false", "aria-label": name },
  });
  opener.append(icon("more"));
  const menu = element("div", { className: "menu" }, opener, list);
  const items = () => [...list.children] as HTMLElement[];
  let closed = new AbortController();

  function toggle(): void {
    if (!list.hidden) return close();
    list.replaceChildren(...entries().map(createItem));
    list.hidden = false;
    list.classList.remove("upwards");
    list.classList.toggle("upwards", isEndCovered(list));
    opener.setAttribute("aria-expanded", "true");
    closed = new AbortController();
    const outside = (event: Event) => !menu.contains(event.target as Node) && close();
    document.addEventListener("pointerdown", outside, { signal: closed.signal });
    document.addEventListener("focusin", outside, { signal: closed.signal });
    items()[0]?.focus();
  }

  function close(): void {
    list.hidden = true;
    opener.setAttribute("aria-expanded", "false");
    closed.abort();
    menu.dispatchEvent(new Event(menuClosed, { bubbles: true }));
  }

  function createItem(entry: MenuEntry): HTMLElement {
    const attributes = { role: "menuitem", tabindex: "-1" };
    const className = entry.isDangerous ? "danger" : "";
    const item =
      "link" in entry
        ? element("a", { ...entry.link, className, attributes })
        : element("button", { type: "button", className, attributes });
    item.append(icon(entry.icon), entry.label);
    item.addEventListener("click", () => {
      // The focus returns before a dialog opens, which remembers it.
      opener.focus();
      close();
      if ("run" in entry) entry.run();
    });
    return item;
  }

  menu.addEventListener("keydown", (event) => {
    if (list.hidden) {
      if (event.key !== "ArrowDown") return;
      event.preventDefault();
      return toggle();
    }
    const all = items();
    const current = all.indexOf(document.activeElement as HTMLElement);
    const target = {
      ArrowDown: (current + 1) % all.length,
      ArrowUp: (current - 1 + all.length) % all.length,
      Home: 0,
      End: all.length - 1,
    }[event.key];
    if (target !== undefined) {
      event.preventDefault();
      all[target]?.focus();
    } else if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      opener.focus();
      close();
    } else if (event.key === "Tab") close();
  });
  return menu;
}

/** Whether the end of an element is out of sight: below the window, or behind the tab bar of phones. */
function isEndCovered(shown: HTMLElement): boolean {
  const { left, width, bottom } = shown.getBoundingClientRect();
  return !shown.contains(document.elementFromPoint(left + width / 2, bottom - 2));
}
