import type { Post } from "./api.ts";

/** The posts of a view, in their order. */
export interface PostList {
  readonly posts: readonly Post[];
  /** Loads more at the end, if there are any. */
  more(): void;
  /** Shows a changed post in place of its former state. */
  replace(post: Post): void;
  remove(id: string): void;
}
