import { ApiError, ValidationProblems, type ApiErrorCode, type Problem } from "../errors.ts";
import { diskFailure } from "../disk-errors.ts";
import type { VideoFacts } from "../metadata/plan.ts";
import { readTakenTimes, type FirstBytes } from "./taken-times.ts";
import { prepareMedia, type Preparation, type PreparationLimits, type StagedMedia } from "./preparation.ts";
import {
  makeStoredPictures,
  readStoredVideo,
  type MadePictures,
  type StoredVideo,
  type StoredImage,
} from "./stored-media.ts";

/** A message to a worker process. */
export type WorkerJob =
  | ({ readonly task: "prepare" } & StagedMedia & PreparationLimits)
  | ({ readonly task: "pictures" } & StoredImage)
  | ({ readonly task: "video" } & StoredVideo)
  | ({ readonly task: "times" } & FirstBytes);

export type WorkerResult = Preparation | MadePictures | VideoFacts | (string | null)[];

/** The answer of a worker process to a {@link WorkerJob}, as JSON. */
export type WorkerAnswer =
  | { readonly done: WorkerResult }
  /** An API error; `why` is for the log, `detail` for the user. */
  | { readonly failed: ApiErrorCode; readonly why: string; readonly detail?: string | undefined }
  | { readonly problems: Problem[] }
  /** A bug; for the log. */
  | { readonly defect: string };

async function resultOf(job: WorkerJob): Promise<WorkerResult> {
  switch (job.task) {
    case "prepare":
      return prepareMedia(job);
    case "pictures":
      return makeStoredPictures(job);
    case "video":
      return readStoredVideo(job);
    case "times":
      return readTakenTimes(job);
  }
}

/** Runs one job in a worker process. Never rejects. */
export async function runJob(job: WorkerJob): Promise<WorkerAnswer> {
  try {
    return { done: await resultOf(job) };
  } catch (error) {
    if (error instanceof ValidationProblems) return { problems: error.problems };
    const known = error instanceof ApiError ? error : diskFailure(error);
    if (known)
      return { failed: known.code, why: String(known.options.cause ?? ""), detail: known.options.detail };
    return { defect: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
