import type { ImportedPost } from "../database/imports.ts";
import type { OriginalRow } from "../database/original-database.ts";
import { maxCaptionLength } from "../limits.ts";
import { mediaTypes, typeOfName, type MediaKind, type MediaType } from "../media-types.ts";
import { imageKitStoreId, isOwnPath } from "../storage/imagekit-location.ts";
import { imageKitRenditions } from "../storage/imagekit-delivery.ts";
import { mediaKey } from "../storage/media-keys.ts";
import { displayName } from "../uploads/display-name.ts";
import type { OriginalEndpoint } from "./original-endpoint.ts";
import { excerpt, readId, readTime, refuse, type Refusal } from "./original-values.ts";

/** How far ahead a time may be, because clocks differ. A post with a later time would stay above new posts in the feed. */
const maxAheadMs = 300_000;

/** A post of the original program. */
export interface OriginalPost {
  readonly post: ImportedPost;
  /** The path of its file in ImageKit. */
  readonly path: string;
  /** Whether characters of its caption were left out. */
  readonly isCaptionChanged: boolean;
}

/** What to call a post in messages: its id, or its row if it has none. */
export function nameOfPost({ row, id }: OriginalRow): string {
  const read = readId(id);
  if (read !== undefined) return `post ${read}`;
  return typeof id === "string" ? `post ${excerpt(id)}` : `row ${row} of the posts`;
}

/**
 * Reads a post whose file stays in ImageKit.
 * @param endpoint the only place where its file may be
 */
export function readPost(row: OriginalRow, endpoint: OriginalEndpoint, now: Date): OriginalPost | Refusal {
  const id = readId(row["id"]);
  if (id === undefined) return refuse("its id is not a UUID");
  const userId = readId(row["user_id"]);
  if (userId === undefined) return refuse("the id of its author is not a UUID");
  const fileType = row["file_type"];
  if (fileType !== "image" && fileType !== "video") return refuse("it is neither an image nor a video");
  const createdAt = readTime(row["created_at"]);
  if (!createdAt) return refuse("it has no valid time");
  if (createdAt.getTime() > now.getTime() + maxAheadMs) return refuse("its time is in the future");
  const caption = readCaption(row["caption"]);
  if (caption === undefined) return refuse("its caption is not text, or is far too long");
  const file = endpoint.read(row["url"]);
  if (!file) return refuse(`its address is not that of a file below ${endpoint.description()}`);
  // Otherwise deleting it would delete the file of another post.
  if (isOwnPath(file.path)) return refuse("its address is one of this service's own files");

  const fileName = typeof row["file_name"] === "string" ? row["file_name"] : "";
  const contentType = typeOf(file.path, fileType) ?? typeOf(fileName, fileType) ?? usualTypes[fileType];
  const { path, url } = file;
  return {
    post: {
      ...{ id, userId, caption: caption.text, alt: "", fileType, createdAt },
      fileName: displayName(fileName, contentType),
      store: "imagekit",
      key: mediaKey(id, contentType),
      storeId: imageKitStoreId({ fileId: null, path }),
      url,
      ...imageKitRenditions(url, fileType),
      placeholder: null,
      contentType,
      // Unknown until the file is found or copied.
      ...{ bytes: 0, width: null, height: null, durationSeconds: null, sha256: "" },
    },
    path,
    isCaptionChanged: caption.isChanged,
  };
}

/** Shortens a caption to what the API accepts. */
function readCaption(value: unknown): { text: string; isChanged: boolean } | undefined {
  if (value === null) return { text: "", isChanged: false };
  if (typeof value !== "string") return undefined;
  const text = Array.from(value.toWellFormed().replaceAll("\0", "")).slice(0, maxCaptionLength).join("");
  return { text, isChanged: text !== value };
}

/** The assumed types of files without a known extension, until they are copied. */
const usualTypes = { image: "image/jpeg", video: "video/mp4" } as const satisfies Record<
  MediaKind,
  MediaType
>;

/** The type of a kind that the extension of a name stands for. */
function typeOf(name: string, kind: MediaKind): MediaType | undefined {
  const type = typeOfName(name);
  return type && mediaTypes[type].kind === kind ? type : undefined;
}
