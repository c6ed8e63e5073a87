import { api, type Post } from "./api.ts";
import { deletePost } from "./delete-post.ts";
import { button, element } from "./element.ts";
import { pagedList } from "./paged-list.ts";
import { nameOf } from "./post-actions.ts";
import { onPostChanges } from "./post-changes.ts";
import { postSummary } from "./post-summary.ts";
import { section } from "./section.ts";
import { text } from "./texts/text.ts";
import { thumbnail } from "./thumbnail.ts";
import { timeAgo } from "./time-ago.ts";

/**
 * The latest posts, each with a button that deletes it.
 * @returns the section and its posts, which the large view can step through
 */
export function adminPosts(signal: AbortSignal) {
  const posts: Post[] = [];
  const rows = new Map<string, { readonly element: HTMLLIElement; readonly gone: () => void }>();
  const changes = new EventTarget();
  const announceChange = () => void changes.dispatchEvent(new Event("change"));
  let isComplete = false;
  const pages = pagedList<Post>({
    emptyText: text("noPosts"),
    async load(cursor) {
      const { posts: items, next_cursor } = await api.feed(cursor);
      if (cursor === null) posts.length = 0;
      posts.push(...items);
      isComplete = next_cursor === null;
      announceChange();
      return { items, next_cursor };
    },
    row(post, gone) {
      const created = postRow(post);
      rows.set(post.id, { element: created, gone });
      return created;
    },
  });

  function replace(post: Post): void {
    const index = posts.findIndex(({ id }) => id === post.id);
    if (index < 0) return;
    posts[index] = post;
    rows.get(post.id)?.element.replaceChildren(...postRow(post).children);
    announceChange();
  }

  function remove(id: string): void {
    const index = posts.findIndex((post) => post.id === id);
    if (index < 0) return;
    posts.splice(index, 1);
    rows.get(id)?.gone();
    rows.delete(id);
    announceChange();
  }

  onPostChanges({ edited: replace, deleted: ({ id }) => remove(id) }, signal);
  const list = {
    posts,
    get isComplete() {
      return isComplete;
    },
    more: pages.loadNext,
    reveal: (id: string) => rows.get(id)?.element.scrollIntoView({ block: "nearest" }),
    onChange: (listener: () => void, until: AbortSignal) =>
      changes.addEventListener("change", listener, { signal: until }),
  };
  return { content: section("admin-posts", text("posts"), pages.content), list };
}

const postRow = (post: Post): HTMLLIElement =>
  element(
    "li",
    {},
    thumbnail(post),
    element(
      "div",
      { className: "about" },
      ...postSummary(post),
      element("small", {}, timeAgo(post.created_at)),
    ),
    button(text("delete"), () => deletePost(post), {
      className: "danger",
      attributes: { "aria-label": text("deletePostOf", { name: nameOf(post) }) },
    }),
  );
