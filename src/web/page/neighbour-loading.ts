import type { Post } from "./api.ts";
import { element } from "./element.ts";
import { maxShownPixels } from "./still.ts";

export const pixelsOf = ({ width, height }: Post): number => (width ?? 0) * (height ?? 0);

/** Loads the display sizes of photos, and the posters of videos. */
export function preload(posts: readonly (Post | undefined)[]): void {
  for (const post of posts) {
    const src = post?.file_type === "image" ? post.display_url : post?.thumbnail_url;
    if (src && pixelsOf(post!) <= maxShownPixels) element("img", { src });
  }
}
