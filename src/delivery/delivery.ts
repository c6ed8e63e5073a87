import { existsSync } from "node:fs";

import { ApiError } from "../errors.ts";
import { isUnchanged, preconditionFailed, rangeApplies } from "../http/preconditions.ts";
import { addSecurityHeaders } from "../http/security-headers.ts";
import { byteRange } from "./byte-range.ts";
import { mediaCacheControl } from "../http/cache-control.ts";
import { contentDisposition } from "../http/content-disposition.ts";
import { withExtension } from "../uploads/display-name.ts";
import { maxPartBytes, type RecentFiles } from "./recent-files.ts";
import { isMediaType } from "../media-types.ts";

/** A file to deliver. */
export interface DeliverableMedia {
  readonly key: string;
  /** Where its bytes are; see `DiskStore.resolve`. */
  readonly path: string;
  /** Detected from the bytes at upload; never what the client declared. */
  readonly contentType: string;
  /** The display name, any text. It is sent with an extension of the content type. Null: the key is sent instead. */
  readonly fileName: string | null;
  /** When its post was published. */
  readonly createdAt: Date;
}

/** An image opened in a tab may show itself with the browser's own style, and do nothing else. */
const IMAGE_POLICY = "sandbox; default-src 'none'; img-src 'self'; style-src 'unsafe-inline'";
/** In the opaque origin of a full sandbox, Chromium's video page cannot load its own video. Scripts stay forbidden. */
const VIDEO_POLICY =
  "sandbox allow-same-origin; default-src 'none'; media-src 'self'; style-src 'unsafe-inline'";

/** The headers that all files of a kind share. Copying them is four times as fast as setting one by one. */
const sharedHeaders = (policy: string) =>
  addSecurityHeaders(
    new Headers({
      "accept-ranges": "bytes",
      "cache-control": mediaCacheControl,
      "content-security-policy": policy,
      "cross-origin-resource-policy": "cross-origin",
    }),
  );
const ofImages = sharedHeaders(IMAGE_POLICY);
const ofVideos = sharedHeaders(VIDEO_POLICY);
const ofUnchanged = addSecurityHeaders(new Headers({ "cache-control": mediaCacheControl }));

/**
 * Answers GET and HEAD for a file of the disk store (RFC 9110): 200, 206 for one byte range, 304, 416. Several
 * ranges get the whole file, as the RFC allows. Evaluating conditions and repeating a small part need no access to the
 * disk: the caller has checked that the post is visible.
 * @throws ApiError `PRECONDITION_FAILED`, or `NOT_FOUND` where there is no such file
 */
export function deliver(request: Request, media: DeliverableMedia, recent: RecentFiles): Response {
  const { headers: requestHeaders } = request;
  const validators = validatorsOf(media);
  if (preconditionFailed(requestHeaders, validators)) throw new ApiError("PRECONDITION_FAILED");
  if (isUnchanged(requestHeaders, validators)) {
    const answer = new Response(null, { status: 304, headers: ofUnchanged });
    answer.headers.set("etag", validators.etag);
    return answer;
  }
  const { path, contentType, fileName } = media;
  const head = request.method === "HEAD";
  const size = recent.sizeOf(path);
  if (size === undefined) throw new ApiError("NOT_FOUND");
  const range =
    !head && rangeApplies(requestHeaders, validators) ? byteRange(requestHeaders.get("range"), size) : null;
  if (range === "unsatisfiable")
    return new Response(null, { status: 416, headers: { "content-range": `bytes */${size}` } });

  const { first, last } = range ?? { first: 0, last: size - 1 };
  const answer = new Response(head ? null : part(path, first, last + 1, recent), {
    status: range ? 206 : 200,
    headers: contentType.startsWith("video/") ? ofVideos : ofImages,
  });
  const { headers } = answer;
  headers.set("content-type", contentType);
  headers.set(
    "content-disposition",
    contentDisposition(fileName === null ? media.key : savedName(fileName, contentType)),
  );
  headers.set("etag", validators.etag);
  headers.set("last-modified", new Date(validators.modifiedMs).toUTCString());
  headers.set("content-length", String(last - first + 1));
  if (range) headers.set("content-range", `bytes ${first}-${last}/${size}`);
  return answer;
}

/** The bytes of a key never change, so the key is a strong ETag. The date is never in the future (RFC 9110, 8.8.2.1), even if another node's clock is fast. */
function validatorsOf({ key, createdAt }: DeliverableMedia) {
  const atMs = Math.min(createdAt.getTime(), Date.now());
  return { etag: `"${key}"`, modifiedMs: atMs - (atMs % 1000) };
}

/** The bytes from `start` to `end`, exclusive. @throws ApiError NOT_FOUND */
function part(path: string, start: number, end: number, recent: RecentFiles): Blob {
  if (end - start > maxPartBytes) {
    if (!existsSync(path)) throw new ApiError("NOT_FOUND");
    return Bun.file(path).slice(start, end);
  }
  try {
    return recent.part(path, start, end);
  } catch (error) {
    // The file was deleted after its size was cached.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") throw new ApiError("NOT_FOUND");
    throw error;
  }
}

/** Names stored by earlier versions may have any extension, and a thumbnail has the name of its post's file. */
const savedName = (fileName: string, contentType: string): string =>
  isMediaType(contentType) ? withExtension(fileName, contentType) : fileName;
