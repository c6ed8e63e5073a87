import { open, rm } from "node:fs/promises";
import { join } from "node:path";

import { mediaName } from "../backup/manifest.ts";
import { bytesOf } from "../backup/tar.ts";
import { deadlineFor } from "../config/upload-deadline.ts";
import type { FileList, ListedFile } from "../database/file-list.ts";
import type {
  Placement,
  PostSelection,
  RestoredDatabase,
  RestoredPost,
} from "../database/restored-database.ts";
import { ApiError } from "../errors.ts";
import type { MediaType } from "../media-types.ts";
import { parseRenditionKey, renditionKeyAt } from "../storage/media-keys.ts";
import type { MediaStore, StoredMedia } from "../storage/media-store.ts";
import { withExtension } from "../uploads/display-name.ts";
import type { OpenArchive } from "./backup-archive.ts";
import { CommandError } from "./command-error.ts";
import { counted } from "./counted.ts";
import type { Progress } from "./progress.ts";
import { copy } from "./restore-archive.ts";
import { reasonOfStore, startWithStore } from "./store-names.ts";

/** Posts whose media are stored at the same time: most of the time of a small file is waiting for the store. */
const concurrency = 4;

/** Stores a file of an archive. */
export type StoreFile = (
  key: string,
  file: ListedFile,
  contentType: MediaType,
  displayName: string,
) => Promise<StoredMedia>;

/**
 * Stores the media that the archives hold in another store than before, and records the new place in the database. Posts
 * whose media are in no archive keep their place.
 * @param selection the posts to place
 * @returns the number of posts that are in the store now
 */
export async function placePosts(
  database: RestoredDatabase,
  selection: PostSelection,
  found: FileList,
  store: Pick<MediaStore, "name" | "makesRenditions">,
  storeFile: StoreFile,
  progress: Progress,
): Promise<number> {
  const posts = database.posts(selection);
  const total = database.count(selection);
  let [done, placed] = [0, 0];
  async function work() {
    // All workers share the generator, which ends for all of them when one fails.
    for (const post of posts) {
      const original = found.find(mediaName(post.key));
      if (original) {
        database.place(post.id, await placementOf(post, original, found, store, storeFile));
        placed += 1;
      }
      done += 1;
      progress.update("posts restored", done, total);
    }
  }
  const results = await Promise.allSettled(Array.from({ length: concurrency }, work));
  for (const result of results) if (result.status === "rejected") throw result.reason;
  return placed;
}

async function placementOf(
  { key, fileName, contentType, url, thumbnailUrl, displayUrl, processing }: RestoredPost,
  original: ListedFile,
  found: FileList,
  store: Pick<MediaStore, "name" | "makesRenditions">,
  storeFile: StoreFile,
): Promise<Placement> {
  const stored = await storeFile(key, original, contentType, fileName);
  const place = { store: store.name, storeId: stored.storeId, url: stored.url, bytes: original.size };
  if (stored.renditions) {
    // No display size: the original itself is fit for the large view.
    const needsDisplay = displayUrl !== null || processing !== 0;
    return {
      ...place,
      thumbnailUrl: stored.renditions.thumbnailUrl,
      displayUrl: needsDisplay ? stored.renditions.displayUrl : null,
      lost: { thumbnail: false, display: false },
      isComplete: true,
    };
  }
  /** @returns the new address of a rendition; undefined if it is lost */
  async function storeRendition(address: string | null): Promise<string | null | undefined> {
    if (address === null) return null;
    if (address === url) return stored.url;
    const rendition = renditionKeyAt(address);
    const file = rendition === undefined ? undefined : found.find(mediaName(rendition));
    if (rendition === undefined || !file) return undefined;
    const type = parseRenditionKey(rendition)!.contentType;
    return (await storeFile(rendition, file, type, withExtension(fileName, type))).url;
  }
  const thumbnail = await storeRendition(thumbnailUrl);
  const display = await storeRendition(displayUrl);
  return {
    ...place,
    thumbnailUrl: thumbnail ?? null,
    displayUrl: display ?? null,
    lost: { thumbnail: thumbnail === undefined, display: display === undefined },
    isComplete: false,
  };
}

/** Writes files of archives into a store. */
export interface ArchivedMediaWriter {
  readonly store: StoreFile;
  /** How many files are in the store that were not there before; for messages. */
  stored(): number;
}

/**
 * Creates a writer of archived files into a store. A file that is there already, such as from an interrupted
 * restore, is compared and kept; nothing is ever overwritten or deleted.
 * @param archiveOf the archive with this number
 * @param folder for temporary files
 */
export function createArchivedMediaWriter(
  store: MediaStore,
  archiveOf: (number: number | null) => OpenArchive,
  folder: string,
  uploadDeadline: number | null,
): ArchivedMediaWriter {
  let stored = 0;

  async function putOrCompare(
    key: string,
    { size, sha256, start, archive }: ListedFile,
    contentType: MediaType,
    displayName: string,
  ): Promise<StoredMedia> {
    const signal = AbortSignal.timeout(2000 * deadlineFor(size, uploadDeadline));
    const existing = await store.find(key, signal);
    if (existing) {
      const content = await store.read(key, signal);
      if (content && (await hashOf(content.stream)) === sha256) return existing;
      throw new CommandError(
        `${startWithStore(store.name)} holds another file under the key ${key}. Use a store without media of another service.`,
      );
    }
    const temporary = join(folder, `${crypto.randomUUID()}.put`);
    const file = await open(temporary, "wx", 0o600);
    try {
      const content = () => bytesOf(archiveOf(archive).file, start, size);
      if ((await copy({ size, content }, file)) !== sha256)
        throw new CommandError(`${archiveOf(archive).path} was changed while it was being read.`);
      const put = { file: Bun.file(temporary), contentType, displayName, bytes: size };
      const result = await store.put(key, put, signal);
      stored += 1;
      return result;
    } finally {
      await file.close();
      await rm(temporary, { force: true });
    }
  }
  return {
    stored: () => stored,
    store: (key, ...rest) =>
      putOrCompare(key, ...rest).catch((error: unknown) => {
        throw isOfStore(error) ? notStored(store, key, error) : error;
      }),
  };
}

/** Whether the store failed or took too long. */
const isOfStore = (error: unknown): error is Error =>
  error instanceof ApiError || (error as Error).name === "TimeoutError";

const notStored = ({ name }: MediaStore, key: string, error: Error) =>
  new CommandError(
    `${startWithStore(name)} does not store ${key}${reasonOfStore(error)}. Nothing was restored.`,
  );

/** Says how many files a failed restore leaves in the store; empty if there are none. */
export const leftInStore = (store: MediaStore, files: number): string =>
  files === 0
    ? ""
    : `${startWithStore(store.name)} already holds ${counted(files, "files")} that nothing refers to. Repeat the command to continue with the others.`;

async function hashOf(stream: ReadableStream<Uint8Array>): Promise<string> {
  const hash = new Bun.CryptoHasher("sha256");
  for await (const bytes of stream) hash.update(bytes);
  return hash.digest("hex");
}
