import { randomBytes } from "node:crypto";
import { closeSync, constants, existsSync, openSync, realpathSync, rmSync, statfsSync } from "node:fs";
import { open, rm, stat, statfs } from "node:fs/promises";
import { dirname } from "node:path";

/** Enough for SQLite's log between two checkpoints (4 MB) several times over. */
const fullSize = 16 * 1024 ** 2;
const chunkSize = 1024 ** 2;
/** A smaller reserve is not worth having; with less free space at start the reserve is released. */
const smallestSize = 256 * 1024;

const emptied = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;

/**
 * Space that is kept for the database alone: a file beside it that is deleted when the disk is full, so that logouts,
 * deletes and password changes can still be committed.
 */
export interface Reserve {
  /** Makes the file, or a larger one, where there is space: at most half of what is free. Never rejects. */
  refill(): Promise<void>;
  /** Deletes the file, so that its space can be used at once. */
  release(): void;
}

/**
 * @param databasePath of a SQLite file, which may be missing. Where its disk is full already, the reserve is released
 * at once, so that the database can be opened.
 * @param onRelease called when the reserve was released
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
    // Emptied first: the space is free at once, even while the file is open somewhere.
    closeSync(openSync(path, emptied, 0o600));
    rmSync(path, { force: true });
    onRelease();
  }

  async function refillOnce(): Promise<void> {
    released = false;
    const [kept, { bavail, bsize }] = await Promise.all([
      stat(path).then(
        ({ size }) => size,
        () => 0,
      ),
      statfs(folder),
    ]);
    const wanted = Math.min(fullSize, Math.floor((bavail * bsize + kept) / 2));
    // Not rewritten for a small gain.
    if (wanted < smallestSize || wanted < kept * 2) return;
    const file = await open(path, emptied, 0o600);
    try {
      // Random, because a file system that compresses would keep no space for zeros.
      const chunk = randomBytes(chunkSize);
      for (let written = 0; written < wanted && !released;)
        written += (await file.write(chunk, 0, Math.min(chunk.length, wanted - written))).bytesWritten;
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
    if (bavail * bsize < smallestSize) release();
  }
  return {
    // Without a reserve everything works as long as there is space: the next call tries again.
    refill: () =>
      (refilling ??= refillOnce()
        .catch(() => {})
        .finally(() => (refilling = undefined))),
    release,
  };
}
