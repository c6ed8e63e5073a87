import type { Post } from "./api.ts";
import { authorOf } from "./author.ts";
import { element, link } from "./element.ts";
import { text } from "./texts/text.ts";
import { fullDate, shortDate } from "./times.ts";

/** Returns what the large view says below a post: the author, the date and the whole caption. */
export function postDetails(post: Post): Node[] {
  const author = link(`#/user/${post.author.id}`, post.is_owner ? text("you") : authorOf(post));
  author.dir = "auto";
  const date = new Date(post.created_at);
  const time = element("time", {
    dateTime: post.created_at,
    title: fullDate(date),
    textContent: shortDate(date),
  });
  const caption = element("p", { className: "caption", dir: "auto", textContent: post.caption });
  const by = element("p", { className: "by" }, author, " ", time);
  return post.caption === "" ? [by] : [by, caption];
}
