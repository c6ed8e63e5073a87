import { accessSync, closeSync, constants, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";

import { Database } from "bun:sqlite";

/**
 * Keeps a data folder with SQLite, made when missing, for one running service: two would take each other's uploads for what a
 * crash left. Held by a lock of the system's, which ends with the process, however that ends.
 * @returns a function that releases the lock; keep a reference to it
 * @throws an error with the code SQLITE_BUSY where another service has it, or one of the system
 */
export function lockDataFolder(dataDir: string): () => void {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  accessSync(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
  const path = join(dataDir, "in-use");
  closeSync(openSync(path, "a", 0o600));
  const lock = new Database(path, { readwrite: true });
  try {
    // A journal file would need space, which a full disk does not have.
    lock.run("pragma journal_mode = memory");
    lock.run("begin exclusive");
  } catch (error) {
    lock.close();
    throw error;
  }
  return () => lock.close();
}
