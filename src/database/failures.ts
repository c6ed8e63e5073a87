import { ApiError } from "../errors.ts";
import { causes } from "./connection.ts";

/** SQLite: not writable just now, or locked by another program for too long. */
const sqliteUnavailable = /^SQLITE_(READONLY|IOERR|CANTOPEN|BUSY|LOCKED)/;

/**
 * PostgreSQL's SQLSTATE classes for what passes: connection exception (08), no resources (53), stopping, starting or
 * cancelled (57), system error (58), serialization failure or deadlock (40), a standby that takes no writes (25006), a
 * transaction left alone for too long (25P03), a password that was changed on the server first (28).
 */
const postgresUnavailable = /^(08|28|53|57|58|40|25006|25P03)/;
const postgresFull = "53100";

/** Codes of a server whose certificate is not trusted, or not any more. */
export const untrustedServer = /TLS|CERT|SIGNED|ALTNAME|ISSUER/i;

/** The database was migrated by a newer version of this program: what that changed is not known here. */
export class NewerDatabase extends Error {
  override readonly name = "NewerDatabase";
  constructor(readonly dialect: "sqlite" | "pg") {
    super();
  }
}

/**
 * A PostgreSQL database that would not keep or isolate data as this program needs it. The message continues "The database
 * … on …" and says what to do.
 */
export class UnfitDatabase extends Error {
  override readonly name = "UnfitDatabase";
}

/**
 * What a failing database means to a client: full, or not to be reached just now. Undefined for errors that are none
 * of the database's surroundings.
 */
export function databaseFailure(error: unknown): ApiError | undefined {
  for (const cause of causes(error)) {
    const [code, sqlState] = [String(cause.code), String(cause.errno)];
    const ofPostgres = code.startsWith("ERR_POSTGRES_");
    if (code === "SQLITE_FULL" || (ofPostgres && sqlState === postgresFull))
      return new ApiError("STORAGE_FULL", { cause });
    const unavailable = ofPostgres
      ? code.startsWith("ERR_POSTGRES_CONNECTION_") || postgresUnavailable.test(sqlState)
      : sqliteUnavailable.test(code) || untrustedServer.test(code);
    if (unavailable) return new ApiError("UNAVAILABLE", { cause });
  }
  return undefined;
}
