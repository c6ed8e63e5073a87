import type { Post } from "./api.ts";
import { element } from "./element.ts";
import { nameOf } from "./post-actions.ts";
import { isTooLarge } from "./still.ts";

/** A photo or a video at a large size. */
export interface LargeMedia {
  readonly content: HTMLElement;
  /** The size of a photo in its own pixels; undefined for videos. */
  readonly size: { readonly width: number; readonly height: number } | undefined;
  /** Whether a photo has an original with more pixels than are shown. */
  hasMore(): boolean;
  /** Replaces a photo's display size by the original. @throws if the browser cannot show it; there is no more then */
  showOriginal(): Promise<void>;
  /** Sets its accessible name. */
  setName(name: string): void;
  /** Stops a video and its download. */
  end(): void;
}

/** @param failed called when the browser cannot load or show the file */
export const largeMedia = (post: Post, failed: () => void, loaded: () => void): LargeMedia =>
  (post.file_type === "video" ? video : photo)(post, failed, loaded);

function video(post: Post, failed: () => void, loaded: () => void): LargeMedia {
  const content = element("video", {
    src: post.display_url,
    poster: post.thumbnail_url ?? "",
    controls: true,
    // Browsers allow it after a click, and otherwise wait for the user.
    autoplay: !matchMedia("(prefers-reduced-motion: reduce)").matches,
    attributes: { playsinline: "", "aria-label": nameOf(post) },
  });
  content.addEventListener("error", failed);
  content.addEventListener("loadeddata", loaded);
  return {
    content,
    size: undefined,
    hasMore: () => false,
    showOriginal: async () => {},
    setName: (name) => content.setAttribute("aria-label", name),
    end() {
      content.removeEventListener("error", failed);
      content.pause();
      content.removeAttribute("src");
      content.load();
    },
  };
}

function photo(post: Post, failed: () => void, loaded: () => void): LargeMedia {
  const size = { width: post.width ?? 0, height: post.height ?? 0 };
  const content = element("img", {
    src: post.display_url,
    alt: nameOf(post),
    draggable: false,
    decoding: "async",
    ...(size.width > 0 && size),
  });
  // Never enlarged, whichever rendition is shown.
  if (size.width > 0) {
    content.style.maxWidth = `min(100%, ${size.width}px)`;
    content.style.maxHeight = `min(100%, ${size.height}px)`;
  }
  // The list has already loaded the thumbnail, which is shown until the photo has loaded. A tiny one would be enlarged.
  if (post.thumbnail_url && size.width > 640)
    content.style.backgroundImage = `url(${JSON.stringify(post.thumbnail_url)})`;
  content.addEventListener("error", failed);
  content.addEventListener("load", () => {
    content.style.backgroundImage = "";
    loaded();
  });
  let hasMore = post.display_url !== post.url && !isTooLarge(post);
  return {
    content,
    get size() {
      return size.width > 0 ? size : { width: content.naturalWidth || 1, height: content.naturalHeight || 1 };
    },
    hasMore: () => hasMore,
    async showOriginal() {
      hasMore = false;
      await element("img", { src: post.url }).decode();
      content.src = post.url;
    },
    setName: (name) => void (content.alt = name),
    end: () => content.removeEventListener("error", failed),
  };
}
