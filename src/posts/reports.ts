import type { SignedIn } from "../accounts/authenticator.ts";
import type { Database } from "../database/database.ts";
import { ApiError } from "../errors.ts";
import { toPage, type PageRequest } from "../http/page-request.ts";
import type { Log, LogFields } from "../observability/log.ts";
import { postRead, type PostView } from "./post-read.ts";
import type { ReportPageRead } from "./schemas.ts";

/** The services that reports need. */
export interface ReportServices {
  readonly database: Pick<Database, "reports">;
  readonly log: Log;
}

/**
 * Reports a post to the superusers. A second report by the same user replaces the first.
 * @param requestFields identify the request in the log
 * @throws ApiError POST_NOT_FOUND; UNAUTHORIZED or FORBIDDEN when the user has lost the right in the meantime
 */
export async function reportPost(
  { database, log }: ReportServices,
  { actor }: SignedIn,
  post: string,
  reason: string,
  requestFields: LogFields,
): Promise<void> {
  if (!(await database.reports.add(actor, post, reason, new Date()))) throw new ApiError("POST_NOT_FOUND");
  log.info("post.reported", { ...requestFields, actor: actor.userId, post });
}

/**
 * Dismisses a report.
 * @param requestFields identify the request in the log
 * @throws ApiError NOT_FOUND; UNAUTHORIZED or FORBIDDEN when the user has lost the right in the meantime
 */
export async function dismissReport(
  { database, log }: ReportServices,
  { actor }: SignedIn,
  report: string,
  requestFields: LogFields,
): Promise<void> {
  const post = await database.reports.remove(actor, report);
  if (post === undefined) throw new ApiError("NOT_FOUND");
  log.info("report.dismissed", { ...requestFields, actor: actor.userId, report, post });
}

/** Returns a page of the reports of visible posts, newest first. */
export async function reportPage(
  { database }: ReportServices,
  { limit, after }: PageRequest,
  view: PostView,
): Promise<ReportPageRead> {
  // One extra row shows whether there is a next page.
  const found = await database.reports.page(limit + 1, after);
  const { shown, nextCursor } = toPage(found, limit);
  return {
    reports: shown.map(({ id, post, reason, reporter, createdAt }) => ({
      id,
      post: postRead(post, view),
      reason,
      reporter,
      created_at: createdAt.toISOString(),
    })),
    next_cursor: nextCursor,
  };
}
