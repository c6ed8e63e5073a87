import { ApiError, ValidationProblems, type ApiErrorCode, type Problem } from "../errors.ts";
import { diskFailure } from "../disk-errors.ts";
import {
  makeStoredPictures,
  prepareMedia,
  type MadePictures,
  type Preparation,
  type PreparationLimits,
  type StagedMedia,
  type StoredImage,
} from "./preparation.ts";

/** A message to a worker process. */
export type WorkerJob =
  | ({ readonly task: "prepare" } & StagedMedia & PreparationLimits)
  | ({ readonly task: "pictures" } & StoredImage);

/** The answer of a worker process to a {@link WorkerJob}, as JSON. */
export type WorkerAnswer =
  | { readonly done: Preparation | MadePictures }
  /** An API error; `why` is for the log, `detail` for the user. */
  | { readonly failed: ApiErrorCode; readonly why: string; readonly detail?: string | undefined }
  | { readonly problems: Problem[] }
  /** A bug; for the log. */
  | { readonly defect: string };

/** Runs one job. Never rejects. */
export async function runJob(job: WorkerJob): Promise<WorkerAnswer> {
  try {
    return { done: await (job.task === "prepare" ? prepareMedia(job) : makeStoredPictures(job)) };
  } catch (error) {
    if (error instanceof ValidationProblems) return { problems: error.problems };
    const known = error instanceof ApiError ? error : diskFailure(error);
    if (known)
      return { failed: known.code, why: String(known.options.cause ?? ""), detail: known.options.detail };
    return { defect: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
