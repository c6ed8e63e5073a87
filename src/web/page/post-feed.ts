import type { FeedPageRead } from "../../posts/schemas.ts";
import { api, type Post } from "./api.ts";
import { button, element } from "./element.ts";
import { FeedPosts } from "./feed-posts.ts";
import { icon } from "./icons.ts";
import { announceNewPosts } from "./new-posts.ts";
import { announceDeleted, announceEdited, onPostChanges } from "./post-changes.ts";
import { createPostGrid } from "./post-grid.ts";
import { postItem } from "./post-item.ts";
import type { PostList } from "./post-list.ts";
import { whenProcessed } from "./processing.ts";
import { text } from "./texts/text.ts";
import type { Uploads } from "./uploads.ts";

export interface PostFeedOptions {
  /** The id of the only author; undefined for all. */
  readonly author?: string;
  readonly uploads: Uploads;
  readonly signal: AbortSignal;
  readonly emptyText: string;
  readonly onLoaded?: (posts: readonly Post[]) => void;
}

/** Creates a list of posts, newest first, that loads the next page near its end and announces new posts. */
export function createPostFeed({ author, uploads, signal, emptyText, onLoaded }: PostFeedOptions) {
  const posts = new FeedPosts();
  const watched = new Set<string>();
  const expanded = new Set<string>();
  const grid = createPostGrid((post) => {
    if (post.processing) void watch(post);
    return postItem(post, { expanded });
  }, signal);
  const status = element("p", { className: "status", attributes: { role: "status" } });
  const again = button(text("tryAgain"), load, { className: "again", hidden: true });
  const end = element("div", { className: "end-mark", attributes: { "aria-hidden": "true" } });
  const changes = new EventTarget();
  let isLoading = false;
  /** The first page at the time new posts were found. */
  let found: FeedPageRead | undefined;

  const list: PostList = {
    get posts() {
      return posts.all;
    },
    get isComplete() {
      return posts.isComplete;
    },
    more: () => void load(),
    reveal: grid.reveal,
    onChange: (listener, until) => changes.addEventListener("change", listener, { signal: until }),
  };
  const announceChange = () => changes.dispatchEvent(new Event("change"));

  const nearEnd = new IntersectionObserver(
    (entries) => entries.at(-1)?.isIntersecting && void load(),
    // Load early, so that readers rarely reach the end of what is loaded.
    { rootMargin: "1200px" },
  );
  signal.addEventListener("abort", () => nearEnd.disconnect());

  /** Appends the next page. After a failure, the button or scrolling back to the end calls it again. */
  async function load(): Promise<void> {
    if (isLoading || posts.isComplete) return;
    isLoading = true;
    again.hidden = true;
    if (posts.all.length === 0) status.textContent = text("loading");
    try {
      posts.append(await api.feed(posts.cursor, author));
      refresh();
      onLoaded?.(posts.all);
      observeEnd();
    } catch (failure) {
      status.textContent = (failure as Error).message;
      again.hidden = false;
    } finally {
      isLoading = false;
      announceChange();
    }
  }

  /** Observes the end again: an observer reports only changes, so it stays silent while the end mark remains in view. */
  function observeEnd(): void {
    nearEnd.disconnect();
    if (!posts.isComplete && !signal.aborted) nearEnd.observe(end);
  }

  function refresh(): void {
    grid.show(posts.all);
    const isEmpty = posts.all.length === 0 && posts.isComplete;
    if (again.hidden) status.replaceChildren(...(isEmpty ? [icon("photos"), emptyText] : []));
    announceChange();
  }

  function replace(post: Post): void {
    if (!posts.replace(post)) return;
    grid.replace(posts.all, post);
    announceChange();
  }

  function remove(id: string): void {
    posts.remove(id);
    refresh();
  }

  async function watch(post: Post): Promise<void> {
    if (watched.has(post.id)) return;
    watched.add(post.id);
    const processed = await whenProcessed(post, signal);
    if (processed) replace(processed);
  }

  /** Requests a page again, and tells every list which of its posts were edited or deleted since. */
  async function refreshPage(cursor: string | null): Promise<FeedPageRead> {
    const known = posts.all;
    const page = await api.feed(cursor, author);
    const { edited, deleted } = posts.changesIn(page, cursor, known);
    edited.forEach(announceEdited);
    deleted.forEach(announceDeleted);
    return page;
  }

  /**
   * Looks for new posts, and refreshes the first page and that of the first visible post. While nothing has changed, this
   * costs the service little (304).
   */
  async function findNew(): Promise<string | undefined> {
    // Without a first page, "Try again" is the way to get it.
    if (isLoading || (posts.cursor === null && !posts.isComplete)) return undefined;
    const visible = grid.firstVisible();
    const cursor = visible === undefined ? null : posts.cursorOf(visible);
    if (cursor !== null) await refreshPage(cursor);
    found = await refreshPage(null);
    const { count, hasGap } = posts.freshIn(found);
    if (count === 0) return undefined;
    return text(hasGap ? "manyNewPosts" : "newPosts", { count });
  }

  function showNew(): void {
    if (found) posts.catchUp(found);
    refresh();
    grid.showStart();
    observeEnd();
  }

  uploads.onPublished((post) => {
    // The post may already have arrived with a page.
    if (posts.has(post.id) || (author !== undefined && author !== post.author.id)) return;
    posts.insert([post]);
    refresh();
  }, signal);
  onPostChanges({ edited: replace, deleted: ({ id }) => remove(id) }, signal);
  nearEnd.observe(end);
  const news = announceNewPosts({ find: findNew, show: showNew, signal });
  return { content: [news, grid.content, status, again, end], list, resume: grid.resume };
}
