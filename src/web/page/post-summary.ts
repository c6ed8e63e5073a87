import type { Post } from "./api.ts";
import { authorLink } from "./author.ts";
import { element } from "./element.ts";

/** Returns what identifies a post in a row of the administration beside its thumbnail: the author and the caption. */
export const postSummary = (post: Post): (HTMLElement | false)[] => [
  authorLink(post),
  post.caption !== "" && element("span", { className: "clipped", textContent: post.caption, dir: "auto" }),
];
