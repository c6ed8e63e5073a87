import type { Post } from "./api.ts";

/** Whether this browser may be able to play a video: the file itself, or the MP4 made of it. */
export function isPlayable({ url, display_url, content_type }: Post): boolean {
  if (display_url !== url) return true;
  // A QuickTime file that needs no MP4 holds what browsers play, but they do not know the type.
  const type = content_type === "video/quicktime" ? "video/mp4" : content_type;
  return document.createElement("video").canPlayType(type) !== "";
}
