import { causes } from "../database/connection.ts";
import { CopyError } from "../database/copy-tables.ts";
import { CommandError } from "./command-error.ts";
import { isPostgresError, postgresError } from "./startup-errors.ts";

/** Finds the error of SQLite or PostgreSQL in an error's chain of causes. */
export const driverError = (error: unknown) =>
  causes(error).find(({ code }) => /^(ERR_POSTGRES|SQLITE)_/.test(String(code)));

/**
 * Explains why data were not copied from or to PostgreSQL. Never repeats a database error's own message: query builders put
 * row values into it.
 * @param outcome a sentence without its period: that nothing was done
 * @param setting name of the setting or argument that contains the URL
 * @returns the error itself if neither the copy nor PostgreSQL is the cause
 */
export function databaseError(
  error: unknown,
  url: string,
  outcome: string,
  setting = "DATABASE_URL",
): unknown {
  if (error instanceof CopyError) return new CommandError(`${error.message}. ${outcome}.`);
  const known = causes(error).find(({ code }) => /^ERR_POSTGRES_/.test(String(code)));
  if (known?.errno === "55P03")
    return new CommandError("Another program uses the tables of the PostgreSQL database. Stop it first.");
  const innermost = known ?? causes(error).at(-1) ?? error;
  return isPostgresError(innermost) ? postgresError(url, innermost, setting) : error;
}
