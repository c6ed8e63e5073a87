import { randomBytes } from "node:crypto";
import { closeSync, constants, existsSync, openSync, realpathSync, rmSync, statfsSync } from "node:fs";
import { open, rm, stat, statfs } from "node:fs/promises";
import { dirname } from "node:path";

/** Several times the size of SQLite's write-ahead log between two checkpoints (4 MB). */
const maxBytes = 16 * 1024 ** 2;
const chunkBytes = 1024 ** 2;
/** A smaller reserve is not worth keeping. With less free space at startup, the reserve is released. */
const minBytes = 256 * 1024;

const openTruncated = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;

/**
 * Reserves disk space for the database with a file beside it. When the disk is full, the file is deleted, so that logouts,
 * deletions and password changes can still be committed.
 */
export interface Reserve {
  /** Creates or enlarges the file, up to half of the free space. Never rejects. */
  refill(): Promise<void>;
  /** Deletes the file, which frees its space immediately. */
  release(): void;
}

/**
 * @param databasePath path of the SQLite file, which may be missing. If its disk is full, the reserve is released
 * immediately, so that the database can be opened.
 * @param onRelease called when the reserve has been released
 */
export function createReserve(databasePath: string, onRelease: () => void = () => {}): Reserve {
  const database = existsSync(databasePath) ? realpathSync(databasePath) : databasePath;
  const path = `${database}-reserve`;
  const folder = dirname(database);
  let refilling: Promise<void> | undefined;
  let released = false;

  function release(): void {
    released = true;
    if (!existsSync(path)) return;
    // Truncated first, because a deleted file keeps its space while it is open.
    closeSync(openSync(path, openTruncated, 0o600));
    rmSync(path, { force: true });
    onRelease();
  }

  async function refillOnce(): Promise<void> {
    released = false;
    const [currentBytes, { bavail, bsize }] = await Promise.all([
      stat(path).then(
        ({ size }) => size,
        () => 0,
      ),
      statfs(folder),
    ]);
    const bytes = Math.min(maxBytes, Math.floor((bavail * bsize + currentBytes) / 2));
    // A small gain is not worth writing the file again.
    if (bytes < minBytes || bytes < currentBytes * 2) return;
    const file = await open(path, openTruncated, 0o600);
    try {
      // Random bytes, because a compressing file system would store zeros in almost no space.
      const chunk = randomBytes(chunkBytes);
      for (let written = 0; written < bytes && !released;)
        written += (await file.write(chunk, 0, Math.min(chunk.length, bytes - written))).bytesWritten;
      await file.datasync();
    } catch (error) {
      released = true;
      throw error;
    } finally {
      await file.close();
      if (released) await rm(path, { force: true });
    }
  }

  if (existsSync(path)) {
    const { bavail, bsize } = statfsSync(folder);
    if (bavail * bsize < minBytes) release();
  }
  return {
    // A failure is ignored: the reserve matters only when the disk is full, and the next call tries again.
    refill: () =>
      (refilling ??= refillOnce()
        .catch(() => {})
        .finally(() => (refilling = undefined))),
    release,
  };
}
