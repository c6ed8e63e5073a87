import type { PostList } from "./post-list.ts";

/** Moves the focus to a post in the view beneath, which scrolls only if the post is out of sight. */
export function focusTile(list: PostList | undefined, id = ""): void {
  list?.reveal(id);
  const tile = document.querySelector<HTMLElement>(`main a[href="#/post/${CSS.escape(id)}"]`);
  const target = tile ?? document.querySelector<HTMLElement>("main h1");
  if (target && !tile) target.tabIndex = -1;
  target?.focus({ preventScroll: true });
}
