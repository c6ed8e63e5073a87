import type { Post } from "./api.ts";
import { element } from "./element.ts";
import { icon } from "./icons.ts";
import { nameOf } from "./post-actions.ts";
import { text } from "./texts/text.ts";

/** Creates a small picture of a post that leads to its large view. */
export function thumbnail(post: Post): HTMLAnchorElement {
  const name = nameOf(post);
  const { thumbnail_url } = post;
  const picture =
    thumbnail_url === null
      ? icon(post.file_type === "video" ? "play" : "photos")
      : element("img", { src: thumbnail_url, alt: "", loading: "lazy", decoding: "async" });
  picture.addEventListener("error", () => picture.replaceWith(icon("photos")), { once: true });
  return element(
    "a",
    {
      className: "thumbnail",
      href: `#/post/${post.id}`,
      attributes: { "aria-label": text("showPost", { name }) },
    },
    picture,
  );
}
