import { heifType } from "./heif-brands.ts";
import { quickTimeStart } from "./quicktime-start.ts";
import type { MediaType } from "../media-types.ts";

/** Bytes at the start of a file that determine its type. */
export const inspectedBytes = 4100;

/** The MIME type of MPEG transport streams (ISO/IEC 13818-1), which are not stored as they are: they become MP4s. */
export const transportStream = "video/mp2t";

/** Accepted types by the MIME types that file-type reports. */
const acceptedTypes: Readonly<Record<string, MediaType>> = {
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
 * Detects the type of a file from nothing but its first bytes: {@link inspectedBytes}, or all of a shorter file. The
 * library is loaded on the first upload rather than at startup.
 * @returns undefined for a type that is not accepted
 */
export async function inspectFirstBytes(bytes: Uint8Array): Promise<MediaType | undefined> {
  const heif = heifType(bytes);
  if (heif) return heif;
  const { fileTypeFromBuffer } = await import("file-type");
  const found = await fileTypeFromBuffer(bytes).catch(() => undefined);
  if (found) return acceptedTypes[found.mime];
  const start = quickTimeStart(bytes);
  if (start === "quicktime") return "video/quicktime";
  return start && inspectFirstBytes(bytes.subarray(start.fileTypeAt));
}

/** Whether these first bytes are those of an MPEG transport stream, also in the packets of AVCHD. */
export async function isTransportStream(bytes: Uint8Array): Promise<boolean> {
  const { fileTypeFromBuffer } = await import("file-type");
  return (await fileTypeFromBuffer(bytes).catch(() => undefined))?.mime === transportStream;
}
