import { heifType } from "./heif-brands.ts";
import { quickTimeStart } from "./quicktime-start.ts";
import type { MediaType } from "../media-types.ts";

/** Bytes of a file's beginning that tell what it is. */
export const enoughToInspect = 4100;

/** file-type's words for what we take, and ours for it. */
const known: Readonly<Record<string, MediaType>> = {
  "image/jpeg": "image/jpeg",
  "image/png": "image/png",
  "image/apng": "image/png",
  "image/gif": "image/gif",
  "image/webp": "image/webp",
  "image/avif": "image/avif",
  "image/heic": "image/heic",
  "image/heif": "image/heic",
  "image/heic-sequence": "image/heic",
  "image/heif-sequence": "image/heic",
  "video/mp4": "video/mp4",
  "video/x-m4v": "video/mp4",
  "video/quicktime": "video/quicktime",
  "video/3gpp": "video/3gpp",
  "video/3gpp2": "video/3gpp",
  "video/webm": "video/webm",
  "video/matroska": "video/matroska",
  "video/vnd.avi": "video/x-msvideo",
  "video/MP1S": "video/mpeg",
  "video/MP2P": "video/mpeg",
  "video/mpeg": "video/mpeg",
};

/**
 * What a file is, by its first bytes (up to {@link enoughToInspect}, or the whole file where it is shorter) and by
 * nothing else; undefined for whatever is not accepted. The library is loaded by the first upload, not at start.
 */
export async function inspectFirstBytes(bytes: Uint8Array): Promise<MediaType | undefined> {
  const heif = heifType(bytes);
  if (heif) return heif;
  const { fileTypeFromBuffer } = await import("file-type");
  const found = await fileTypeFromBuffer(bytes).catch(() => undefined);
  if (found) return known[found.mime];
  const start = quickTimeStart(bytes);
  if (start === "quicktime") return "video/quicktime";
  return start && inspectFirstBytes(bytes.subarray(start.fileTypeAt));
}
