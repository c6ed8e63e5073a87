import type { Post } from "./api.ts";
import { element } from "./element.ts";
import { isTooLarge } from "./still.ts";

/** Loads the display sizes of photos and the posters of videos into the browser's cache. */
export function preload(posts: readonly (Post | undefined)[]): void {
  for (const post of posts) {
    const src = post?.file_type === "image" ? post.display_url : post?.thumbnail_url;
    if (src && !isTooLarge(post!)) element("img", { src });
  }
}
