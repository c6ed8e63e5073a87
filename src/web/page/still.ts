import { displayLongSide } from "../../limits.ts";
import { displaySize, thumbnailSize } from "../../renditions/sizes.ts";
import type { Post } from "./api.ts";
import { element } from "./element.ts";
import { placeholder } from "./placeholder.ts";
import { nameOf } from "./post-actions.ts";
import { text } from "./texts/text.ts";

/** Limit for showing a photo itself in place of a missing rendition. */
export const maxShownPixels = 50_000_000;

/** Sharper pictures than this many pixels for each CSS pixel cost more than eyes can see. */
const maxDensity = 2;

/** The picture that stands for a post in a list, or words in its place. */
export type Still = { readonly url: string; readonly srcset: string } | { readonly words: string };

export function stillOf(post: Post): Still {
  // An image is its own thumbnail while that is being made, and browsers may be unable to show it.
  const isMade = post.thumbnail_url !== null && !(post.processing && post.thumbnail_url === post.url);
  if (isMade) return { url: post.thumbnail_url!, srcset: sourcesOf(post, post.thumbnail_url!) };
  if (post.processing) return { words: text("previewInProgress") };
  if (post.file_type === "video") return { words: text("noPoster") };
  const isHuge = (post.width ?? 0) * (post.height ?? 0) > maxShownPixels;
  return isHuge ? { words: text("tooManyPixels") } : { url: post.url, srcset: "" };
}

/** Returns thumbnail and display size with their widths; empty where there is nothing to choose. */
function sourcesOf(post: Post, thumbnailUrl: string): string {
  const { width, height, url, display_url: displayUrl } = post;
  if (!width || !height || post.file_type === "video" || displayUrl === thumbnailUrl) return "";
  // The original stands in for a display size that is still to be made. An animation is large and would move.
  const isFit = displayUrl !== url || (!post.processing && Math.max(width, height) <= displayLongSide);
  if (!isFit || post.content_type === "image/gif") return "";
  const size = { width, height };
  return `${thumbnailUrl} ${thumbnailSize(size).width}w, ${displayUrl} ${displaySize(size).width}w`;
}

/** Creates the content of a post's picture: the image above a preview of its colours, or words. */
export function still(post: Post, source: Still): (HTMLElement | undefined)[] {
  if ("words" in source) return [element("span", { className: "no-picture", textContent: source.words })];
  const preview = post.placeholder === null ? undefined : placeholder(post.placeholder);
  const image = element("img", {
    alt: nameOf(post),
    loading: "lazy",
    decoding: "async",
    width: post.width ?? 4,
    height: post.height ?? 3,
    srcset: source.srcset,
    src: source.url,
  });
  image.addEventListener("error", () => image.classList.add("broken"), { once: true });
  // Transparent parts of the image must not show it. A loaded image appears once it is decoded.
  const reveal = () =>
    image.decode().then(
      () => preview?.remove(),
      () => {},
    );
  image.addEventListener("load", reveal, { once: true });
  return [preview, image];
}

/** Tells the browser at which width, in CSS pixels, an image is shown, so that it chooses the right source. */
export function setShownWidth(image: HTMLImageElement, width: number): void {
  const sizes = `${Math.ceil(width * Math.min(1, maxDensity / devicePixelRatio))}px`;
  if (image.srcset !== "" && image.sizes !== sizes) image.sizes = sizes;
}
