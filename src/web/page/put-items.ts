import type { Post } from "./api.ts";

/**
 * Makes a list contain exactly the items of these posts, in their order.
 * @param items the items in the list by post id; kept up to date
 * @param create makes the item of a post that has none
 * @returns the items that were created
 */
export function putItems(
  list: HTMLElement,
  items: Map<string, HTMLElement>,
  posts: readonly Post[],
  create: (post: Post) => HTMLElement,
): HTMLElement[] {
  const ids = new Set(posts.map(({ id }) => id));
  for (const [id, item] of items)
    if (!ids.has(id)) {
      item.remove();
      items.delete(id);
    }
  const created: HTMLElement[] = [];
  let next = list.firstElementChild;
  for (const post of posts) {
    let item = items.get(post.id);
    if (!item) {
      item = create(post);
      items.set(post.id, item);
      created.push(item);
    }
    // An item that stays keeps its focus only if it is not moved.
    if (item === next) next = next.nextElementSibling;
    else list.insertBefore(item, next);
  }
  return created;
}
