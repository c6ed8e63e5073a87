import { ValidationProblems, type Problem } from "../errors.ts";

const defaultPageSize = 50;
const maxPageSize = 200;

/** The position of an item in a list, newest first. */
export type PagePosition = {
  createdAt: Date;
  id: string;
};

/** Sorts after every id, because ids are hexadecimal. */
export const afterAllIds = "~";

/** Which page of a list a request asks for. */
export interface PageRequest {
  limit: number;
  /** The last item of the page before; undefined for the first page. */
  after: PagePosition | undefined;
}

/**
 * Reads `?limit=` and `?cursor=`.
 * @param others problems of the request's other parameters
 * @throws ValidationProblems that names each parameter at fault, worded as pydantic does
 */
export function readPageRequest(
  query: { limit?: string; cursor?: string },
  others: readonly Problem[] = [],
): PageRequest {
  const problems: Problem[] = [];
  const limit = query.limit === undefined ? defaultPageSize : readLimit(query.limit, problems);
  const after = query.cursor === undefined ? undefined : readCursor(query.cursor);
  if (query.cursor !== undefined && !after)
    problems.push({
      type: "value_error",
      loc: ["query", "cursor"],
      msg: "Value error, not a cursor of this list",
    });
  problems.push(...others);
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
  else if (limit > maxPageSize)
    problems.push({
      type: "less_than_equal",
      loc,
      msg: `Input should be less than or equal to ${maxPageSize}`,
    });
  return limit;
}

/** Returns a cursor, which is opaque to clients: the milliseconds and the id of the page's last item. */
export const writeCursor = ({ createdAt, id }: PagePosition): string =>
  Buffer.from(`${createdAt.getTime()}.${id}`).toString("base64url");

/**
 * Separates the rows of a page from the extra row that was read after them.
 * @param rows up to `limit + 1`
 * @returns the rows to show, and the cursor of the next page; null on the last page
 */
export function toPage<Row extends PagePosition>(
  rows: readonly Row[],
  limit: number,
): { shown: Row[]; nextCursor: string | null } {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return { shown, nextCursor: last && rows.length > limit ? writeCursor(last) : null };
}

/** Returns the position that a cursor stands for; undefined if the text is not a cursor. */
export function readCursor(cursor: string): PagePosition | undefined {
  if (cursor.length > 128) return undefined;
  const [, time, id] =
    /^(\d{1,14})\.([0-9a-f-]{36})$/.exec(Buffer.from(cursor, "base64url").toString("latin1")) ?? [];
  return time === undefined || id === undefined ? undefined : { createdAt: new Date(Number(time)), id };
}

/** The query parameters of a list, for its OpenAPI description. */
export const pageParameters = {
  limit: {
    description: "The largest number of items on the page.",
    schema: { type: "integer", minimum: 1, maximum: maxPageSize, default: defaultPageSize },
  },
  cursor: {
    description: "`next_cursor` of the previous page. Omit it for the first page.",
    schema: { type: "string" },
  },
} as const;
