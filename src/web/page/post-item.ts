import type { Post } from "./api.ts";
import { authorLink } from "./author.ts";
import { clampedCaption } from "./caption.ts";
import { downloadOf } from "./download.ts";
import { element } from "./element.ts";
import { icon } from "./icons.ts";
import { isPlayable } from "./playable.ts";
import { nameOf, postMenu } from "./post-actions.ts";
import { setShownWidth, still, stillOf } from "./still.ts";
import { text } from "./texts/text.ts";
import { timeAgo } from "./time-ago.ts";
import { clock } from "./times.ts";

export interface PostItemOptions {
  /** The ids of the posts whose caption is shown in full. */
  readonly expanded: Set<string>;
}

/** Creates the item of a post in a list: picture, author, time, menu and caption. */
export function postItem(post: Post, { expanded }: PostItemOptions): HTMLLIElement {
  const isVideo = post.file_type === "video";
  const plays = isVideo && isPlayable(post);
  return element(
    "li",
    { className: "post" },
    picture(post, plays),
    element(
      "div",
      { className: "meta" },
      element("p", {}, authorLink(post), timeAgo(post.created_at)),
      postMenu(post),
    ),
    ...clampedCaption(post.caption, post.id, expanded),
    isVideo && !plays && !post.processing && unplayable(post),
  );
}

/** Width of the narrowest item that has room for a name, the time and the menu in one line, in pixels. */
export const oneLineWidth = 220;

/**
 * Sets the size in which an item shows its picture, in pixels.
 * @param isNarrow whether the time gets a line of its own
 */
export function setPictureSize(item: HTMLElement, width: number, height: number, isNarrow: boolean): void {
  item.style.width = `${width}px`;
  item.classList.toggle("narrow", isNarrow);
  item.querySelector<HTMLElement>(".picture")!.style.height = `${height}px`;
  const image = item.querySelector("img");
  if (image) setShownWidth(image, width);
}

function picture(post: Post, plays: boolean): HTMLElement {
  const source = stillOf(post);
  const duration = post.duration_seconds === null ? "" : clock(post.duration_seconds);
  const name = text(plays ? "playVideo" : "showPost", { name: nameOf(post) });
  const label = [name, duration, "message" in source && source.message].filter(Boolean).join(", ");
  const play =
    plays && element("span", { className: "play", attributes: { "aria-hidden": "true" } }, icon("play"));
  return element(
    "a",
    { className: "picture", href: `#/post/${post.id}`, attributes: { "aria-label": label } },
    ...still(post, source),
    play,
    duration !== "" && element("span", { className: "duration", textContent: duration }),
  );
}

/** Says that this browser cannot play the video, with a link to download it. */
const unplayable = (post: Post): HTMLElement =>
  element(
    "p",
    { className: "unplayable" },
    text("cannotPlay"),
    " ",
    element("a", { ...downloadOf(post), textContent: text("download") }),
  );
