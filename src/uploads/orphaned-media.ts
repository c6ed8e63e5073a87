import type { OrphanedMedia } from "../database/post-deletions.ts";
import { renditionKeys } from "../storage/media-keys.ts";
import type { MediaStore } from "../storage/media-store.ts";
import type { PostServices } from "./upload-services.ts";

/**
 * Deletes the stored files of a deleted or abandoned post, then its row. If the store fails, logs the error and leaves the
 * row to the sweeper, which retries with increasing delays. While another file may still reach the store, the row stays
 * too, and the sweeper deletes everything once more.
 * @returns whether the store deleted the files
 */
export async function deleteOrphanedMedia(services: PostServices, media: OrphanedMedia): Promise<boolean> {
  const { database, deadlineFor, log } = services;
  const { id, attempts } = media;
  try {
    const jobsEnd = await database.renditionJobs.cancel(id, new Date());
    await database.mediaCopies.expire(id, new Date());
    const store = await deleteFiles(services, media, AbortSignal.timeout(deadlineFor(0) * 1000));
    const lastPut = Math.max(uploadEnd(store, media, deadlineFor(media.bytes)), jobsEnd?.getTime() ?? 0);
    if (Date.now() < lastPut) await database.posts.postpone(id, new Date(lastPut));
    else await database.posts.remove(id);
    return true;
  } catch (error) {
    log.warn("post.bytes_not_deleted", { post: id, store: media.store, attempts, error });
    await database.posts.postpone(id, new Date(Date.now() + backOff(attempts)));
    return false;
  }
}

/** Files of a post in one store. */
type StoredFiles = Pick<OrphanedMedia, "id" | "store" | "key" | "storeId" | "fileType" | "renditionVersion">;

/**
 * Deletes a post's file and every rendition that it may have.
 * @returns the store
 * @throws ApiError of the store; Error when the store is no longer configured; the signal's reason
 */
export async function deleteFiles(
  { storeNamed }: Pick<PostServices, "storeNamed">,
  files: StoredFiles,
  signal: AbortSignal,
): Promise<MediaStore> {
  const store = storeNamed(files.store);
  if (!store) throw new Error(`no media store "${files.store}" is configured`);
  await store.delete(files.key, files.storeId, signal);
  if (!store.makesRenditions)
    for (const rendition of renditionKeys(files.id, files.fileType, files.renditionVersion))
      await store.delete(rendition, null, signal);
  return store;
}

/** When the file of an unpublished upload can no longer reach the store; 0 if it cannot now. */
const uploadEnd = (store: MediaStore, { url, reservedAt }: OrphanedMedia, deadlineSeconds: number) =>
  url === null && store.mayCompleteLate ? reservedAt.getTime() + deadlineSeconds * 1000 : 0;

/** Milliseconds until the next attempt: 30 s, doubled each time up to 6 h, with jitter to keep nodes out of step. */
export const backOff = (attempts: number) =>
  Math.min(30_000 * 2 ** attempts, 6 * 3_600_000) * (0.75 + Math.random() / 2);
