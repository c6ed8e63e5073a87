import { ApiError, ValidationProblems, type ApiErrorCode, type Problem } from "../errors.ts";
import { diskFailure } from "../disk-errors.ts";
import { prepareMedia, type Preparation, type PreparationJob } from "./preparation.ts";

/** What a worker process answers to a {@link PreparationJob}; JSON. */
export type WorkerAnswer =
  | { readonly done: Preparation }
  /** An error of the API; `why` is for the log, `detail` for the user. */
  | { readonly failed: ApiErrorCode; readonly why: string; readonly detail?: string | undefined }
  | { readonly problems: Problem[] }
  /** A defect of ours; for the log. */
  | { readonly defect: string };

/** Does one job. Never rejects. */
export async function answerTo(job: PreparationJob): Promise<WorkerAnswer> {
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
