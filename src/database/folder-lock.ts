import { accessSync, closeSync, constants, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";

import { Database } from "bun:sqlite";

/** Milliseconds to wait for the lock. */
const lockTimeoutMs = 500;

/**
 * Locks a data folder that uses SQLite for one service; creates the folder if it is missing. Two services in one folder
 * would each take the other's running uploads for those of a crashed process. The operating system releases the lock
 * when the process ends, even by a crash.
 * @returns a function that releases the lock; keep a reference to it
 * @throws an error with the code SQLITE_BUSY if another service holds the lock, or a system error
 */
export function lockDataFolder(dataDir: string): () => void {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  accessSync(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
  const path = join(dataDir, "in-use");
  closeSync(openSync(path, "a", 0o600));
  const lock = new Database(path, { readwrite: true });
  try {
    // A command may hold the lock briefly, see whileUnused.
    lock.run(`pragma busy_timeout = ${lockTimeoutMs}`);
    // A journal file would need space, which a full disk does not have.
    lock.run("pragma journal_mode = memory");
    lock.run("begin exclusive");
  } catch (error) {
    lock.close();
    throw error;
  }
  return () => lock.close();
}

/**
 * Runs short work in a data folder that uses SQLite while no service can start there. A service that starts meanwhile waits
 * up to {@link lockTimeoutMs}.
 * @returns undefined if a service uses the folder, or may use it, because it cannot be locked
 */
export function whileUnused<T>(dataDir: string, work: () => T): T | undefined {
  let release: () => void;
  try {
    release = lockDataFolder(dataDir);
  } catch {
    return undefined;
  }
  try {
    return work();
  } finally {
    release();
  }
}
