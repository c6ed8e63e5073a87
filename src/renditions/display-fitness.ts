import { displayLongSide } from "../limits.ts";
import type { MediaType } from "../media-types.ts";
import type { MediaFacts } from "../metadata/plan.ts";

/**
 * Whether the large view can show an image itself: every current browser has a decoder, and it is animated or has at most
 * {@link displayLongSide} pixels a side.
 */
export function isFitForDisplay(type: MediaType, { size, decoding }: MediaFacts): boolean {
  if (type === "image/heic") return false;
  return decoding?.isAnimated === true || Math.max(size?.width ?? 0, size?.height ?? 0) <= displayLongSide;
}
