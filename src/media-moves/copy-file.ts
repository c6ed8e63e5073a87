import { rm, stat } from "node:fs/promises";
import { join } from "node:path";

import { codeOf } from "../disk-errors.ts";
import type { MediaType } from "../media-types.ts";
import type { MediaStore, StoredMedia } from "../storage/media-store.ts";
import { saveStream, StreamTooLong } from "../storage/save-stream.ts";
import { checked, checksummerFor, checksumOf, type Checksum, type Checksummer } from "./checksums.ts";
import { callStore, PostNotMovable } from "./move-errors.ts";
import type { MoveServices } from "./move-services.ts";

/** Attempts at a copy that differs from the original. */
const maxCopies = 2;

/** A file to copy. */
export interface SourceFile {
  readonly key: string;
  /** The source's own id of the file, for files that are not under their key. */
  readonly storeId: string | null;
  readonly contentType: MediaType;
  /** The name that a download is saved under. */
  readonly displayName: string;
  /** The size that the database knows; null if it does not. */
  readonly bytes: number | null;
  /** The size that the time limit of reading it is for. */
  readonly expectedBytes: number;
}

/** A file's bytes on this machine's disk. */
interface LocalFile {
  readonly path: string;
  readonly bytes: number;
  /** Undefined for a file of the disk store, which was not read yet. */
  readonly checksum: Checksum | undefined;
}

/** A copy that was verified. */
export interface CopiedFile extends StoredMedia {
  readonly bytes: number;
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
 * Copies a file to another store and verifies the copy: by the MD5 that the store computed, or by reading it back.
 * @throws PostNotMovable when the file is missing, has another size than the database says, or copies differ from it;
 * StoreCallFailed; the signal's reason
 */
export async function copyFile(
  services: MoveServices,
  file: SourceFile,
  { from, to, folder, signal, inspect }: Copying,
): Promise<CopiedFile> {
  for (let copy = 1; ; copy++) {
    const local = await localFile(services, file, { from, to, folder, signal });
    try {
      await inspect?.(local.path);
      const { stored, checksum } = await putFile(services, file, local, to, signal);
      const expected = checksum ?? (await localChecksum(services, local, { from, to, signal }));
      if (await isStored(services, file.key, expected, to, signal)) return { ...stored, bytes: local.bytes };
      if (copy === maxCopies)
        throw new PostNotMovable(`the copy of ${file.key} in ${to.name} differs from it`);
    } finally {
      if (from.name !== "disk") await rm(local.path, { force: true });
    }
  }
}

/** Finds a file of the disk store in place; saves one of another store in `folder`. */
async function localFile(
  { deadlineFor, disk, pace }: MoveServices,
  { key, storeId, bytes: known, expectedBytes }: SourceFile,
  { from, to, folder, signal }: Copying,
): Promise<LocalFile> {
  const deadline = AbortSignal.timeout(deadlineFor(expectedBytes) * 1000);
  const missing = () => new PostNotMovable(`${key} is missing in ${from.name}`);
  const local = await callStore(from.name, { signal, deadline }, async (either): Promise<LocalFile> => {
    if (from.name === "disk") {
      const path = disk.resolve(key);
      const { size } = await stat(path).catch((error: unknown) => {
        throw codeOf(error) === "ENOENT" ? missing() : error;
      });
      return { path, bytes: size, checksum: undefined };
    }
    const content = await from.read(key, either, storeId);
    if (!content) throw missing();
    const path = join(folder, key);
    const checksummer = checksummerFor(to);
    const stream = checked(pace.limit(content.stream, either), checksummer);
    await saveStream(stream, path, known ?? Number.POSITIVE_INFINITY).catch((error: unknown) => {
      throw error instanceof StreamTooLong
        ? new PostNotMovable(`${key} in ${from.name}: ${error.message}`)
        : error;
    });
    const checksum = checksummer.result();
    if (known === null && content.bytes !== null && content.bytes !== checksum.bytes)
      throw new Error("the connection ended early");
    return { path, bytes: checksum.bytes, checksum };
  });
  if (known !== null && local.bytes !== known)
    throw new PostNotMovable(`${key} has ${local.bytes} bytes in ${from.name}, not ${known}`);
  return local;
}

async function localChecksum(
  { deadlineFor }: MoveServices,
  { path, bytes }: LocalFile,
  { from, to, signal }: Pick<Copying, "from" | "to" | "signal">,
): Promise<Checksum> {
  const deadline = AbortSignal.timeout(deadlineFor(bytes) * 1000);
  return callStore(from.name, { signal, deadline }, () =>
    checksumOf(Bun.file(path).stream(), checksummerFor(to)),
  );
}

/**
 * Stores a file. An unknown checksum is computed while the file is sent, because reading the file once more would halve the
 * speed.
 * @returns `checksum`: undefined if the store has not read all of the file, as when it found the file of an earlier attempt
 */
async function putFile(
  { deadlineFor, pace }: MoveServices,
  { key, contentType, displayName }: SourceFile,
  { path, bytes, checksum: known }: LocalFile,
  to: MediaStore,
  signal: AbortSignal,
): Promise<{ stored: StoredMedia; checksum: Checksum | undefined }> {
  const deadline = AbortSignal.timeout(deadlineFor(bytes) * 1000);
  let checksummer: Checksummer | undefined;
  const stored = await callStore(to.name, { signal, deadline }, (either) => {
    const file = Bun.file(path);
    const stream = () => {
      if (known) return pace.limit(file.stream(), either);
      checksummer = checksummerFor(to);
      return pace.limit(checked(file.stream(), checksummer), either);
    };
    return to.put(key, { file, contentType, displayName, bytes, stream }, either);
  });
  const sent = checksummer?.result();
  return { stored, checksum: known ?? (sent?.bytes === bytes ? sent : undefined) };
}

/** Whether a store has these bytes under the key. A store's MD5 may be something else, such as that of encrypted bytes. */
async function isStored(
  { deadlineFor, pace }: MoveServices,
  key: string,
  expected: Checksum,
  to: MediaStore,
  signal: AbortSignal,
): Promise<boolean> {
  const deadline = AbortSignal.timeout(deadlineFor(expected.bytes) * 1000);
  return callStore(to.name, { signal, deadline }, async (either) => {
    if ((await to.md5?.(key, either)) === expected.hash) return true;
    const content = await to.read(key, either);
    if (!content) return false;
    const stream = to.name === "disk" ? content.stream : pace.limit(content.stream, either);
    const found = await checksumOf(stream, checksummerFor(to));
    return found.hash === expected.hash && found.bytes === expected.bytes;
  });
}
