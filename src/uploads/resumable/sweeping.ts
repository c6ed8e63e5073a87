import type { Database } from "../../database/database.ts";
import type { UploadFolder } from "./upload-folder.ts";

/**
 * Removes the uploads that have expired and those of deactivated accounts, and the bytes of all that are gone: also of
 * accounts that were deleted, and on the nodes that have them.
 * @returns the number of uploads removed
 */
export async function removeUselessUploads(
  { resumableUploads }: Pick<Database, "resumableUploads">,
  folder: UploadFolder,
  now: Date,
): Promise<number> {
  const removed = await resumableUploads.removeUseless(now);
  await folder.removeOrphans(() => resumableUploads.unfinishedIn(folder.id));
  return removed;
}
