import type { FeedPosition } from "../database/posts.ts";
import { ValidationProblems, type Problem } from "../errors.ts";

export const defaultPageSize = 50;
export const largestPage = 200;

/** What `GET /feed` was asked for. */
export interface FeedRequest {
  limit: number;
  after: FeedPosition | undefined;
}

/**
 * Reads `?limit=` and `?cursor=`.
 * @throws ValidationProblems naming each that does not fit, worded as pydantic does
 */
export function readFeedRequest(query: { limit?: string; cursor?: string }): FeedRequest {
  const problems: Problem[] = [];
  const limit = query.limit === undefined ? defaultPageSize : readLimit(query.limit, problems);
  const after = query.cursor === undefined ? undefined : readCursor(query.cursor);
  if (query.cursor !== undefined && !after)
    problems.push({
      type: "value_error",
      loc: ["query", "cursor"],
      msg: "Value error, not a cursor of this feed",
    });
  if (problems.length > 0) throw new ValidationProblems(problems);
  return { limit, after };
}

function readLimit(text: string, problems: Problem[]): number {
  const loc = ["query", "limit"];
  const limit = /^[+-]?\d{1,15}$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (Number.isNaN(limit))
    problems.push({
      type: "int_parsing",
      loc,
      msg: "Input should be a valid integer, unable to parse string as an integer",
    });
  else if (limit < 1)
    problems.push({ type: "greater_than_equal", loc, msg: "Input should be greater than or equal to 1" });
  else if (limit > largestPage)
    problems.push({
      type: "less_than_equal",
      loc,
      msg: `Input should be less than or equal to ${largestPage}`,
    });
  return limit;
}

/** Opaque to clients: milliseconds and id of the page's last post. */
export const writeCursor = ({ createdAt, id }: FeedPosition): string =>
  Buffer.from(`${createdAt.getTime()}.${id}`).toString("base64url");

export function readCursor(cursor: string): FeedPosition | undefined {
  if (cursor.length > 128) return undefined;
  const [, time, id] =
    /^(\d{1,14})\.([0-9a-f-]{36})$/.exec(Buffer.from(cursor, "base64url").toString("latin1")) ?? [];
  return time === undefined || id === undefined ? undefined : { createdAt: new Date(Number(time)), id };
}
