import { api, type Post } from "./api.ts";
import { authorOf } from "./author.ts";
import { button, element } from "./element.ts";
import { postItem } from "./post-item.ts";
import type { PostList } from "./post-list.ts";
import { whenProcessed } from "./processing.ts";
import type { View, ViewContext } from "./router.ts";
import { session } from "./session.ts";
import { text } from "./texts/text.ts";
import type { Uploads } from "./uploads.ts";

/** The posts of all users, newest first, and the upload panel. */
export function feedView({ signal }: ViewContext, uploads: Uploads): View {
  const slot = element("div");
  const heading = element("h1", { className: "unseen", textContent: text("feed") });
  const { content, list } = postGrid({ uploads, signal, emptyText: text("feedEmpty") });
  return {
    title: text("feed"),
    content: element("div", {}, heading, slot, ...content),
    isKept: true,
    // There is one panel, and another view may have taken it.
    shown: () => slot.replaceChildren(uploads.panel),
    list,
  };
}

/** The posts of one user, newest first. */
export function userView({ id, signal, setTitle }: ViewContext, uploads: Uploads): View {
  const isOwn = id === session.account?.id;
  const title = isOwn ? text("myPhotos") : text("feed");
  const heading = element("h1", { textContent: title, dir: "auto" });
  const { content, list } = postGrid({
    author: id,
    uploads,
    signal,
    emptyText: text("authorEmpty"),
    onLoaded([post]) {
      if (isOwn || !post) return;
      heading.textContent = authorOf(post);
      setTitle(text("photosOf", { name: authorOf(post) }));
    },
  });
  return { title, content: element("div", {}, heading, ...content), isKept: true, list };
}

interface GridOptions {
  /** The id of the only author; undefined for all. */
  readonly author?: string;
  readonly uploads: Uploads;
  readonly signal: AbortSignal;
  readonly emptyText: string;
  readonly onLoaded?: (posts: readonly Post[]) => void;
}

/** A list of posts that loads the next page near its end. */
function postGrid({ author, uploads, signal, emptyText, onLoaded }: GridOptions) {
  const posts: Post[] = [];
  const items = new Map<string, HTMLElement>();
  const grid = element("ul", { className: "grid" });
  const status = element("p", { className: "status", attributes: { role: "status" } });
  const again = button(text("tryAgain"), load, { className: "again", hidden: true });
  const end = element("div", { className: "end-mark", attributes: { "aria-hidden": "true" } });
  let cursor: string | null = null;
  let loading = false;
  let complete = false;

  const list: PostList = { posts, more: () => void load(), replace, remove };
  const events = { changed: replace, deleted: ({ id }: Post) => remove(id) };

  function createItem(post: Post): HTMLElement {
    const item = postItem(post, events);
    items.set(post.id, item);
    if (post.processing)
      void whenProcessed(post, signal).then((processed) => processed && replace(processed));
    return item;
  }

  const nearEnd = new IntersectionObserver(
    (entries) => entries.at(-1)?.isIntersecting && void load(),
    // Load early, so that readers rarely reach the end of what is loaded.
    { rootMargin: "600px" },
  );
  signal.addEventListener("abort", () => nearEnd.disconnect());

  /** Appends the next page. After a failure, the button or scrolling back to the end calls it again. */
  async function load(): Promise<void> {
    if (loading || complete) return;
    loading = true;
    again.hidden = true;
    status.textContent = posts.length === 0 ? text("loading") : "";
    try {
      const page = await api.feed(cursor, author);
      const fresh = page.posts.filter(({ id }) => !items.has(id));
      posts.push(...fresh);
      grid.append(...fresh.map(createItem));
      cursor = page.next_cursor;
      complete = cursor === null;
      showEmptiness();
      onLoaded?.(posts);
      // Observe again: an observer reports only changes, so it stays silent while the end mark remains in view.
      nearEnd.disconnect();
      if (!complete && !signal.aborted) nearEnd.observe(end);
    } catch (failure) {
      status.textContent = (failure as Error).message;
      again.hidden = false;
    } finally {
      loading = false;
    }
  }

  function showEmptiness(): void {
    status.textContent = posts.length === 0 ? emptyText : "";
  }

  function replace(post: Post): void {
    const index = posts.findIndex(({ id }) => id === post.id);
    if (index < 0) return;
    posts[index] = post;
    const former = items.get(post.id);
    const hadFocus = former?.contains(document.activeElement);
    const item = createItem(post);
    former?.replaceWith(item);
    if (hadFocus) item.querySelector<HTMLElement>(".menu-button")?.focus();
  }

  function remove(id: string): void {
    const index = posts.findIndex((post) => post.id === id);
    if (index < 0) return;
    posts.splice(index, 1);
    items.get(id)?.remove();
    items.delete(id);
    if (complete) showEmptiness();
  }

  uploads.onPublished((post) => {
    // The post may already have arrived with a page.
    if (items.has(post.id) || (author !== undefined && author !== post.author.id)) return;
    posts.unshift(post);
    grid.prepend(createItem(post));
    if (again.hidden) status.textContent = "";
  }, signal);
  nearEnd.observe(end);
  return { content: [grid, status, again, end], list };
}
