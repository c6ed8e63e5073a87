import { rename, rm } from "node:fs/promises";

import { createFairSemaphore } from "../concurrency/fair-semaphore.ts";
import { ApiError } from "../errors.ts";
import { unsupportedCodecsDetail } from "../media-types.ts";
import type { Log } from "../observability/log.ts";
import type { DiskSpace } from "../observability/disk-space.ts";
import { copyLimits } from "../renditions/ffmpeg/limits.ts";
import { VideoError } from "../renditions/ffmpeg/video-error.ts";
import type { VideoTools } from "../renditions/ffmpeg/video-tools.ts";
import type { IntakeType } from "./staged-file.ts";
import type { StagedUpload, UploadWith } from "./upload-form.ts";
import { transportStream } from "./type-detection.ts";

/** Limits on running and waiting copies, each of which reads and writes a whole video. */
const limits = { concurrency: 2, queueLimit: 64 };

/** Turns an uploaded MPEG transport stream into an MP4 with the same pictures and sound. Returns others as they are. */
export type RewrapUpload = (
  upload: UploadWith<IntakeType>,
  accountId: string,
  gone: AbortSignal,
) => Promise<StagedUpload>;

/**
 * Creates the function that rewraps uploads. Accounts take turns. It removes the temp files when it fails: with ApiError
 * UNSUPPORTED_MEDIA for codecs that an MP4 cannot contain, DAMAGED_MEDIA, STORAGE_FULL or OVERLOADED, or the signal's
 * reason.
 */
export function createRewrap(videoTools: VideoTools, space: DiskSpace, log: Log): RewrapUpload {
  const semaphore = createFairSemaphore(limits);
  return async (upload, accountId, gone) => {
    if (isStorable(upload)) return upload;
    const path = upload.file.name ?? "";
    const output = `${path}.mp4`;
    try {
      const claim = await space.claim(accountId, copyLimits(upload.facts.bytes).fileBytes);
      try {
        await semaphore.run([accountId], () => videoTools.rewrapTransportStream(path, output, gone), gone);
      } finally {
        claim.release();
      }
      await rename(output, path);
    } catch (error) {
      for (const file of [path, output, upload.thumbnail?.file.name ?? ""]) await rm(file, { force: true });
      if (!(error instanceof VideoError)) throw error;
      log.info("upload.not_rewrapped", { user: accountId, error });
      throw apiErrorOf(error);
    }
    const facts = { ...upload.facts, type: "video/mp4" } as const;
    // A new object, because the previous one caches the old size.
    return { ...upload, file: Bun.file(path), facts };
  };
}

const isStorable = (upload: UploadWith<IntakeType>): upload is StagedUpload =>
  upload.facts.type !== transportStream;

function apiErrorOf(error: VideoError): ApiError {
  switch (error.reason) {
    case "unsupported":
      return new ApiError("UNSUPPORTED_MEDIA", { detail: unsupportedCodecsDetail, cause: error });
    case "interrupted":
      return new ApiError("OVERLOADED", { cause: error });
    default:
      return new ApiError("DAMAGED_MEDIA", { cause: error });
  }
}
