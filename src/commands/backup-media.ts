import { open, type FileHandle } from "node:fs/promises";

import { retry } from "../concurrency/retry.ts";
import { ApiError } from "../errors.ts";
import type { DiskStore } from "../storage/disk-store.ts";
import type { MediaStore, StoredContent } from "../storage/media-store.ts";
import { bytesOf } from "../backup/tar.ts";
import { CommandError } from "./command-error.ts";
import { reasonOfStore, startWithStore } from "./store-names.ts";

/** Milliseconds without a byte after which a store's response counts as lost. */
const stallTimeoutMs = 60_000;

/** Milliseconds before the second attempt at a file; doubled before the third and last one. */
const retryPauseMs = 2_000;

/** Size of a file from a store up to which it is read ahead into memory. */
const maxReadAheadBytes = 1024 * 1024;

/** Posts whose small files are read at the same time: most of the time of such a file is waiting for the store. */
export const readAheadPosts = 4;

/** Files that were read ahead, by key: null for one that does not exist. Others are read when they are added. */
export type ReadAhead = ReadonlyMap<string, Uint8Array | null>;

/** Where the media of a store come from. */
export interface MediaSource {
  /** Reads small files of a post, while others are being added. */
  readAhead(keys: readonly string[]): Promise<ReadAhead>;
  /**
   * Adds the files of a post to the archive: none if the first one is missing, and otherwise those that exist.
   * @returns whether each of them was added
   */
  add(keys: readonly string[], ahead: ReadAhead): Promise<boolean[]>;
}

/** Adds a file to an archive under its key. If the source fails, the call may be repeated. */
export type AddFile = (key: string, source: AsyncIterable<Uint8Array>) => Promise<void>;

/** @param explain makes an error of the file system readable */
export function mediaOnDisk(store: DiskStore, add: AddFile, explain: (error: unknown) => Error): MediaSource {
  return {
    readAhead: async () => new Map(),
    async add(keys) {
      const files: (FileHandle | undefined)[] = [];
      try {
        // Open all files before reading the first: an open file stays readable when it is deleted.
        for (const key of keys) files.push(await openIfExists(store.resolve(key), explain));
        for (const [i, key] of keys.entries()) {
          const file = files[i];
          // With the size, a small file takes a small buffer.
          if (files[0] && file) await add(key, bytesOf(file, 0, (await file.stat()).size));
        }
        return files.map((file) => file !== undefined);
      } finally {
        for (const file of files) await file?.close();
      }
    },
  };
}

/**
 * Opens a file for reading.
 * @returns undefined if it does not exist
 */
export const openIfExists = (path: string, explain: (error: unknown) => Error) =>
  open(path, "r").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw explain(error);
  });

/**
 * Its functions throw a CommandError when the store does not deliver a file in several attempts.
 * @param pauseMs another pause before the second attempt is for tests
 */
export function mediaInStore(
  store: Pick<MediaStore, "name" | "read">,
  add: AddFile,
  pauseMs = retryPauseMs,
): MediaSource {
  /**
   * Opens a file and passes it to `use`, which the file's last byte or a failure ends; repeats both after a failure.
   * @returns null if there is no such file
   */
  async function read<T>(
    key: string,
    use: (content: StoredContent, bytes: AsyncIterable<Uint8Array>) => Promise<T>,
  ): Promise<T | null> {
    const once = async () => {
      const stalled = new AbortController();
      const timer = setTimeout(() => stalled.abort(new ApiError("STORE_UNAVAILABLE")), stallTimeoutMs);
      try {
        const content = await store.read(key, stalled.signal);
        return (
          content &&
          (await use(
            content,
            complete(content, () => timer.refresh()),
          ))
        );
      } finally {
        clearTimeout(timer);
      }
    };
    return retry(new AbortController().signal, pauseMs, once).catch((error: unknown) => {
      throw error instanceof ApiError ? notDelivered(store, key, error) : error;
    });
  }

  /** @returns undefined for a file that is not small, or whose size is not known */
  const readSmall = (key: string) =>
    read(key, async ({ stream, bytes: size }, bytes) => {
      if (size !== null && size <= maxReadAheadBytes) return Buffer.concat(await Array.fromAsync(bytes));
      await stream.cancel();
      return undefined;
    });

  async function addOne(key: string, ahead: Uint8Array | null | undefined): Promise<boolean> {
    if (ahead === null) return false;
    if (ahead) {
      await add(key, only(ahead));
      return true;
    }
    const added = await read(key, async (_, bytes) => {
      await add(key, bytes);
      return true;
    });
    return added !== null;
  }
  return {
    async readAhead(keys) {
      const found = new Map<string, Uint8Array | null>();
      const small = await Promise.all(keys.map(readSmall));
      for (const [i, key] of keys.entries()) if (small[i] !== undefined) found.set(key, small[i]!);
      return found;
    },
    async add(keys, ahead) {
      const added: boolean[] = [];
      for (const key of keys) added.push(added[0] !== false && (await addOne(key, ahead.get(key))));
      return added;
    },
  };
}

async function* only(bytes: Uint8Array) {
  yield bytes;
}

/** @throws ApiError if the stream fails or ends before its length */
async function* complete({ stream, bytes }: StoredContent, received: () => void): AsyncGenerator<Uint8Array> {
  let read = 0;
  try {
    for await (const chunk of stream) {
      received();
      read += chunk.length;
      yield chunk;
    }
  } catch (cause) {
    throw new ApiError("STORE_UNAVAILABLE", { cause: cause instanceof ApiError ? cause.cause : undefined });
  }
  if (bytes !== null && read !== bytes) throw new ApiError("STORE_UNAVAILABLE");
}

const notDelivered = ({ name }: Pick<MediaStore, "name">, key: string, error: ApiError) =>
  new CommandError(
    `${startWithStore(name)} does not deliver ${key}${reasonOfStore(error)}. Nothing was written.`,
  );

/**
 * Starts work on up to `count` items before the first result is used.
 * @returns the results in the order of the items
 */
export async function* startAhead<Item, Result>(
  items: Iterable<Item>,
  count: number,
  start: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  const started: Promise<Result>[] = [];
  for (const item of items) {
    const result = start(item);
    // Its failure is thrown when its turn comes.
    result.catch(() => {});
    started.push(result);
    if (started.length >= count) yield await started.shift()!;
  }
  for (const result of started) yield await result;
}
