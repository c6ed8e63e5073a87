import { constants, Database } from "bun:sqlite";

import { codeOf } from "../disk-errors.ts";

/** There is no space left in the folder in which SQLite creates temporary files. It is not the data folder. */
export class TemporaryFolderFull extends Error {
  override readonly name = "TemporaryFolderFull";
}

/** Opens an empty database in a temporary file, for data that may be too large for the memory. SQLite deletes the file. */
export function openTemporaryDatabase(): Database {
  // Without a name, but not ":memory:".
  const { SQLITE_OPEN_CREATE, SQLITE_OPEN_READWRITE, SQLITE_OPEN_URI } = constants;
  return new Database("file:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI);
}

/** Runs a write to a temporary database. @throws TemporaryFolderFull */
export function writeTemporary<T>(write: () => T): T {
  try {
    return write();
  } catch (error) {
    throw codeOf(error) === "SQLITE_FULL" ? new TemporaryFolderFull("", { cause: error }) : error;
  }
}
