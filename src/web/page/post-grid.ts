import type { Post } from "./api.ts";
import { showCaptionToggles } from "./caption.ts";
import { element } from "./element.ts";
import { hasOpenMenu, menuClosed } from "./menu.ts";
import { justifiedRows, type Row } from "./justified-rows.ts";
import { oneLineWidth, setPictureSize } from "./post-item.ts";
import { putItems } from "./put-items.ts";
import { offsetOf, rowWindow } from "./row-window.ts";

/** Greatest height of a row's pictures on wide screens, in pixels. */
const maxRowHeight = 270;
/** Height of the texts below a picture until it is measured, in pixels. */
const textsHeight = 70;

/** The first visible item, which stays in place when others change, and its distance from the top of the window. */
interface Place {
  readonly id: string;
  readonly top: number;
}

/**
 * Shows posts in rows. Only the items near the visible part are in the document; two spacers have the height of the
 * others, so that a list of any length costs the same.
 * @param create makes the item of a post, each time it comes near the visible part
 */
export function createPostGrid(create: (post: Post) => HTMLElement, signal: AbortSignal) {
  const before = element("div");
  const after = element("div");
  const list = element("ul", { className: "grid" });
  const content = element("div", { className: "feed" }, before, list, after);
  const items = new Map<string, HTMLElement>();
  /** Heights of rows that were in the document at the current width. */
  const measured = new Map<string, number>();
  let posts: readonly Post[] = [];
  let rows: Row[] = [];
  /** The height of every row, measured or expected. Each frame of a scroll reads all of them. */
  let heights = new Map<Row, number>();
  /** The rows whose items are in the document. */
  let near: readonly Row[] = [];
  let shown: readonly Post[] = [];
  let width = 0;
  let place: Place | undefined;
  let frame = 0;
  let hasChangedUnseen = false;

  const topOf = (item: Element) => item.getBoundingClientRect().top;
  const keyOf = ({ from, to }: Row) => `${posts[from]!.id} ${to - from}`;
  const heightOf = (row: Row) => heights.get(row)!;

  function measure(): void {
    for (const row of near) {
      const item = items.get(posts[row.from]!.id);
      if (!item?.isConnected) continue;
      const { height } = item.getBoundingClientRect();
      measured.set(keyOf(row), height);
      heights.set(row, height);
    }
  }

  function findPlace(): Place | undefined {
    // Where the beginning is visible, new posts push the others down.
    if (!list.isConnected || topOf(content) >= 0) return undefined;
    for (const { id } of shown) {
      const { top, bottom } = items.get(id)!.getBoundingClientRect();
      if (bottom > 0) return { id, top };
    }
    return undefined;
  }

  function arrange(changed: readonly Post[]): void {
    posts = changed;
    const gap = Number.parseFloat(getComputedStyle(list).columnGap) || 0;
    const ratios = posts.map((post) => (post.width ?? 4) / (post.height ?? 3));
    rows = justifiedRows(ratios, { width, gap, maxHeight: maxRowHeight });
    heights = new Map(rows.map((row) => [row, measured.get(keyOf(row)) ?? row.height + textsHeight]));
    near = [];
  }

  /** @param kept the item that stays in place @param isRearranged whether rows have changed since the last call */
  function render(kept: Place | undefined, isRearranged: boolean): void {
    hasChangedUnseen = !list.isConnected;
    if (!list.isConnected || width === 0) return;
    const index = kept && isRearranged ? posts.findIndex(({ id }) => id === kept.id) : -1;
    const offset = offsetOf(rows, heightOf, index);
    const part = rowWindow(rows, heightOf, offset === undefined ? topOf(content) : kept!.top - offset);
    near = part.rows;
    shown = near.flatMap(({ from, to }) => posts.slice(from, to));
    const created = putItems(list, items, shown, create);
    for (const { from, height, widths } of near) {
      // The same for the whole row.
      const isNarrow = Math.min(...widths) < oneLineWidth;
      widths.forEach((itemWidth, i) =>
        setPictureSize(items.get(posts[from + i]!.id)!, itemWidth, height, isNarrow),
      );
    }
    before.style.height = `${part.heightBefore}px`;
    after.style.height = `${part.heightAfter}px`;
    showCaptionToggles(isRearranged ? [...items.values()] : created);
    measure();
    const item = kept && items.get(kept.id);
    if (item) scrollBy({ top: topOf(item) - kept.top, behavior: "instant" });
    place = findPlace();
  }

  function show(changed: readonly Post[]): void {
    measure();
    const kept = findPlace() ?? (list.isConnected ? undefined : place);
    arrange(changed);
    render(kept, true);
  }

  function renew(changed: readonly Post[], post: Post, former: HTMLElement): void {
    const hadFocus = former.contains(document.activeElement);
    const kept = findPlace();
    const item = create(post);
    items.set(post.id, item);
    former.replaceWith(item);
    arrange(changed);
    render(kept, true);
    if (hadFocus) item.querySelector<HTMLElement>(".menu-button")?.focus();
  }

  /** The post with what has changed since. */
  const postNow = (post: Post) => posts.find(({ id }) => id === post.id) ?? post;

  function follow(): void {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      // After a change of the width, the observer below arranges the rows anew before the next frame.
      if (!list.isConnected || Math.abs(content.getBoundingClientRect().width - width) >= 1) return;
      measure();
      render(findPlace(), false);
    });
  }

  const sizes = new ResizeObserver(([entry]) => {
    const current = entry!.contentRect.width;
    // A list that is not in the document has no width.
    if (current === 0 || current === width) return;
    width = current;
    measured.clear();
    arrange(posts);
    render(place, true);
  });
  sizes.observe(content);
  addEventListener("scroll", follow, { passive: true, signal });
  addEventListener("resize", follow, { signal });
  signal.addEventListener("abort", () => sizes.disconnect());

  return {
    content,
    /** Shows these posts. The first visible item stays in place. */
    show,
    /** Shows these posts, with a new item for one of them, which keeps the focus. While its menu is open, that waits. */
    replace(changed: readonly Post[], post: Post): void {
      const former = items.get(post.id);
      if (!former) return show(changed);
      if (!hasOpenMenu(former)) return renew(changed, post, former);
      arrange(changed);
      former.addEventListener(menuClosed, () => this.replace(posts, postNow(post)), { once: true });
    },
    /** Returns the id of the first visible post; undefined at the beginning of the list. */
    firstVisible: () => findPlace()?.id,
    /** Scrolls to a post that is out of sight, whose item may not be in the document. */
    reveal(id: string): void {
      const box = items.get(id)?.getBoundingClientRect();
      if (box && box.bottom > 0 && box.top < innerHeight) return;
      if (posts.some((post) => post.id === id)) render({ id, top: innerHeight / 4 }, true);
    },
    /** Shows the beginning, with the focus on the first post. */
    showStart(): void {
      scrollTo({ top: 0, behavior: "instant" });
      render(undefined, false);
      list.querySelector<HTMLElement>(".picture")?.focus({ preventScroll: true });
    },
    /** Shows changes that were made while the list was not in the document, once its place is restored. */
    resume: () => hasChangedUnseen && requestAnimationFrame(() => show(posts)),
  };
}
