import { api, type Post } from "./api.ts";
import { authorOf } from "./author.ts";
import { deletePost } from "./delete-post.ts";
import { button, element, link } from "./element.ts";
import { pagedList } from "./paged-list.ts";
import { nameOf } from "./post-actions.ts";
import { onPostChanges } from "./post-changes.ts";
import { section } from "./section.ts";
import { text } from "./texts/text.ts";
import { thumbnail } from "./thumbnail.ts";
import { ago, fullDate } from "./times.ts";

/**
 * The latest posts, each with a button that deletes it.
 * @returns the section, and the posts in it, among which the large view moves
 */
export function adminPosts(signal: AbortSignal) {
  const posts: Post[] = [];
  const rows = new Map<string, { readonly element: HTMLLIElement; readonly gone: () => void }>();
  const changes = new EventTarget();
  const changed = () => void changes.dispatchEvent(new Event("change"));
  let isComplete = false;
  const pages = pagedList<Post>({
    emptyText: text("noPosts"),
    async load(cursor) {
      const { posts: items, next_cursor } = await api.feed(cursor);
      if (cursor === null) posts.length = 0;
      posts.push(...items);
      isComplete = next_cursor === null;
      changed();
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
    changed();
  }

  function remove(id: string): void {
    const index = posts.findIndex((post) => post.id === id);
    if (index < 0) return;
    posts.splice(index, 1);
    rows.get(id)?.gone();
    rows.delete(id);
    changed();
  }

  onPostChanges({ edited: replace, deleted: ({ id }) => remove(id) }, signal);
  const list = {
    posts,
    get isComplete() {
      return isComplete;
    },
    more: pages.loadNext,
    replace,
    remove,
    reveal: (id: string) => rows.get(id)?.element.scrollIntoView({ block: "nearest" }),
    onChange: (listener: () => void, until: AbortSignal) =>
      changes.addEventListener("change", listener, { signal: until }),
  };
  return { content: section("admin-posts", text("posts"), pages.content), list };
}

function postRow(post: Post): HTMLLIElement {
  const name = nameOf(post);
  const time = new Date(post.created_at);
  const author = link(`#/user/${post.author.id}`, authorOf(post));
  author.dir = "auto";
  return element(
    "li",
    {},
    thumbnail(post),
    element(
      "div",
      { className: "about" },
      author,
      post.caption !== "" &&
        element("span", { className: "clipped", textContent: post.caption, dir: "auto" }),
      element("small", { title: fullDate(time), textContent: ago(time) }),
    ),
    button(text("delete"), () => deletePost(post), {
      className: "danger",
      attributes: { "aria-label": text("deletePostOf", { name }) },
    }),
  );
}
