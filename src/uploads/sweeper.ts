import { longestRequestMs } from "../database/actors.ts";
import type { PostServices } from "./upload-services.ts";
import { deleteOrphanedMedia } from "./orphaned-media.ts";

/** Posts whose bytes are deleted at the same time. */
const batch = 10;

/** Milliseconds for which claimed posts are ours beyond the time that their deletion may take. */
const leaseMargin = 10_000;

/** Milliseconds that an upload key (`Idempotency-Key`) is good for. */
export const uploadKeyLifetime = 24 * 3_600_000;

/** Finishes what crashes and failing stores left behind. */
export interface Sweeper {
  /** Age in milliseconds at which an upload that is not running here counts as abandoned. */
  readonly graceMs: number;
  /**
   * Abandons uploads that nobody works on, deletes the bytes that are due, forgets what has expired.
   * @param olderThan reservations older than this many milliseconds are abandoned; the grace when left out
   */
  sweep(olderThan?: number): Promise<void>;
  /** Sweeps now and then on; gives a function that stops it. */
  start(): () => void;
}

/**
 * @param intervalMs between sweeps; jittered, so that nodes do not march in step
 * @param oneProcess nobody else works on this database: at start every pending post and every claim is a crash's
 */
export function createSweeper(
  services: PostServices,
  { intervalMs, graceMs, oneProcess }: { intervalMs: number; graceMs: number; oneProcess: boolean },
): Sweeper {
  const { database, running, unsettled, log, deadlineFor } = services;
  let sweeping: Promise<void> | undefined;

  async function sweepOnce(olderThan: number): Promise<void> {
    const now = new Date();
    for (const id of unsettled) {
      if (running.has(id)) continue;
      await database.posts.abandon(id, now);
      unsettled.delete(id);
    }
    const abandoned = await database.posts.abandonOlderThan(
      new Date(now.getTime() - olderThan),
      [...running],
      now,
    );
    let [deleted, failed] = [0, 0];
    for (;;) {
      const leaseUntil = new Date(Date.now() + deadlineFor(0) * 1000 + leaseMargin);
      const claimed = await database.posts.claimDeleting(new Date(), leaseUntil, [...running], batch);
      if (claimed.length === 0) break;
      const outcomes = await Promise.all(claimed.map((leftover) => deleteOrphanedMedia(services, leftover)));
      for (const isGone of outcomes) isGone ? deleted++ : failed++;
    }
    await database.posts.expireUploadKeys(new Date(now.getTime() - uploadKeyLifetime));
    await database.revokedTokens.removeExpired(new Date(now.getTime() - longestRequestMs));
    await database.counters?.removeEnded();
    for (const [outcome, posts] of Object.entries({ abandoned, deleted, failed }))
      services.metrics.swept(outcome as "abandoned" | "deleted" | "failed", posts);
    if (abandoned + deleted + failed > 0) log.info("sweep.done", { abandoned, deleted, failed });
  }

  /** What is unfinished or claimed is a dead process's: nobody else works on this database. */
  async function sweepAfterCrash(): Promise<void> {
    await database.posts.releaseClaims(new Date());
    await sweeper.sweep(0);
  }

  const sweeper: Sweeper = {
    graceMs,
    async sweep(olderThan = graceMs) {
      // One at a time; who asks meanwhile wants what is due now, so he gets a sweep that starts after the running one.
      while (sweeping) await sweeping.catch(() => {});
      sweeping = sweepOnce(olderThan).finally(() => (sweeping = undefined));
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
      sweepThenWait(oneProcess ? sweepAfterCrash : sweeper.sweep);
      return () => clearTimeout(timer);
    },
  };
  return sweeper;
}
