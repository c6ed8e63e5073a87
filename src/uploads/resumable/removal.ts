import { rm } from "node:fs/promises";

import { ApiError, ValidationProblems, type ApiErrorCode } from "../../errors.ts";
import type { ResumableServices } from "./resumable-services.ts";

/** What is wrong with a file, so that no further request can make a post of it. */
const finalCodes: ReadonlySet<ApiErrorCode> = new Set([
  "UNSUPPORTED_MEDIA",
  "DAMAGED_MEDIA",
  "CUT_OFF_MEDIA",
  "FILE_TOO_LARGE",
  "QUOTA_EXCEEDED",
]);

/** Whether an upload that failed with this error cannot become a post. */
export const isFinal = (error: unknown): boolean =>
  error instanceof ValidationProblems || (error instanceof ApiError && finalCodes.has(error.code));

/**
 * Removes an upload that was refused, and its bytes. It never rejects, so that the client learns why it was refused: what
 * cannot be removed now expires.
 */
export async function removeUpload(
  services: Pick<ResumableServices, "database" | "log" | "uploadFolder" | "partialHashes">,
  id: string,
): Promise<void> {
  try {
    await services.database.resumableUploads.remove(id);
  } catch (error) {
    services.log.warn("upload.not_removed", { upload: id, error });
    return;
  }
  await forgetBytes(services, id);
}

/** Removes the files of an upload that is gone or finished. The sweeper removes those that cannot be removed now. */
export async function forgetBytes(
  { uploadFolder, partialHashes }: Pick<ResumableServices, "uploadFolder" | "partialHashes">,
  id: string,
): Promise<void> {
  partialHashes.delete(id);
  for (const path of [uploadFolder.pathOf(id), uploadFolder.thumbnailOf(id)])
    await rm(path, { force: true }).catch(() => {});
}
