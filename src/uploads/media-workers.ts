import { availableParallelism } from "node:os";

import { ownCommand } from "../concurrency/own-command.ts";
import { createWorkerPool } from "../concurrency/worker-pool.ts";
import { JobFailed, type JobLimits } from "../concurrency/worker-process.ts";
import { ApiError, ValidationProblems } from "../errors.ts";
import type { Log } from "../observability/log.ts";
import type { VideoFacts } from "../metadata/plan.ts";
import { damaged } from "../metadata/damaged.ts";
import type { WorkerAnswer, WorkerJob, WorkerResult } from "./media-worker.ts";
import type { Preparation, PreparationLimits, StagedMedia } from "./preparation.ts";
import type { MadePictures, StoredVideo, StoredImage } from "./stored-media.ts";
import { mediaTypes, type MediaKind } from "../media-types.ts";
import { maxWorkerBytes } from "../renditions/worker-memory.ts";

/** Parses and decodes uploads, in worker processes that can be killed and never in this one. */
export interface MediaWorkers {
  /**
   * Removes private metadata from a staged file, measures it and makes its thumbnail. Accounts take turns.
   * @param signal aborts when the client disconnects
   * @throws ApiError DAMAGED_MEDIA (also for a file that takes too much time or memory, or crashes its decoder),
   * CUT_OFF_MEDIA, UNSUPPORTED_MEDIA, STORAGE_FULL, STORE_UNAVAILABLE, OVERLOADED if too many jobs wait;
   * ValidationProblems; the signal's reason
   */
  prepare(
    media: StagedMedia,
    accountId: string,
    stagedBytes: number,
    signal: AbortSignal,
  ): Promise<Preparation>;
  /**
   * Makes renditions of an image that is stored already, at a lower priority than uploads.
   * @param bytes size of the image
   * @throws ApiError as {@link prepare}; the signal's reason
   */
  makePictures(
    image: StoredImage,
    accountId: string,
    bytes: number,
    signal: AbortSignal,
  ): Promise<MadePictures>;
  /**
   * Reads the facts about a video that is stored already.
   * @param bytes size of the video
   * @throws ApiError as {@link prepare}; the signal's reason
   */
  readVideo(video: StoredVideo, accountId: string, bytes: number, signal: AbortSignal): Promise<VideoFacts>;
  /**
   * Reads when photos were taken, for an import.
   * @param path a file as {@link FirstBytes} describes it
   * @param bytes its size
   * @returns a time in ISO 8601 for each photo, without an offset if it is local time; null for none
   * @throws ApiError as {@link prepare}; the signal's reason
   */
  readTakenTimes(
    path: string,
    accountId: string,
    bytes: number,
    signal: AbortSignal,
  ): Promise<(string | null)[]>;
  /** Starts a process if none is idle; call it when an upload begins. */
  warmUp(): void;
  /** Returns the number of uploads whose preparation runs or waits. */
  preparing(): number;
  /** Returns the number of all jobs that run or wait. */
  pending(): number;
  close(): Promise<void>;
}

/** Time limit of reading a small file. Large ones get one more second for each {@link bytesPerSecond}. */
const baseSeconds: Readonly<Record<MediaKind, number>> = { image: 10, video: 30 };
/** Replaces {@link baseSeconds} for renditions of a stored image, which no request waits for. */
const picturesSeconds = 60;
const bytesPerSecond = 20_000_000;

/** Uploads that are prepared at a time. */
export const preparedAtOnce = Math.min(4, availableParallelism());

/** @param folder working directory of the processes; it must outlive them */
export function createMediaWorkers(folder: string, log: Log, limits: PreparationLimits): MediaWorkers {
  const options = { folder, queueLimit: 256, idleMs: 30_000, idleMemoryBytes: 192 * 1024 ** 2 };
  const uploads = createWorkerPool({
    ...options,
    command: ownCommand("media-worker"),
    size: preparedAtOnce,
  });
  /** A separate pool, because only root could raise the priority of a process again. */
  const renditions = createWorkerPool({
    ...options,
    command: ownCommand("media-worker", "--renditions"),
    size: 1,
  });
  async function run(job: WorkerJob, accountId: string, bytes: number, signal: AbortSignal) {
    const pool = job.task === "prepare" || job.task === "times" ? uploads : renditions;
    const answer = await pool.run(accountId, job, limitsFor(job, bytes), signal).catch((error: unknown) => {
      if (!(error instanceof JobFailed)) throw error;
      const type = job.task === "times" ? undefined : job.type;
      log.warn("media.job_failed", { user: accountId, type, reason: error.reason });
      // At a low priority, a harmless file may take long on a busy machine.
      throw pool === renditions && error.reason === "clock"
        ? new ApiError("OVERLOADED", { cause: error })
        : damaged(error.message);
    });
    return resultOf(answer as WorkerAnswer);
  }
  return {
    prepare: async (media, accountId, stagedBytes, signal) =>
      (await run(
        { task: "prepare", ...media, maxImagePixels: limits.maxImagePixels },
        accountId,
        stagedBytes,
        signal,
      )) as Preparation,
    makePictures: async (image, accountId, bytes, signal) =>
      (await run({ task: "pictures", ...image }, accountId, bytes, signal)) as MadePictures,
    readVideo: async (video, accountId, bytes, signal) =>
      (await run({ task: "video", ...video }, accountId, bytes, signal)) as VideoFacts,
    readTakenTimes: async (path, accountId, bytes, signal) =>
      (await run({ task: "times", path }, accountId, bytes, signal)) as (string | null)[],
    warmUp: () => uploads.prepare(),
    preparing: () => uploads.pending(),
    pending: () => uploads.pending() + renditions.pending(),
    close: async () => void (await Promise.all([uploads.close(), renditions.close()])),
  };
}

function limitsFor(job: WorkerJob, bytes: number): JobLimits {
  const kind = job.task === "times" ? "image" : mediaTypes[job.type].kind;
  const seconds = job.task === "pictures" ? picturesSeconds : baseSeconds[kind];
  return { timeMs: Math.round((seconds + bytes / bytesPerSecond) * 1000), memoryBytes: maxWorkerBytes };
}

function resultOf(answer: WorkerAnswer): WorkerResult {
  if ("done" in answer) return answer.done;
  if ("problems" in answer) throw new ValidationProblems(answer.problems);
  if ("failed" in answer) {
    const { failed, why, detail } = answer;
    throw new ApiError(failed, { cause: why, ...(detail === undefined ? {} : { detail }) });
  }
  throw new Error(`A media worker failed: ${answer.defect}`);
}
