import { join } from "node:path";

import { ApiError } from "../errors.ts";
import { maxThumbnailBytes } from "../limits.ts";
import type { SpaceClaim } from "../observability/disk-space.ts";
import { maxFormOverheadBytes, TempFile, ThumbnailFile, tooLarge, type IntakeType } from "./staged-file.ts";
import type { YieldToEventLoop } from "../concurrency/yield-to-event-loop.ts";
import { UploadForm, type UploadWith } from "./upload-form.ts";
import { readMultipart } from "./multipart.ts";
import type { MediaKind } from "../media-types.ts";

/** Limits of one upload, and the services that bound all of them. */
export interface StagingLimits {
  /** Folder of the temp files. */
  readonly folder: string;
  /** Size limits, by kind. */
  readonly maxBytes: Readonly<Record<MediaKind, number>>;
  /** Whether to accept MPEG transport streams. */
  readonly acceptsTransportStreams: boolean;
  /** Bytes that the account's quota leaves for the upload. */
  readonly quotaLeft: number;
  /** Reserves space on the folder's disk. */
  readonly space: { claim(bytes: number): Promise<SpaceClaim> };
  /** Shared by all uploads. */
  readonly yieldToEventLoop: YieldToEventLoop;
}

/** Limit for everything in a form but its files, if the form contains only the documented parts, at full length. */
const maxFormTextBytes = 16 * 1024;

/**
 * Streams the `file` and `thumbnail` parts of a multipart body to new temp files, in constant memory, while it counts and
 * hashes the bytes and detects their type. Rejects an upload as early as possible; if the disk lacks space, before reading
 * the body. Removes the temp files on any failure.
 * @throws ValidationProblems for an invalid form; ApiError BAD_MULTIPART, UNSUPPORTED_MEDIA, FILE_TOO_LARGE,
 * QUOTA_EXCEEDED, UPLOAD_TOO_SLOW, STORAGE_FULL, STORE_UNAVAILABLE; the request's AbortError if the client disconnects
 */
export async function stageUpload(request: Request, limits: StagingLimits): Promise<UploadWith<IntakeType>> {
  const maxBytes = Math.max(limits.maxBytes.image, limits.maxBytes.video);
  const declared = Number(request.headers.get("content-length"));
  // The form may contain a thumbnail, which does not count. Its size is unknown so far, so it counts towards the quota.
  requireAllowedSize(declared - maxThumbnailBytes, maxBytes);
  requireQuota(declared, limits.quotaLeft);

  const claim = await limits.space.claim(declared);
  const newPath = () => join(limits.folder, crypto.randomUUID());
  const form = new UploadForm({
    file: () =>
      new TempFile(newPath(), limits.maxBytes, { transportStreams: limits.acceptsTransportStreams }),
    thumbnail: () => new ThumbnailFile(newPath()),
  });
  try {
    const between = async (received: number) => {
      const withoutThumbnail = received - form.thumbnailBytes;
      requireAllowedSize(withoutThumbnail, maxBytes);
      requireQuota(withoutThumbnail, limits.quotaLeft);
      await claim.received(received);
      await form.settle();
    };
    await readMultipart(request, form, between, limits.yieldToEventLoop);
    return await form.end();
  } catch (error) {
    await form.discard();
    // A file that is too large is rejected for its size, whatever its type.
    if (error instanceof ApiError && error.code === "UNSUPPORTED_MEDIA")
      requireAllowedSize(declared - form.thumbnailBytes, maxBytes);
    throw error;
  } finally {
    claim.release();
  }
}

/** @throws ApiError FILE_TOO_LARGE if a form of this size, without its thumbnail, contains a larger file */
function requireAllowedSize(formBytes: number, maxFileBytes: number): void {
  if (formBytes > maxFileBytes + maxFormOverheadBytes) throw tooLarge(maxFileBytes);
}

/** @throws ApiError QUOTA_EXCEEDED if the file in a form of this size goes beyond the quota */
function requireQuota(formBytes: number, quotaLeft: number): void {
  if (formBytes > quotaLeft + maxFormTextBytes) throw new ApiError("QUOTA_EXCEEDED");
}
