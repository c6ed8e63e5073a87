import type { Leftover } from "../database/posts.ts";
import { thumbnailKey } from "../storage/media-keys.ts";
import type { PostServices } from "./upload-services.ts";

/**
 * Deletes the stored files of a deleted or abandoned post, then its row. A failure of the store is logged, and the
 * sweeper retries later, with growing delays.
 * @returns whether everything is deleted
 */
export async function deleteOrphanedMedia(services: PostServices, leftover: Leftover): Promise<boolean> {
  const { database, storeNamed, deadlineFor, log } = services;
  const { id, key, storeId, attempts } = leftover;
  try {
    const store = storeNamed(leftover.store);
    if (!store) throw new Error(`no media store "${leftover.store}" is configured`);
    const deadline = AbortSignal.timeout(deadlineFor(0) * 1000);
    await store.delete(key, storeId, deadline);
    if (!store.makesThumbnails) await store.delete(thumbnailKey(id), null, deadline);
    // The file of an upload that was never published may still reach the store. The row stays until that has become
    // impossible, and is then looked at again.
    const landed = leftover.reservedAt.getTime() + deadlineFor(leftover.bytes) * 1000;
    if (leftover.url === null && store.mayCompleteLate && Date.now() < landed)
      await database.posts.postpone(id, new Date(landed));
    else await database.posts.remove(id);
    return true;
  } catch (error) {
    log.warn("post.bytes_not_deleted", { post: id, store: leftover.store, attempts, error });
    await database.posts.postpone(id, new Date(Date.now() + backOff(attempts)));
    return false;
  }
}

/** Milliseconds until the next attempt: 30 s, doubled each time up to 6 h, with jitter to keep nodes out of step. */
const backOff = (attempts: number) =>
  Math.min(30_000 * 2 ** attempts, 6 * 3_600_000) * (0.75 + Math.random() / 2);
