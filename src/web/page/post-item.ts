import type { Post } from "./api.ts";
import { authorOf } from "./author.ts";
import { element, link } from "./element.ts";
import { icon } from "./icons.ts";
import { nameOf, postMenu, type PostMenuEvents } from "./post-actions.ts";
import { text } from "./texts/text.ts";
import { ago, fullDate } from "./times.ts";

/** Limit for showing a photo itself in place of a missing thumbnail. */
const maxShownPixels = 50_000_000;

/** The picture to show in the list, or words in its place. */
function stillOf(post: Post): { readonly url: string } | { readonly words: string } {
  // An image is its own thumbnail while that is being made, and browsers may be unable to show it.
  const isMade = post.thumbnail_url !== null && !(post.processing && post.thumbnail_url === post.url);
  if (isMade) return { url: post.thumbnail_url! };
  if (post.processing) return { words: text("previewInProgress") };
  if (post.file_type === "video") return { words: text("noPoster") };
  const isHuge = (post.width ?? 0) * (post.height ?? 0) > maxShownPixels;
  return isHuge ? { words: text("tooManyPixels") } : { url: post.url };
}

/** Creates the item of a post in the feed: picture, caption, author, time and menu. */
export function postItem(post: Post, events: PostMenuEvents): HTMLLIElement {
  const name = nameOf(post);
  // The size reserves space, so that nothing moves when the picture loads.
  const size = { width: post.width ?? 4, height: post.height ?? 3 };
  const still = stillOf(post);
  const picture =
    "url" in still
      ? element("img", { src: still.url, alt: name, loading: "lazy", decoding: "async", ...size })
      : element("span", { className: "no-picture", textContent: still.words });
  picture.addEventListener("error", () => picture.classList.add("broken"), { once: true });
  const play = element("span", { className: "play", attributes: { "aria-hidden": "true" } });
  play.append(icon("play"));
  const time = new Date(post.created_at);
  return element(
    "li",
    { className: "post" },
    element(
      "a",
      {
        className: "picture",
        href: `#/post/${post.id}`,
        attributes: { "aria-label": text("showPost", { name }) },
      },
      picture,
      post.file_type === "video" && play,
    ),
    post.caption !== "" && element("p", { className: "caption", dir: "auto", textContent: post.caption }),
    element(
      "div",
      { className: "meta" },
      element(
        "p",
        {},
        link(`#/user/${post.author.id}`, post.is_owner ? text("you") : authorOf(post)),
        " · ",
        element("time", { dateTime: post.created_at, title: fullDate(time), textContent: ago(time) }),
      ),
      postMenu(post, events),
    ),
  );
}
