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

/** Removes an upload and its bytes. The sweeper removes bytes that cannot be removed now. */
export async function removeUpload(
  {
    database,
    uploadFolder,
    partialHashes,
  }: Pick<ResumableServices, "database" | "uploadFolder" | "partialHashes">,
  id: string,
): Promise<void> {
  await database.resumableUploads.remove(id);
  await forgetBytes({ uploadFolder, partialHashes }, id);
}

/** Removes the files of an upload that is gone or finished. */
export async function forgetBytes(
  { uploadFolder, partialHashes }: Pick<ResumableServices, "uploadFolder" | "partialHashes">,
  id: string,
): Promise<void> {
  partialHashes.delete(id);
  for (const path of [uploadFolder.pathOf(id), uploadFolder.thumbnailOf(id)])
    await rm(path, { force: true }).catch(() => {});
}
