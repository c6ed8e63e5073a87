import { button, element } from "./element.ts";
import { text } from "./texts/text.ts";

export interface PagedListOptions<Item> {
  /** Requests a page. @param cursor null for the first one */
  load(cursor: string | null): Promise<{ items: readonly Item[]; next_cursor: string | null }>;
  /** Creates the row of an item. @param gone removes it from the list */
  row(item: Item, gone: () => void): HTMLLIElement;
  /** Shown while there is nothing to list. */
  readonly emptyText: string;
}

/**
 * A list with a button that shows its next page.
 * @returns the element, and functions that reload the list, add an item at its top, and request the next page
 */
export function pagedList<Item>({ load, row, emptyText }: PagedListOptions<Item>) {
  const list = element("ul", { className: "rows" });
  const status = element("p", { className: "hint", attributes: { role: "status" } });
  const more = button(text("showMore"), () => loadNext(cursor === null), { hidden: true });
  let cursor: string | null = null;
  /** Changes when the list is reloaded, so that late responses are ignored. */
  let generation = 0;
  let loading: number | undefined;

  async function loadNext(isFirst = false): Promise<void> {
    const asked = generation;
    if (loading === asked) return;
    loading = asked;
    if (isFirst) status.textContent = text("loading");
    try {
      const { items, next_cursor } = await load(cursor);
      if (asked !== generation) return;
      if (isFirst) list.replaceChildren();
      const rows = items.map(createRow);
      list.append(...rows);
      cursor = next_cursor;
      // The button may disappear; the focus then moves to the first row that it has shown.
      const hadFocus = document.activeElement === more;
      more.textContent = text("showMore");
      more.hidden = cursor === null;
      if (hadFocus && more.hidden) focusIn(rows[0]);
      showWhetherEmpty();
    } catch (failure) {
      if (asked !== generation) return;
      status.textContent = (failure as Error).message;
      more.textContent = text("tryAgain");
      more.hidden = false;
    } finally {
      if (loading === asked) loading = undefined;
    }
  }

  function createRow(item: Item): HTMLLIElement {
    const created: HTMLLIElement = row(item, () => {
      const next = created.nextElementSibling ?? created.previousElementSibling;
      const hadFocus = created.contains(document.activeElement) || document.activeElement === document.body;
      created.remove();
      if (hadFocus) focusIn(next ?? list.closest("section"));
      showWhetherEmpty();
    });
    return created;
  }

  function showWhetherEmpty(): void {
    status.textContent = list.childElementCount === 0 && more.hidden ? emptyText : "";
  }

  const restart = () => {
    generation++;
    cursor = null;
    return loadNext(true);
  };
  void restart();

  return {
    content: element("div", { className: "stack" }, list, status, more),
    restart,
    add(item: Item) {
      list.prepend(createRow(item));
      showWhetherEmpty();
    },
    loadNext: () => void (cursor !== null && loadNext()),
  };
}

/** Moves the focus to the first button or link of a row, or to a section's heading. */
const focusIn = (target: Element | null | undefined): void =>
  target?.querySelector<HTMLElement>("h2, button, a")?.focus();
