import { fsyncSync, closeSync, mkdirSync, openSync } from "node:fs";
import { access, mkdir, open, rename, unlink } from "node:fs/promises";
import { dirname, sep } from "node:path";
import { codeOf, diskError } from "./disk-failures.ts";
import { requireMediaKey } from "./keys.ts";
import type { MediaStore, StorableFile, StoredMedia } from "./store.ts";
import { untilAborted } from "./until-aborted.ts";

/** Files on this machine's disk, delivered by this service at `/media/{key}`. */
export class DiskStore implements MediaStore {
  readonly name = "disk";
  readonly makesThumbnails = false;
  readonly mayCompleteLate = false;

  /** `root`: absolute folder of the files, made when missing; uploads' temp files must be on its file system. */
  constructor(readonly root: string) {
    if (mkdirSync(root, { recursive: true, mode: 0o700 }) !== undefined) syncFolder(dirname(root));
  }

  /**
   * The file's place, two levels deep: 256 folders by two characters from the id's end, where a UUIDv7 is random
   * (it starts with the time), so that ten million files are forty thousand a folder. The only way from a key to
   * a path; throws `NOT_FOUND` for what is no key.
   */
  resolve(key: string): string {
    const id = requireMediaKey(key).slice(0, 36);
    return `${this.root}${sep}${id.slice(-2)}${sep}${key}`;
  }

  async put(key: string, file: StorableFile, signal: AbortSignal): Promise<StoredMedia> {
    const path = this.resolve(key);
    return withStoreErrors(signal, async () => {
      const temp = file.file.name ?? "";
      // Bytes before name: after a power cut a file under its key is whole.
      await untilAborted(signal, () => sync(temp));
      signal.throwIfAborted();
      // Never left behind half-way: a rename that ends after the caller has deleted the key would leave a file
      // that no row knows.
      await this.#rename(temp, path);
      await sync(dirname(path));
      return stored(key);
    });
  }

  async find(key: string, signal: AbortSignal): Promise<StoredMedia | null> {
    const path = this.resolve(key);
    const look = () => unlessMissing(access(path).then(() => stored(key)));
    return withStoreErrors(signal, () => untilAborted(signal, look));
  }

  async delete(key: string, _storeId: string | null, signal: AbortSignal): Promise<void> {
    const path = this.resolve(key);
    // Not synced: the row that asks for the deletion stays until it is done, and a file that is back after a
    // power cut has no published row.
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
      await sync(this.root);
      await rename(temp, path);
    }
  }
}

function stored(key: string): StoredMedia {
  return { url: `/media/${key}`, storeId: null, thumbnailUrl: null };
}

/** Does the work, with the file system's errors in the API's words and the signal's reason as it is. */
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

/** Flushes a file's bytes, or a folder's names, to the disk. */
async function sync(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function syncFolder(path: string): void {
  const folder = openSync(path, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
