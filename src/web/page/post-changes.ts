import type { Post } from "./api.ts";

const edited = "post-edited";
const deleted = "post-deleted";

const announce = (type: string, detail: Post) => document.dispatchEvent(new CustomEvent(type, { detail }));

/** Tells every list that a post was edited, including lists that are kept for the Back button. */
export const announceEdited = (post: Post): void => void announce(edited, post);

/** Tells every list that a post was deleted. */
export const announceDeleted = (post: Post): void => void announce(deleted, post);

/** Calls the listeners when a post was edited or deleted anywhere in the page. */
export function onPostChanges(
  listeners: { edited(post: Post): void; deleted(post: Post): void },
  signal: AbortSignal,
): void {
  const detailOf = (event: Event) => (event as CustomEvent<Post>).detail;
  document.addEventListener(edited, (event) => listeners.edited(detailOf(event)), { signal });
  document.addEventListener(deleted, (event) => listeners.deleted(detailOf(event)), { signal });
}
