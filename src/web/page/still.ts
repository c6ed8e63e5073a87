import { displayLongSide } from "../../limits.ts";
import { displaySize, thumbnailSize } from "../../renditions/sizes.ts";
import type { Post } from "./api.ts";
import { element } from "./element.ts";
import { placeholder } from "./placeholder.ts";
import { nameOf } from "./post-actions.ts";
import { text } from "./texts/text.ts";

/** Decoding a larger photo takes more memory than phones have. */
const maxShownPixels = 50_000_000;

/** Whether a photo is too large to be shown without a rendition. */
export const isTooLarge = ({ width, height }: Post): boolean => (width ?? 0) * (height ?? 0) > maxShownPixels;

/**
 * Pixels for each CSS pixel that lists ask for on sharp screens. Browsers choose the next larger source where the thumbnail
 * has only slightly fewer, and display sizes have ten times its bytes; the large view shows them.
 */
const listDensity = 4 / 3;

/** The preview of a post in a list: an image, or a message in its place. */
export type Still = { readonly url: string; readonly srcset: string } | { readonly message: string };

export function stillOf(post: Post): Still {
  // An image is its own thumbnail while that is being made, and browsers may be unable to show it.
  const isMade = post.thumbnail_url !== null && !(post.processing && post.thumbnail_url === post.url);
  if (isMade) return { url: post.thumbnail_url!, srcset: sourcesOf(post, post.thumbnail_url!) };
  if (post.processing) return { message: text("previewInProgress") };
  if (post.file_type === "video") return { message: text("noPoster") };
  return isTooLarge(post) ? { message: text("tooManyPixels") } : { url: post.url, srcset: "" };
}

/** Returns thumbnail and display size with their widths; empty if there is no choice. */
function sourcesOf(post: Post, thumbnailUrl: string): string {
  const { width, height, url, display_url: displayUrl } = post;
  if (!width || !height || post.file_type === "video" || displayUrl === thumbnailUrl) return "";
  // Until the display size is made, its URL is that of the original. An animation is large and would move.
  const isFit = displayUrl !== url || (!post.processing && Math.max(width, height) <= displayLongSide);
  if (!isFit || post.content_type === "image/gif") return "";
  const size = { width, height };
  return `${thumbnailUrl} ${thumbnailSize(size).width}w, ${displayUrl} ${displaySize(size).width}w`;
}

/** Creates the content of a post's picture: the image above a placeholder of its colours, or the message. */
export function still(post: Post, source: Still): (HTMLElement | undefined)[] {
  if ("message" in source) return [element("span", { className: "no-picture", textContent: source.message })];
  const colours = post.placeholder === null ? undefined : placeholder(post.placeholder);
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
  // The colours would show through transparent parts. They stay until the image is decoded, and "sync" makes sure that
  // it is painted as soon as they are gone.
  const reveal = () =>
    image.decode().then(
      () => {
        image.decoding = "sync";
        colours?.remove();
      },
      () => {},
    );
  image.addEventListener("load", reveal, { once: true });
  return [colours, image];
}

/** Tells the browser at which width, in CSS pixels, an image is shown, so that it chooses the right source. */
export function setShownWidth(image: HTMLImageElement, width: number): void {
  const sizes = `${Math.ceil(width * Math.min(1, listDensity / devicePixelRatio))}px`;
  if (image.srcset !== "" && image.sizes !== sizes) image.sizes = sizes;
}
