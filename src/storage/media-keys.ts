import { ApiError } from "../errors.ts";
import { mediaTypes, type MediaKind, type MediaType } from "../media-types.ts";

/** The files that the service makes from a post's file. */
export type Rendition = "thumbnail" | "picture" | "mp4";

/** The end of a rendition's key and its content type. */
const renditions = {
  thumbnail: { suffix: "thumb.webp", contentType: "image/webp" },
  picture: { suffix: "display.webp", contentType: "image/webp" },
  mp4: { suffix: "display.mp4", contentType: "video/mp4" },
} as const satisfies Record<Rendition, { suffix: string; contentType: MediaType }>;

/** The renditions that a post of each kind can have. */
const renditionsOf = {
  image: ["thumbnail", "picture"],
  video: ["thumbnail", "mp4"],
} as const satisfies Record<MediaKind, readonly Rendition[]>;

const UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
const extensions = [...new Set(Object.values(mediaTypes).map(({ extension }) => extension))].join("|");
const suffixes = Object.values(renditions)
  .map(({ suffix }) => suffix.replace(".", "\\."))
  .join("|");
const version = "v([1-9][0-9]{0,8})";
const pattern = new RegExp(`^${UUID}\\.(?:${extensions}|(?:${version}\\.)?(?:${suffixes}))$`);
const renditionPattern = new RegExp(`^(${UUID})\\.(?:${version}\\.)?(${suffixes})$`);

/** The key of a post's file: the post's id (UUID, lower case) and the extension of the detected type. */
export function mediaKey(postId: string, type: MediaType): string {
  return `${postId}.${mediaTypes[type].extension}`;
}

/**
 * The key of a rendition.
 * @param version how often the post's renditions have been replaced: the bytes of a key never change
 */
export function renditionKey(postId: string, rendition: Rendition, version: number): string {
  return `${postId}.${version === 0 ? "" : `v${version}.`}${renditions[rendition].suffix}`;
}

/** The keys of all renditions that a post may have, of every version up to this one. */
export function renditionKeys(postId: string, kind: MediaKind, version: number): string[] {
  const versions = Array.from({ length: version + 1 }, (_, index) => index);
  return versions.flatMap((of) => renditionsOf[kind].map((rendition) => renditionKey(postId, rendition, of)));
}

/** The parts of a rendition's key. */
export interface RenditionKey {
  readonly postId: string;
  readonly rendition: Rendition;
  readonly version: number;
  readonly contentType: MediaType;
}

/** Parses the key of a rendition; undefined for any other key. */
export function parseRenditionKey(key: string): RenditionKey | undefined {
  const [, postId, version, suffix] = renditionPattern.exec(key) ?? [];
  for (const [rendition, { suffix: own, contentType }] of Object.entries(renditions))
    if (postId !== undefined && suffix === own)
      return { postId, rendition: rendition as Rendition, version: Number(version ?? 0), contentType };
  return undefined;
}

/** The key of the rendition that a store put at this address; undefined for any other address. */
export function renditionKeyAt(url: string | null): string | undefined {
  const key = url?.slice(url.lastIndexOf("/") + 1) ?? "";
  return renditionPattern.test(key) ? key : undefined;
}

/**
 * Returns the key if it is well-formed. A well-formed key has no slash, dot-dot, NUL or wildcard, so it is safe to pass to
 * a store or the file system.
 * @throws ApiError NOT_FOUND for anything else
 */
export function requireMediaKey(key: string): string {
  if (!pattern.test(key)) throw new ApiError("NOT_FOUND");
  return key;
}
