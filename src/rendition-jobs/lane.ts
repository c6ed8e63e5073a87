import { leaseMs } from "../concurrency/kept-lease.ts";
import type { ClaimedJob } from "../database/rendition-jobs.ts";
import type { RenditionKind } from "../database/schema.ts";
import type { RenditionServices } from "./rendition-services.ts";
import { waitForUploads } from "./wait-for-uploads.ts";

/** A loop that runs the due jobs of some kinds, one at a time. */
export interface Lane {
  /** Polls for jobs now. */
  wake(): void;
  /** Resolves when the loop has ended, after `stopping` has aborted. */
  readonly ended: Promise<void>;
}

/**
 * Starts a lane. It alternates between its kinds, and within a kind between accounts. Uploads take precedence.
 * @param pollMs milliseconds between two polls without a wake-up, for retries and for jobs that other nodes added
 * @param run runs a job; never rejects
 */
export function startLane(
  { database, log, mediaWorkers }: Pick<RenditionServices, "database" | "log" | "mediaWorkers">,
  kinds: readonly RenditionKind[],
  pollMs: number,
  run: (job: ClaimedJob) => Promise<void>,
  stopping: AbortSignal,
): Lane {
  const lastUserIds = new Map<RenditionKind, string>();
  let turns = kinds;
  let isAwake = true;
  let wake = () => {};

  async function claim(): Promise<ClaimedJob | undefined> {
    for (const kind of turns) {
      const now = Date.now();
      const job = await database.renditionJobs.claim(
        kind,
        lastUserIds.get(kind) ?? "",
        new Date(now),
        new Date(now + leaseMs),
      );
      if (!job) continue;
      lastUserIds.set(kind, job.userId);
      turns = [...turns.filter((other) => other !== kind), kind];
      return job;
    }
    return undefined;
  }

  /** Waits for the next poll, a wake-up since the last claim, or the end. */
  async function rest(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, pollMs);
    wake = () => resolve();
    stopping.addEventListener("abort", wake, { once: true });
    if (!isAwake && !stopping.aborted) await promise;
    stopping.removeEventListener("abort", wake);
    clearTimeout(timer);
  }

  async function loop(): Promise<void> {
    while (!stopping.aborted) {
      await waitForUploads(mediaWorkers, stopping);
      if (stopping.aborted) return;
      isAwake = false;
      const job = await claim().catch((error: unknown) => {
        log.warn("rendition.claim_failed", { error });
      });
      if (job) await run(job);
      else await rest();
    }
  }

  return {
    wake() {
      isAwake = true;
      wake();
    },
    ended: loop(),
  };
}
