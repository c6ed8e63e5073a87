import { removeExpiredCredentials } from "../accounts/expired-credentials.ts";
import type { PostServices } from "./upload-services.ts";
import { deleteOrphanedMedia } from "./orphaned-media.ts";
import { deleteUnneededCopies } from "./unneeded-copies.ts";
import { removeUselessUploads } from "./resumable/sweeping.ts";

/** Posts whose bytes are deleted concurrently. */
const batchSize = 10;

/** Milliseconds that a lease on claimed posts lasts beyond the deadline of their deletion. */
const leaseMarginMs = 10_000;

/** Milliseconds for which an upload key (`Idempotency-Key`) is valid. */
const uploadKeyLifetimeMs = 24 * 3_600_000;

/** Cleans up after crashes and failed deletions. */
export interface Sweeper {
  /** Age in milliseconds after which an upload that does not run in this process counts as abandoned. */
  readonly graceMs: number;
  /**
   * Abandons uploads whose process has ended, deletes the bytes of deleted and abandoned posts and those that a move
   * has left behind, and removes expired rows and resumable uploads.
   * @param minAgeMs age from which reservations are abandoned; {@link graceMs} by default
   */
  sweep(minAgeMs?: number): Promise<void>;
  /** Sweeps immediately and then regularly. Returns a function that stops it. */
  start(): () => void;
}

/**
 * @param intervalMs between sweeps, with jitter to keep nodes out of step
 * @param isOnlyProcess no other process uses this database, so every pending post and every claim found at startup is left
 * from a crash
 */
export function createSweeper(
  services: PostServices,
  { intervalMs, graceMs, isOnlyProcess }: { intervalMs: number; graceMs: number; isOnlyProcess: boolean },
): Sweeper {
  const { database, running, unsettled, log, deadlineFor } = services;
  let sweeping: Promise<void> | undefined;

  async function sweepOnce(minAgeMs: number): Promise<void> {
    const now = new Date();
    for (const id of unsettled) {
      if (running.has(id)) continue;
      await database.posts.abandon(id, now);
      unsettled.delete(id);
    }
    const abandoned = await database.posts.abandonOlderThan(
      new Date(now.getTime() - minAgeMs),
      [...running],
      now,
    );
    let [deleted, failed] = [0, 0];
    for (;;) {
      const leaseUntil = new Date(Date.now() + deadlineFor(0) * 1000 + leaseMarginMs);
      const claimed = await database.posts.claimDeleting(new Date(), leaseUntil, [...running], batchSize);
      if (claimed.length === 0) break;
      const outcomes = await Promise.all(claimed.map((media) => deleteOrphanedMedia(services, media)));
      for (const isGone of outcomes) isGone ? deleted++ : failed++;
    }
    const copies = await deleteUnneededCopies(services);
    await database.posts.expireUploadKeys(new Date(now.getTime() - uploadKeyLifetimeMs));
    const uploads = await removeUselessUploads(database, services.uploadFolder, now);
    await removeExpiredCredentials(database, now);
    await database.invitations.removeExpired(now);
    await database.counters?.removeEnded();
    for (const [outcome, posts] of Object.entries({ abandoned, deleted, failed }))
      services.metrics.swept(outcome as "abandoned" | "deleted" | "failed", posts);
    if (abandoned + deleted + failed + uploads + copies.deleted + copies.failed > 0)
      log.info("sweep.done", {
        ...{ abandoned, deleted, failed, unfinished_uploads: uploads },
        moved_media_deleted: copies.deleted,
      });
  }

  /** Only for a single process: all pending posts and claims belong to a process that has ended. */
  async function sweepAfterCrash(): Promise<void> {
    await database.posts.releaseClaims(new Date());
    await sweeper.sweep(0);
  }

  /** Continues what a crash after a deactivation or reactivation, or an older version of the service, left undone. */
  async function syncAllPostStates(): Promise<void> {
    for (const id of await database.posts.authorsToSync()) await database.posts.syncPostStates(id);
  }

  const sweeper: Sweeper = {
    graceMs,
    async sweep(minAgeMs = graceMs) {
      // Sweeps never overlap. A caller that arrives during a sweep gets a new one after it.
      while (sweeping) await sweeping.catch(() => {});
      sweeping = sweepOnce(minAgeMs).finally(() => (sweeping = undefined));
      return sweeping;
    },
    start() {
      let timer: ReturnType<typeof setTimeout>;
      const sweepThenWait = (sweep: () => Promise<void>) => {
        const again = () => {
          timer = setTimeout(() => sweepThenWait(sweeper.sweep), intervalMs * (0.9 + Math.random() / 5));
        };
        sweep()
          .catch((error: unknown) => log.error("sweep.failed", { error }))
          .finally(again);
      };
      sweepThenWait(async () => {
        await (isOnlyProcess ? sweepAfterCrash() : sweeper.sweep());
        await syncAllPostStates();
      });
      return () => clearTimeout(timer);
    },
  };
  return sweeper;
}
