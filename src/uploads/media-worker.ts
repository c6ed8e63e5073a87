import { ApiError, ValidationProblems, type ApiErrorCode, type Problem } from "../errors.ts";
import { diskFailure } from "../disk-errors.ts";
import { prepareMedia, type Preparation, type PreparationJob } from "./preparation.ts";

/** The answer of a worker process to a {@link PreparationJob}, as JSON. */
export type WorkerAnswer =
  | { readonly done: Preparation }
  /** An API error; `why` is for the log, `detail` for the user. */
  | { readonly failed: ApiErrorCode; readonly why: string; readonly detail?: string | undefined }
  | { readonly problems: Problem[] }
  /** A bug; for the log. */
  | { readonly defect: string };

/** Runs one job. Never rejects. */
export async function runJob(job: PreparationJob): Promise<WorkerAnswer> {
  try {
    return { done: await prepareMedia(job) };
  } catch (error) {
    if (error instanceof ValidationProblems) return { problems: error.problems };
    const known = error instanceof ApiError ? error : diskFailure(error);
    if (known)
      return { failed: known.code, why: String(known.options.cause ?? ""), detail: known.options.detail };
    return { defect: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
