import type { Post } from "./api.ts";
import type { FeedPageRead } from "../../posts/schemas.ts";

/** Newest first, as the service orders posts. */
const byTime = (a: Post, b: Post) => order(b.created_at, a.created_at) || order(b.id, a.id);
const order = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** What the first page of the feed has and a list has not. */
export interface Fresh {
  readonly count: number;
  /** Whether there are more between those posts and the list. */
  readonly hasGap: boolean;
}

/** The posts of a list that have been loaded: pages from the newest on, and what the user has shared meanwhile. */
export class FeedPosts {
  #posts: Post[] = [];
  readonly #known = new Set<string>();
  /** Ids that came with a page. */
  readonly #paged = new Set<string>();
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

  /** Adds the page that follows. */
  append({ posts, next_cursor }: FeedPageRead): void {
    const added = posts.filter(({ id }) => !this.#known.has(id));
    for (const { id } of posts) this.#paged.add(id);
    for (const { id } of added) this.#known.add(id);
    this.#posts = [...this.#posts, ...added];
    this.#cursor = next_cursor;
    this.#isComplete = next_cursor === null;
  }

  /** Starts anew with the first page. */
  restart(page: FeedPageRead): void {
    this.#posts = [];
    this.#known.clear();
    this.#paged.clear();
    this.append(page);
  }

  /** Compares the list with the first page as it is now. */
  freshIn(page: FeedPageRead): Fresh {
    const last = this.#lastPagedIn(page);
    // What follows after the last known post comes with later pages.
    const candidates = last < 0 ? page.posts : page.posts.slice(0, last);
    return {
      count: candidates.filter(({ id }) => !this.#known.has(id)).length,
      hasGap: last < 0 && page.next_cursor !== null,
    };
  }

  /** Adds what {@link freshIn} found. After a gap, the list starts anew. */
  catchUp(page: FeedPageRead): void {
    if (this.freshIn(page).hasGap) return this.restart(page);
    const last = this.#lastPagedIn(page);
    const fresh = last < 0 ? page.posts : page.posts.slice(0, last);
    for (const { id } of fresh) this.#paged.add(id);
    this.insert(fresh);
  }

  #lastPagedIn = ({ posts }: FeedPageRead) => posts.findLastIndex(({ id }) => this.#paged.has(id));

  /** Adds posts that were published meanwhile. */
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
