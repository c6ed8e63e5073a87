import { hiddenEmail } from "../../limits.ts";
import type { Post } from "./api.ts";
import { link } from "./element.ts";
import { text } from "./texts/text.ts";

/** Returns the name under which the page shows the author of a post. */
export const authorOf = ({ author, email }: Pick<Post, "author" | "email">): string =>
  author.name ?? (email === hiddenEmail ? text("someone") : email);

/** Creates a link to the posts of a post's author. */
export function authorLink(post: Post): HTMLAnchorElement {
  const created = link(`#/user/${post.author.id}`, post.is_owner ? text("you") : authorOf(post));
  created.dir = "auto";
  return created;
}
