import type { ExportedPost } from "../database/exported-posts.ts";
import { parseRenditionKey, renditionKey, renditionKeyAt } from "../storage/media-keys.ts";

/** A post as `posts.json` has it. */
export const exportedPost = (post: ExportedPost) => ({
  id: post.id,
  caption: post.caption,
  alt: post.alt,
  file_type: post.fileType,
  file_name: post.fileName,
  content_type: post.contentType,
  bytes: post.bytes,
  width: post.width,
  height: post.height,
  duration_seconds: post.durationSeconds,
  created_at: post.createdAt.toISOString(),
  edited_at: post.editedAt?.toISOString() ?? null,
  /** The names of the files in the archive; null for a rendition that the post does not have. */
  media: mediaName(post),
  thumbnail: renditionName(post, post.thumbnailUrl),
  display: renditionName(post, post.displayUrl),
});

/** A file of a post in the archive. */
export interface ExportedFile {
  /** The key in the post's store. */
  readonly key: string;
  /** The path in the archive. */
  readonly name: string;
  /** Size in bytes; undefined if the post does not record it. */
  readonly bytes?: number;
  /** The store's own id of the file; undefined if the file is under its key. */
  readonly storeId?: string | null;
}

/** Returns the files of a post: the stored one, and the renditions that the store has of it. */
export function exportedFiles(post: ExportedPost): ExportedFile[] {
  const { key, storeId, bytes } = post;
  // The size of an imported post may be unknown.
  const original = { key, storeId, name: mediaName(post), ...(bytes > 0 && { bytes }) };
  const renditions = [post.thumbnailUrl, post.displayUrl].flatMap((url) => {
    const [key, name] = [renditionKeyAt(url), renditionName(post, url)];
    return key !== undefined && name !== null ? [{ key, name }] : [];
  });
  return [original, ...renditions];
}

/**
 * Limit on the code points of a file's own name in the archive. With four bytes each, all names stay below 255 bytes, the
 * limit of most file systems.
 */
const maxStemLength = 48;

type NamedPost = Pick<ExportedPost, "id" | "key" | "fileName" | "createdAt">;

/** Returns the name of a post's file in the archive: its base name with the extension of its type. */
export const mediaName = (post: NamedPost): string => `media/${baseName(post)}${extension(post.key)}`;

/**
 * Returns the name in the archive of the rendition at this address; null if the store has none there. The name has no
 * version, so that a rendition that is remade during the export matches its name in `posts.json`.
 */
export function renditionName(post: NamedPost, url: string | null): string | null {
  const parsed = parseRenditionKey(renditionKeyAt(url) ?? "");
  if (!parsed) return null;
  return `renditions/${baseName(post)}${extension(renditionKey(post.id, parsed.rendition, 0))}`;
}

/** Everything from the first dot of a key on. */
const extension = (key: string): string => key.slice(key.indexOf("."));

/**
 * Returns the common beginning of the names of a post's files in the archive: the day, the file's own name without
 * characters that a file system rejects or treats as part of a path, and the post's id, which makes it unique.
 */
function baseName({ id, fileName, createdAt }: NamedPost): string {
  const stem = fileName.replace(/\.[^.]*$/s, "").replace(/[\p{C}\p{Zl}\p{Zp}<>:"/\\|?*]/gu, "_");
  const short = Array.from(stem).slice(0, maxStemLength).join("");
  return `${createdAt.toISOString().slice(0, 10)}_${short}_${id}`;
}
