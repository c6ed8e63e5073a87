import { rm } from "node:fs/promises";
import { join } from "node:path";

import type { MediaType } from "../media-types.ts";
import type { MediaStore, StoredMedia } from "../storage/media-store.ts";
import { saveStream, StreamTooLong } from "../storage/save-stream.ts";
import { factsOf, hashed, type StreamFacts } from "./hashed.ts";
import { callStore, PostNotMovable } from "./move-errors.ts";
import type { MoveServices } from "./move-services.ts";

/** Attempts at a copy that differs from the original. */
const maxCopies = 2;

/** A file to copy. */
export interface SourceFile {
  readonly key: string;
  readonly contentType: MediaType;
  /** The name that a download is saved under. */
  readonly displayName: string;
  /** The size that the database knows; undefined for renditions. */
  readonly bytes: number | undefined;
}

/** A file's bytes on this machine's disk. */
interface LocalFile extends StreamFacts {
  readonly path: string;
}

/** A copy between two stores. */
export interface Copying {
  readonly from: MediaStore;
  readonly to: MediaStore;
  /** An empty folder for temp files. */
  readonly folder: string;
  readonly signal: AbortSignal;
  /** Called with the path of the file, before it is stored. */
  readonly inspect?: (path: string) => Promise<void>;
}

/**
 * Copies a file to another store, reads the copy back and compares its SHA-256 with that of the bytes read.
 * @throws PostNotMovable when the file is missing, has another size than the database says, or copies differ from it;
 * StoreCallFailed; the signal's reason
 */
export async function copyFile(
  services: MoveServices,
  file: SourceFile,
  { from, to, folder, signal, inspect }: Copying,
): Promise<StoredMedia> {
  for (let copy = 1; ; copy++) {
    const local = await localFile(services, file, from, folder, signal);
    try {
      await inspect?.(local.path);
      const stored = await putFile(services, file, local, to, signal);
      const found = await readBack(services, file.key, local.bytes, to, signal);
      if (found?.sha256 === local.sha256 && found.bytes === local.bytes) return stored;
      if (copy === maxCopies)
        throw new PostNotMovable(`the copy of ${file.key} in ${to.name} differs from it`);
    } finally {
      if (from.name !== "disk") await rm(local.path, { force: true });
    }
  }
}

/** Reads a file of the disk store in place; saves one of another store in `folder`. */
async function localFile(
  { deadlineFor, disk, pace }: MoveServices,
  { key, bytes: expected }: SourceFile,
  from: MediaStore,
  folder: string,
  signal: AbortSignal,
): Promise<LocalFile> {
  const deadline = AbortSignal.timeout(deadlineFor(expected ?? 0) * 1000);
  const local = await callStore(from.name, { signal, deadline }, async (either) => {
    const content = await from.read(key, either);
    if (!content) throw new PostNotMovable(`${key} is missing in ${from.name}`);
    if (from.name === "disk") return { path: disk.resolve(key), ...(await factsOf(content.stream)) };
    const path = join(folder, key);
    const read = hashed(pace.limit(content.stream, either));
    await saveStream(read.stream, path, expected ?? Number.POSITIVE_INFINITY).catch((error: unknown) => {
      throw error instanceof StreamTooLong
        ? new PostNotMovable(`${key} in ${from.name}: ${error.message}`)
        : error;
    });
    return { path, ...read.facts() };
  });
  if (expected !== undefined && local.bytes !== expected)
    throw new PostNotMovable(`${key} has ${local.bytes} bytes in ${from.name}, not ${expected}`);
  return local;
}

async function putFile(
  { deadlineFor, pace }: MoveServices,
  { key, contentType, displayName }: SourceFile,
  { path, bytes }: LocalFile,
  to: MediaStore,
  signal: AbortSignal,
): Promise<StoredMedia> {
  const deadline = AbortSignal.timeout(deadlineFor(bytes) * 1000);
  return callStore(to.name, { signal, deadline }, (either) => {
    const file = Bun.file(path);
    const stream = () => pace.limit(file.stream(), either);
    return to.put(key, { file, contentType, displayName, bytes, ...(pace.isLimited && { stream }) }, either);
  });
}

/** @returns the facts of the copy; null when there is none */
async function readBack(
  { deadlineFor, pace }: MoveServices,
  key: string,
  bytes: number,
  to: MediaStore,
  signal: AbortSignal,
): Promise<StreamFacts | null> {
  const deadline = AbortSignal.timeout(deadlineFor(bytes) * 1000);
  return callStore(to.name, { signal, deadline }, async (either) => {
    const content = await to.read(key, either);
    if (!content) return null;
    return factsOf(to.name === "disk" ? content.stream : pace.limit(content.stream, either));
  });
}
