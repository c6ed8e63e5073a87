import { keepLease, LeaseLost, renewalMs } from "../concurrency/kept-lease.ts";
import type { ClaimedJob, RenditionChanges } from "../database/rendition-jobs.ts";
import { diskFailure } from "../disk-errors.ts";
import { renditionKinds, type RenditionKind } from "../database/schema.ts";
import { ApiError } from "../errors.ts";
import { VideoError } from "../renditions/ffmpeg/video-error.ts";
import type { RenditionJobs } from "../uploads/upload-services.ts";
import { attempt, discard } from "./attempt.ts";
import { startLane, type Lane } from "./lane.ts";
import type { RenditionServices } from "./rendition-services.ts";

/** Runs the jobs of the queue of renditions. */
export interface RenditionRunner extends RenditionJobs {
  /** @param isOnlyProcess no other process can be running a job, so those found running are left from a crash */
  start(options?: { isOnlyProcess: boolean }): void;
  /** Aborts running jobs, which another attempt continues, and resolves when they have ended. */
  stop(): Promise<void>;
}

/** Times of the runner in milliseconds. */
export interface RenditionTimes {
  /** Between two polls for jobs without a wake-up. */
  readonly pollMs: number;
  /** Between two renewals of a lease. */
  readonly renewalMs: number;
  /** Before the second attempt at a job; doubled with each further one, and ten times as long while the disk is full. */
  readonly retryMs: number;
}

const defaultTimes: RenditionTimes = { pollMs: 10_000, renewalMs, retryMs: 30_000 };

/** Attempts at a job, including those that a crash ended. */
const maxAttempts = 5;

/** Kinds of jobs that run concurrently: a long video must not delay thumbnails. */
const lanes: readonly (readonly RenditionKind[])[] = [["picture", "poster"], ["mp4"]];

const damageCodes = ["DAMAGED_MEDIA", "CUT_OFF_MEDIA", "UNSUPPORTED_MEDIA"];

/** Whether the original is at fault, so that no further attempt can succeed. */
const isPermanent = (error: unknown): boolean =>
  error instanceof VideoError
    ? !error.isTemporary
    : error instanceof ApiError && damageCodes.includes(error.code);

/** Whether the disk is full, which may last for days and is no fault of the job. */
const isFull = (error: unknown): boolean =>
  (error instanceof ApiError ? error : diskFailure(error))?.code === "STORAGE_FULL";

/**
 * Creates the runner, which does nothing until `start`.
 * @param times other values than the defaults are for tests
 */
export function createRenditionRunner(
  services: RenditionServices,
  times: RenditionTimes = defaultTimes,
): RenditionRunner {
  const { database, log, metrics } = services;
  const queue = database.renditionJobs;
  const stopping = new AbortController();
  let starting = Promise.resolve();
  let running: readonly Lane[] = [];

  const canMake = (kind: RenditionKind) => kind === "picture" || services.videoTools !== undefined;

  async function run(job: ClaimedJob): Promise<void> {
    const startedAt = performance.now();
    const { postId: post, kind } = job;
    const lease = keepLease((end) => queue.renew(job, end), times.renewalMs, stopping.signal);
    try {
      // Every earlier attempt ended with its process, and this one would too.
      if (job.attempts > maxAttempts) throw new Error("the attempts ended without a result");
      const bytes = await attempt(services, job, lease);
      if (bytes === undefined) throw new LeaseLost();
      metrics.rendition(kind, "made");
      log.info("rendition.made", { post, kind, ms: Math.round(performance.now() - startedAt), bytes });
    } catch (error) {
      // A job fails when its post is deleted meanwhile; the lost lease reveals that.
      await lease.renew().catch(() => {});
      await end(job, lease.signal.aborted ? lease.signal.reason : error).catch((failure: unknown) =>
        // The job becomes due again when its lease ends.
        log.warn("rendition.not_ended", { post, kind, error: failure }),
      );
    } finally {
      lease.end();
    }
  }

  /** Ends an attempt that made nothing. */
  async function end(job: ClaimedJob, error: unknown): Promise<void> {
    const { postId: post, kind, attempts } = job;
    if (error instanceof LeaseLost) return discard(services, job);
    if (stopping.signal.aborted) return queue.giveBack(job, new Date(), attempts - 1);
    const isLast = !isFull(error) && (isPermanent(error) || attempts >= maxAttempts);
    metrics.rendition(kind, isLast ? "failed" : "retried");
    log.warn("rendition.failed", { post, kind, attempts, error });
    if (isFull(error)) return queue.giveBack(job, new Date(Date.now() + 10 * times.retryMs), attempts - 1);
    if (!isLast)
      return queue.giveBack(job, new Date(Date.now() + times.retryMs * 2 ** (attempts - 1)), attempts);
    await queue.fail(job, isPermanent(error) ? withoutStandIn(job) : {});
    // An attempt may have stored one of two files, or been killed after that.
    await discard(services, job);
  }

  /** Continues what an earlier process left. Without ffmpeg, posts must not wait for what only ffmpeg makes. */
  async function takeOver(): Promise<void> {
    try {
      await queue.releaseLeases(new Date());
      await queue.failAll(renditionKinds.filter((kind) => !canMake(kind)));
    } catch (error) {
      log.error("rendition.queue_not_taken_over", { error });
    }
  }

  async function startLanes(isOnlyProcess: boolean): Promise<void> {
    if (isOnlyProcess) await takeOver();
    running = lanes
      .map((kinds) => kinds.filter(canMake))
      .filter((kinds) => kinds.length > 0)
      .map((kinds) => startLane(services, kinds, times.pollMs, run, stopping.signal));
  }

  return {
    canMake,
    wake: () => running.forEach((lane) => lane.wake()),
    start({ isOnlyProcess } = { isOnlyProcess: false }) {
      starting = startLanes(isOnlyProcess);
    },
    async stop() {
      stopping.abort(new ApiError("STOPPING"));
      await starting;
      await Promise.all(running.map(({ ended }) => ended));
    },
  };
}

/** An image is its own thumbnail while that is being made, and has none if it cannot be. */
const withoutStandIn = ({ thumbnailUrl, url }: ClaimedJob): RenditionChanges =>
  thumbnailUrl === url ? { thumbnailUrl: null } : {};
