import { constants, Database } from "bun:sqlite";

import { codeOf } from "../disk-errors.ts";

/** SQLite cannot write its temporary files. Their folder is not the data folder. */
export class TemporaryFilesError extends Error {
  override readonly name = "TemporaryFilesError";
  /** @param isFull whether the folder has no space left; false if there is none that can be written */
  constructor(
    readonly isFull: boolean,
    cause: unknown,
  ) {
    super(isFull ? "no space for SQLite's temporary files" : "SQLite cannot create temporary files", {
      cause,
    });
  }
}

/** SQLite's codes when a temporary file cannot be created. */
const cannotCreate = /^SQLITE_(?:CANTOPEN|IOERR_GETTEMPPATH)$/;

/** Whether temporary files may be the cause. SQLITE_FULL may also concern the database's disk. */
export const mayConcernTemporaryFiles = (error: unknown): boolean =>
  codeOf(error) === "SQLITE_FULL" || cannotCreate.test(codeOf(error));

/** Opens an empty database in a temporary file, for data that may be too large for the memory. SQLite deletes the file. */
export function openTemporaryDatabase(): Database {
  // Without a name, but not ":memory:".
  const { SQLITE_OPEN_CREATE, SQLITE_OPEN_READWRITE, SQLITE_OPEN_URI } = constants;
  return new Database("file:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI);
}

/** Runs a write to a temporary database. @throws TemporaryFilesError */
export function writeTemporary<T>(write: () => T): T {
  try {
    return withTemporaryFiles(write);
  } catch (error) {
    throw codeOf(error) === "SQLITE_FULL" ? new TemporaryFilesError(true, error) : error;
  }
}

/**
 * Runs work on an open database for which SQLite may need temporary files, such as a migration.
 * @throws TemporaryFilesError if one cannot be created. SQLITE_FULL passes, because it may concern the database's disk.
 */
export function withTemporaryFiles<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw cannotCreate.test(codeOf(error)) ? new TemporaryFilesError(false, error) : error;
  }
}
