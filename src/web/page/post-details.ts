import type { Post } from "./api.ts";
import { authorLink } from "./author.ts";
import { element } from "./element.ts";
import { fullDate, shortDate } from "./times.ts";

/** Returns what the large view shows below a post: the author, the date and the whole caption. */
export function postDetails(post: Post): Node[] {
  const date = new Date(post.created_at);
  const time = element("time", {
    dateTime: post.created_at,
    title: fullDate(date),
    textContent: shortDate(date),
  });
  const caption = element("p", { className: "caption", dir: "auto", textContent: post.caption });
  const by = element("p", { className: "by" }, authorLink(post), " ", time);
  return post.caption === "" ? [by] : [by, caption];
}
