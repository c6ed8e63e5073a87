import { ApiError } from "../errors.ts";
import { mediaTypes, type MediaType } from "../media-types.ts";

const UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
const extensions = [...new Set(Object.values(mediaTypes).map(({ extension }) => extension))].join("|");
const pattern = new RegExp(`^${UUID}\\.(?:${extensions}|thumb\\.webp)$`);

/** The key of a post's file: the post's id (UUID, lower case) and the extension of the detected type. */
export function mediaKey(postId: string, type: MediaType): string {
  return `${postId}.${mediaTypes[type].extension}`;
}

const thumbnailSuffix = ".thumb.webp";

/** The key of a post's thumbnail. */
export function thumbnailKey(postId: string): string {
  return `${postId}${thumbnailSuffix}`;
}

/** Whether a URL is that of a thumbnail. Images without one use the URL of the image itself. */
export const isThumbnailUrl = (url: string): boolean => url.endsWith(thumbnailSuffix);

/** The id of the post that a valid media key belongs to. */
export const postIdOfMedia = (key: string): string => key.slice(0, key.indexOf("."));

/** The id of the post that a thumbnail's key belongs to; undefined for other keys. */
export const postIdOfThumbnail = (key: string): string | undefined =>
  key.endsWith(thumbnailSuffix) ? key.slice(0, -thumbnailSuffix.length) : undefined;

/**
 * Returns the key if it is well-formed. A well-formed key has no slash, dot-dot, NUL or wildcard, so it is safe to pass to
 * a store or the file system.
 * @throws ApiError NOT_FOUND for anything else
 */
export function requireMediaKey(key: string): string {
  if (!pattern.test(key)) throw new ApiError("NOT_FOUND");
  return key;
}
