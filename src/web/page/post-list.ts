import type { Post } from "./api.ts";

/** The posts of a view, in their order. */
export interface PostList {
  readonly posts: readonly Post[];
  /** Whether the last page is loaded. */
  readonly isComplete: boolean;
  /** Loads more at the end, if there are any. */
  more(): void;
  /** Scrolls to a post if it is out of sight, which puts its item into the document. */
  reveal(id: string): void;
  /** Calls the listener after every change of `posts` or `isComplete`. */
  onChange(listener: () => void, signal: AbortSignal): void;
}
