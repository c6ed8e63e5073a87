import { mkdirSync } from "node:fs";
import { access, mkdir, rename, unlink } from "node:fs/promises";
import { dirname, sep } from "node:path";
import { codeOf, diskError } from "../disk-errors.ts";
import { fileStream } from "./file-stream.ts";
import { requireMediaKey } from "./media-keys.ts";
import type { MediaStore, StorableFile, StoredContent, StoredMedia } from "./media-store.ts";
import { syncFolder } from "./sync-folder.ts";
import { syncToDisk } from "./sync-to-disk.ts";
import { untilAborted } from "../concurrency/until-aborted.ts";

/**
 * Returns where a disk store with this root keeps the file of a key. No other code builds such paths. Files are spread over 256 folders named after
 * the last two characters of the id, which are random in a UUIDv7: ten million files make forty thousand per folder.
 * @throws ApiError NOT_FOUND for a malformed key
 */
export function pathOfMedia(root: string, key: string): string {
  const id = requireMediaKey(key).slice(0, 36);
  return `${root}${sep}${id.slice(-2)}${sep}${key}`;
}

/** Stores files on this machine's disk. The service delivers them at `/media/{key}`. */
export class DiskStore implements MediaStore {
  readonly name = "disk";
  readonly makesRenditions = false;
  readonly isPublic = false;
  readonly mayCompleteLate = false;

  /** @param root absolute path of the folder, created if missing; must be on the file system of the temp files */
  constructor(readonly root: string) {
    if (mkdirSync(root, { recursive: true, mode: 0o700 }) !== undefined) syncFolder(dirname(root));
  }

  /** Returns the path of a key. @throws ApiError NOT_FOUND for a malformed key */
  resolve(key: string): string {
    return pathOfMedia(this.root, key);
  }

  async put(key: string, file: StorableFile, signal: AbortSignal): Promise<StoredMedia> {
    const path = this.resolve(key);
    return withStoreErrors(signal, async () => {
      const temp = file.file.name ?? "";
      // Flush before renaming: after a power cut, a file under its final name is complete.
      await untilAborted(signal, () => syncToDisk(temp));
      signal.throwIfAborted();
      // Not abortable: a rename that finishes after the caller has deleted the key would leave an orphaned file.
      await this.#rename(temp, path);
      await syncToDisk(dirname(path));
      return stored(key);
    });
  }

  async find(key: string, signal: AbortSignal): Promise<StoredMedia | null> {
    const path = this.resolve(key);
    const findFile = () => unlessMissing(access(path).then(() => stored(key)));
    return withStoreErrors(signal, () => untilAborted(signal, findFile));
  }

  async read(key: string, signal: AbortSignal): Promise<StoredContent | null> {
    const path = this.resolve(key);
    return withStoreErrors(signal, () => untilAborted(signal, () => unlessMissing(fileStream(path, signal))));
  }

  async delete(key: string, _storeId: string | null, signal: AbortSignal): Promise<void> {
    const path = this.resolve(key);
    // No flush: a file that reappears after a power cut has no published row.
    await withStoreErrors(signal, () => untilAborted(signal, () => unlessMissing(unlink(path))));
  }

  async #rename(temp: string, path: string): Promise<void> {
    try {
      await rename(temp, path);
    } catch (error) {
      if (codeOf(error) !== "ENOENT") throw error;
      await mkdir(dirname(path), { mode: 0o700 }).catch((failure: unknown) => {
        if (codeOf(failure) !== "EEXIST") throw failure;
      });
      await syncToDisk(this.root);
      await rename(temp, path);
    }
  }
}

function stored(key: string): StoredMedia {
  return { url: `/media/${key}`, storeId: null, renditions: null };
}

/** Maps file system errors to API errors; rethrows the signal's reason unchanged. */
async function withStoreErrors<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw diskError(error);
  }
}

async function unlessMissing<T>(work: Promise<T>): Promise<T | null> {
  return work.catch((error: unknown) => {
    if (codeOf(error) === "ENOENT") return null;
    throw error;
  });
}
