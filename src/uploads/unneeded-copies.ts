import type { UnneededCopy } from "../database/media-copies.ts";
import { backOff, deleteFiles } from "./orphaned-media.ts";
import type { PostServices } from "./upload-services.ts";

/** Copies that are deleted concurrently. */
const batchSize = 10;

/** Milliseconds that a lease lasts beyond the deadline of the deletion. */
const leaseMarginMs = 10_000;

type CopyServices = Pick<PostServices, "database" | "storeNamed" | "deadlineFor" | "log">;

/**
 * Deletes the due files that moves between stores have left where their posts no longer are. A failure is logged, and the
 * deletion is due again with increasing delays.
 */
export async function deleteUnneededCopies(
  services: CopyServices,
): Promise<{ deleted: number; failed: number }> {
  const { database, deadlineFor } = services;
  let [deleted, failed] = [0, 0];
  for (;;) {
    const leaseUntil = new Date(Date.now() + deadlineFor(0) * 1000 + leaseMarginMs);
    const claimed = await database.mediaCopies.claimDue(new Date(), leaseUntil, batchSize);
    if (claimed.length === 0) return { deleted, failed };
    const outcomes = await Promise.all(claimed.map((copy) => deleteCopy(services, copy)));
    for (const isGone of outcomes) isGone ? deleted++ : failed++;
  }
}

/** @returns whether the files are gone */
async function deleteCopy(services: CopyServices, copy: UnneededCopy): Promise<boolean> {
  const { database, storeNamed, deadlineFor, log } = services;
  const { postId, postStore, attempts } = copy;
  try {
    // Without the store of the post, these files are the only ones that this node can deliver.
    if (postStore !== null && !storeNamed(postStore))
      throw new Error(`no media store "${postStore}" is configured`);
    // If the database was edited so that the post is in this store after all, its files stay.
    if (postStore !== copy.store)
      await deleteFiles(services, { ...copy, id: postId }, AbortSignal.timeout(deadlineFor(0) * 1000));
    await database.mediaCopies.remove(copy);
    return true;
  } catch (error) {
    log.warn("media_copy.not_deleted", { post: postId, store: copy.store, attempts, error });
    await database.mediaCopies.release(copy, new Date(Date.now() + backOff(attempts)));
    return false;
  }
}
