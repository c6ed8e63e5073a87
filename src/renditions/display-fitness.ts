import { displayLongSide } from "../limits.ts";
import type { MediaType } from "../media-types.ts";
import type { MediaFacts } from "../metadata/plan.ts";

/**
 * Whether the large view can show the image file itself: every current browser decodes it, and it is animated or at most
 * {@link displayLongSide} pixels on each side.
 */
export function isFitForDisplay(type: MediaType, { size, decoding }: MediaFacts): boolean {
  if (type === "image/heic") return false;
  return decoding?.isAnimated === true || Math.max(size?.width ?? 0, size?.height ?? 0) <= displayLongSide;
}
