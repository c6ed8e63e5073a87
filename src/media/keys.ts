import { ApiError } from "../errors.ts";
import { mediaTypes, type MediaType } from "./types.ts";

const UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
const extensions = [...new Set(Object.values(mediaTypes).map(({ extension }) => extension))].join("|");
const pattern = new RegExp(`^${UUID}\\.(?:${extensions}|thumb\\.webp)$`);

/** The key of a post's file: its id (UUID, lower case) and the extension of what the bytes are. */
export function mediaKey(postId: string, type: MediaType): string {
  return `${postId}.${mediaTypes[type].extension}`;
}

const thumbnailSuffix = ".thumb.webp";

/** The key of a post's thumbnail. */
export function thumbnailKey(postId: string): string {
  return `${postId}${thumbnailSuffix}`;
}

/** Whether an address is one of a thumbnail, rather than of the image itself, which stands in where there is none. */
export const isThumbnailUrl = (url: string): boolean => url.endsWith(thumbnailSuffix);

/** The id of the post whose file this key, as {@link requireMediaKey} lets it pass, holds. */
export const postIdOfMedia = (key: string): string => key.slice(0, key.indexOf("."));

/** The id of the post whose thumbnail this key holds; undefined for other keys. */
export const postIdOfThumbnail = (key: string): string | undefined =>
  key.endsWith(thumbnailSuffix) ? key.slice(0, -thumbnailSuffix.length) : undefined;

/**
 * Lets nothing but a key of ours pass: what reaches a store or the file system holds no slash, no dot-dot, no
 * NUL and no wildcard, however it was encoded in an address. Throws `NOT_FOUND` for anything else.
 */
export function requireMediaKey(key: string): string {
  if (!pattern.test(key)) throw new ApiError("NOT_FOUND");
  return key;
}
