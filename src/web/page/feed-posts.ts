import type { FeedPageRead } from "../../posts/schemas.ts";
import type { Post } from "./api.ts";

/** Newest first, as the service orders posts. */
const byTime = (a: Post, b: Post) => order(b.created_at, a.created_at) || order(b.id, a.id);
const order = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** What the first page of the feed has that a list lacks. */
export interface Fresh {
  readonly count: number;
  /** Whether there are more between those posts and the list. */
  readonly hasGap: boolean;
}

/** Posts that were changed by other users, or elsewhere. */
export interface PostChanges {
  /** The posts as they are now. */
  readonly edited: readonly Post[];
  readonly deleted: readonly Post[];
}

/** The loaded posts of a list: pages, newest first, and the posts that the user has shared since. */
export class FeedPosts {
  #posts: Post[] = [];
  readonly #known = new Set<string>();
  /** For each post that came with a page, the cursor with which the page was requested. */
  readonly #cursors = new Map<string, string | null>();
  #cursor: string | null = null;
  #isComplete = false;

  get all(): readonly Post[] {
    return this.#posts;
  }
  /** The cursor of the next page. */
  get cursor(): string | null {
    return this.#cursor;
  }
  /** Whether the last page has been added. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  has(id: string): boolean {
    return this.#known.has(id);
  }

  /** Returns the cursor with which the page of a post is requested; null for the first page. */
  cursorOf(id: string): string | null {
    return this.#cursors.get(id) ?? null;
  }

  /** Adds the next page. */
  append({ posts, next_cursor }: FeedPageRead): void {
    const added = posts.filter(({ id }) => !this.#known.has(id));
    for (const { id } of posts) this.#cursors.set(id, this.#cursor);
    for (const { id } of added) this.#known.add(id);
    this.#posts = [...this.#posts, ...added];
    this.#cursor = next_cursor;
    this.#isComplete = next_cursor === null;
  }

  /** Starts again with the first page. */
  restart(page: FeedPageRead): void {
    this.#posts = [];
    this.#known.clear();
    this.#cursors.clear();
    this.#cursor = null;
    this.append(page);
  }

  /** Compares the list with the current first page. */
  freshIn(page: FeedPageRead): Fresh {
    const last = this.#lastPagedIn(page);
    // Older posts than the last known one come with later pages.
    const candidates = last < 0 ? page.posts : page.posts.slice(0, last);
    return {
      count: candidates.filter(({ id }) => !this.#known.has(id)).length,
      hasGap: last < 0 && page.next_cursor !== null,
    };
  }

  /**
   * Compares the posts of a page with the page as it is now.
   * @param cursor with which the page was requested
   * @param known the posts of the list before the request; later changes are ignored
   */
  changesIn(
    { posts, next_cursor }: FeedPageRead,
    cursor: string | null,
    known: readonly Post[],
  ): PostChanges {
    const latest = new Map(posts.map((post) => [post.id, post]));
    const last = posts.at(-1);
    const isCovered = (post: Post) => next_cursor === null || (last !== undefined && byTime(post, last) < 0);
    const present = new Set(this.#posts);
    const compared = known.filter((post) => present.has(post) && this.cursorOf(post.id) === cursor);
    return {
      edited: compared.flatMap((post) => {
        const now = latest.get(post.id);
        return now && JSON.stringify(now) !== JSON.stringify(post) ? [now] : [];
      }),
      deleted: compared.filter((post) => !latest.has(post.id) && isCovered(post)),
    };
  }

  /** Adds what {@link freshIn} found. After a gap, the list starts again. */
  catchUp(page: FeedPageRead): void {
    if (this.freshIn(page).hasGap) return this.restart(page);
    const last = this.#lastPagedIn(page);
    const fresh = last < 0 ? page.posts : page.posts.slice(0, last);
    for (const { id } of fresh) this.#cursors.set(id, null);
    this.insert(fresh);
  }

  #lastPagedIn = ({ posts }: FeedPageRead) => posts.findLastIndex(({ id }) => this.#cursors.has(id));

  /** Adds posts that were published since. */
  insert(posts: readonly Post[]): void {
    const added = posts.filter(({ id }) => !this.#known.has(id));
    for (const { id } of added) this.#known.add(id);
    this.#posts = [...this.#posts, ...added].sort(byTime);
  }

  /** @returns whether the list has this post */
  replace(post: Post): boolean {
    if (!this.#known.has(post.id)) return false;
    this.#posts = this.#posts.map((former) => (former.id === post.id ? post : former));
    return true;
  }

  remove(id: string): void {
    this.#posts = this.#posts.filter((post) => post.id !== id);
    this.#known.delete(id);
  }
}
