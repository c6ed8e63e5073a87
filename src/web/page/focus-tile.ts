import { moveFocusTo } from "./element.ts";
import type { PostList } from "./post-list.ts";

/** Moves the focus to a post in the view beneath the large view, and scrolls only if the post is out of sight. */
export function focusTile(list: PostList | undefined, id = ""): void {
  list?.reveal(id);
  const tile = document.querySelector<HTMLElement>(`main a[href="#/post/${CSS.escape(id)}"]`);
  if (tile) return tile.focus({ preventScroll: true });
  const heading = document.querySelector<HTMLElement>("main h1");
  if (heading) moveFocusTo(heading);
}
