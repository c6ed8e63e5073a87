import type { Post } from "./api.ts";

/** The posts of a view, in their order. */
export interface PostList {
  readonly posts: readonly Post[];
  /** Whether the last page is loaded. */
  readonly isComplete: boolean;
  /** Loads more at the end, if there are any. */
  more(): void;
  /** Scrolls to a post that is out of sight, and so puts its item into the document. */
  reveal(id: string): void;
  /** Calls back after every change of `posts` and `isComplete`. */
  onChange(listener: () => void, signal: AbortSignal): void;
}
