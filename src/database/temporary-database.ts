import { constants, Database } from "bun:sqlite";

/** Opens an empty database in a temporary file, for data that may be too large for the memory. SQLite deletes the file. */
export function openTemporaryDatabase(): Database {
  // Without a name, but not ":memory:".
  const { SQLITE_OPEN_CREATE, SQLITE_OPEN_READWRITE, SQLITE_OPEN_URI } = constants;
  return new Database("file:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI);
}
