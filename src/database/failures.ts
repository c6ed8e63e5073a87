import { ApiError } from "../errors.ts";
import { causes } from "./connection.ts";

/** SQLite: temporarily not writable, or locked by another program for too long. */
const sqliteUnavailable = /^SQLITE_(READONLY|IOERR|CANTOPEN|BUSY|LOCKED)/;

/**
 * PostgreSQL's SQLSTATE codes and classes of temporary failures: connection exception (08), insufficient resources (53),
 * operator intervention such as a shutdown or a cancelled statement (57), system error (58), serialization failure or
 * deadlock (40), a standby that rejects writes (25006), a transaction idle for too long (25P03), and invalid authorization
 * (28), because a password may be changed on the server first.
 */
const postgresUnavailable = /^(08|28|53|57|58|40|25006|25P03)/;
const postgresFull = "53100";

/** Error codes of a server whose certificate is not, or no longer, trusted. */
export const untrustedServer = /TLS|CERT|SIGNED|ALTNAME|ISSUER/i;

/** The database was migrated by a newer version of this program, whose schema this version does not know. */
export class NewerDatabase extends Error {
  override readonly name = "NewerDatabase";
  constructor(readonly dialect: "sqlite" | "pg") {
    super();
  }
}

/**
 * A PostgreSQL database whose encoding or isolation level does not fit this program. The message is a predicate for the
 * subject "The database … on …" and says what to do.
 */
export class UnsupportedDatabase extends Error {
  override readonly name = "UnsupportedDatabase";
}

/**
 * Translates an error of the database into STORAGE_FULL or UNAVAILABLE. Returns undefined for errors that the database's
 * environment did not cause, such as a bug in a query.
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
