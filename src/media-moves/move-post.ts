import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";

import { keepLease, leaseMs, LeaseLost, renewalMs } from "../concurrency/kept-lease.ts";
import type { MovingPost } from "../database/media-moves.ts";
import type { MediaStore } from "../storage/media-store.ts";
import { copyPost } from "./copy-post.ts";
import type { MoveServices } from "./move-services.ts";

/**
 * For how long the files in the old store are kept: open pages, cached addresses, running downloads, exports and backups
 * may still use them.
 */
export const leftoverGraceMs = 24 * 3_600_000;

/** Attempts at a post whose files change during the copy. */
const maxAttempts = 3;

/** `busy`: something else works on the post's files. `gone`: the post is in the store already, or being deleted. */
export type MoveOutcome = "moved" | "busy" | "gone";

/**
 * Moves a post to another store. A row of `media_copies` exists before the first byte is copied, so that the sweeper deletes
 * the copy if this process ends; it exchanges its role with the old files in the transaction that changes the post.
 * @param bytes size of the post's file
 * @throws PostNotMovable; StoreCallFailed; ApiError; the signal's reason. The copy is then due for deletion.
 */
export async function movePost(
  services: MoveServices,
  { id, bytes }: { readonly id: string; readonly bytes: number },
  to: MediaStore,
  stopping: AbortSignal,
): Promise<MoveOutcome> {
  const { database, deadlineFor } = services;
  /** When the store can no longer complete a put that was aborted now or at the end of a lease. */
  const putEnd = (from: number) => new Date(from + (to.mayCompleteLate ? deadlineFor(bytes) * 1000 : 0));
  for (let attempt = 1; ; attempt++) {
    const leaseEnd = Date.now() + leaseMs;
    const moving = await database.mediaMoves.begin(id, to, new Date(), new Date(leaseEnd), putEnd(leaseEnd));
    if (moving === undefined) return "gone";
    if (moving === "busy") return "busy";
    const lease = keepLease(
      (end) => database.mediaMoves.renew(moving, end, putEnd(end.getTime())),
      renewalMs,
      stopping,
    );
    try {
      const outcome = await copyAndSwitch(services, moving, to, lease.signal);
      if (outcome === "moved") return "moved";
      await database.mediaCopies.release(moving.copy, new Date());
      if (outcome === "gone") return "gone";
    } catch (error) {
      // If the database fails here, the copy is due at the end of the lease.
      await database.mediaCopies.release(moving.copy, putEnd(Date.now())).catch(() => {});
      stopping.throwIfAborted();
      if (error instanceof LeaseLost) return "busy";
      // A file may be missing because the post was deleted, or a rendition replaced.
      const compared = await database.mediaMoves.compare(moving);
      if (compared === "gone") return "gone";
      if (compared === "same") throw error;
    } finally {
      lease.end();
    }
    if (attempt === maxAttempts) return "busy";
  }
}

/** Copies the files of a post and makes the copy the post's own. */
async function copyAndSwitch(
  services: MoveServices,
  moving: MovingPost,
  to: MediaStore,
  signal: AbortSignal,
): Promise<"moved" | "changed" | "gone"> {
  const { database, tempDir } = services;
  // The folder of an idle process may have been removed.
  await mkdir(tempDir, { recursive: true });
  const folder = await mkdtemp(join(tempDir, "move-"));
  try {
    const target = await copyPost(services, moving, to, folder, signal);
    signal.throwIfAborted();
    const now = Date.now();
    return await database.mediaMoves.finish(moving, target, new Date(now), new Date(now + leftoverGraceMs));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
