import { displayLongSide, thumbnailLongSide } from "../limits.ts";
import type { MediaKind } from "../media-types.ts";
import type { StoredContent, StoreRenditions } from "./media-store.ts";
import { responseContent } from "./response-content.ts";

/** The transformation that limits both sides without enlarging. */
const within = (side: number) => `w-${side},h-${side},c-at_max`;

/** The addresses of ImageKit's own renditions of the file at `url`. */
export function imageKitRenditions(url: string, kind: MediaKind): StoreRenditions {
  const still = kind === "video" ? `${url}/ik-thumbnail.jpg` : url;
  return {
    thumbnailUrl: `${still}?tr=${within(thumbnailLongSide)}`,
    displayUrl: kind === "video" ? `${url}?tr=f-mp4` : `${url}?tr=${within(displayLongSide)},f-auto`,
  };
}

/**
 * Reads an original from the CDN, which takes no credentials. Follows no redirect.
 * @returns null if there is no file at `url`
 * @throws an error with the response's `status`, or the error of `fetch`
 */
export async function readOriginal(url: string, signal: AbortSignal): Promise<StoredContent | null> {
  const response = await fetch(`${url}?tr=orig-true`, { signal, redirect: "error" });
  if (response.ok) return responseContent(response);
  await response.body?.cancel();
  if (response.status === 404) return null;
  throw Object.assign(new Error("the CDN did not deliver the file"), { status: response.status });
}
