import { ApiError } from "../errors.ts";

/**
 * What a failing database means to a client: full, or not to be reached just now. Undefined for errors that are none
 * of the database's surroundings.
 */
export function databaseFailure(error: unknown): ApiError | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code } = cause as { code?: unknown };
    if (code === "SQLITE_FULL") return new ApiError("STORAGE_FULL", { cause });
    if (typeof code === "string" && /^SQLITE_(READONLY|IOERR|CANTOPEN|BUSY|LOCKED)/.test(code))
      return new ApiError("UNAVAILABLE", { cause, headers: { "retry-after": "5" } });
  }
  return undefined;
}
