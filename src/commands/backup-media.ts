import { open, type FileHandle } from "node:fs/promises";

import { retry } from "../concurrency/retry.ts";
import { ApiError } from "../errors.ts";
import type { DiskStore } from "../storage/disk-store.ts";
import type { MediaStore } from "../storage/media-store.ts";
import { bytesOf } from "../backup/tar.ts";
import { CommandError } from "./command-error.ts";
import { describeStore } from "./store-names.ts";

/** Milliseconds without a byte after which a store's response counts as lost. */
const stallTimeoutMs = 60_000;

/** Milliseconds before the second attempt at a file; doubled before the third and last one. */
const retryPauseMs = 2_000;

/**
 * Adds the files of a post to an archive: none if the first one is missing, and otherwise those that exist.
 * @returns whether each of them was added
 */
export type AddMedia = (keys: readonly string[]) => Promise<boolean[]>;

/** Adds a file to an archive under its key. If the source fails, the call may be repeated. */
export type AddFile = (key: string, source: AsyncIterable<Uint8Array>) => Promise<void>;

/** @param explain makes an error of the file system readable */
export function mediaOnDisk(store: DiskStore, add: AddFile, explain: (error: unknown) => Error): AddMedia {
  return async (keys) => {
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

/** @throws CommandError when the store does not deliver a file in several attempts */
export function mediaInStore(store: MediaStore, add: AddFile): AddMedia {
  /** @returns false if there is no such file */
  async function addOne(key: string): Promise<boolean> {
    const stalled = new AbortController();
    const timer = setTimeout(() => stalled.abort(new ApiError("STORE_UNAVAILABLE")), stallTimeoutMs);
    try {
      const content = await store.read(key, stalled.signal);
      if (!content) return false;
      await add(
        key,
        complete(content.stream, content.bytes, () => timer.refresh()),
      );
      return true;
    } finally {
      clearTimeout(timer);
    }
  }
  return async (keys) => {
    const added: boolean[] = [];
    for (const key of keys)
      added.push(
        added[0] !== false &&
          (await retry(new AbortController().signal, retryPauseMs, () => addOne(key)).catch((error) => {
            throw error instanceof ApiError ? notDelivered(store, key, error) : error;
          })),
      );
    return added;
  };
}

/** @throws ApiError if the stream ends before this many bytes; null: the length is unknown */
async function* complete(
  stream: ReadableStream<Uint8Array>,
  bytes: number | null,
  received: () => void,
): AsyncGenerator<Uint8Array> {
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

function notDelivered({ name }: MediaStore, key: string, { cause }: ApiError): CommandError {
  // Stores keep secrets out of this text.
  const reason = cause instanceof Error ? ` (${cause.message})` : "";
  return new CommandError(
    `${describeStore(name).title} does not deliver ${key}${reason}. Nothing was written.`,
  );
}
