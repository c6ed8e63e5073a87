import { existsSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { join } from "node:path";

import { manifestBytes, manifestName, mediaName, type EarlierArchive } from "../backup/manifest.ts";
import { bytesOf, type TarWriter } from "../backup/tar.ts";
import { databaseFile, mediaFolder, secretFile } from "../data-dir.ts";
import type { FileList } from "../database/file-list.ts";
import type { Snapshot, SnapshotPost } from "../database/snapshot.ts";
import { DiskStore } from "../storage/disk-store.ts";
import { renditionKeyAt } from "../storage/media-keys.ts";
import type { MediaStore } from "../storage/media-store.ts";
import { version } from "../version.ts";
import {
  mediaInStore,
  mediaOnDisk,
  openIfExists,
  readAheadPosts,
  startAhead,
  type MediaSource,
} from "./backup-media.ts";
import { CommandError } from "./command-error.ts";
import { counted } from "./counted.ts";
import type { DataFolderAccess } from "./data-folder-access.ts";
import type { Progress } from "./progress.ts";
import { dataFolderError } from "./startup-errors.ts";
import { describeStore, startWithStore } from "./store-names.ts";

/** Posts with missing files from which a store that has no files at all counts as the wrong one, or as not mounted. */
const minMissing = 3;

/** The sources and helpers of a backup. */
export interface BackupParts {
  readonly dataDir: string;
  readonly folder: DataFolderAccess;
  readonly snapshot: Snapshot;
  /** The file of the snapshot. */
  readonly copy: FileHandle;
  /** Stores outside of this machine whose media are included; undefined: none are. */
  readonly stores: readonly MediaStore[] | undefined;
  /** The media in earlier archives, which are not repeated, and these archives. */
  readonly known: FileList;
  readonly archives: readonly EarlierArchive[];
  /** An empty list, for the manifest. */
  readonly files: FileList;
  readonly progress: Progress;
}

/** What a backup holds. */
export interface BackupResult {
  /** Posts whose media it holds, itself or in earlier archives. */
  readonly posts: number;
  /** Posts that were left out, because they were deleted during the backup or their files are missing. */
  readonly leftOut: number;
  /** Numbers of posts whose media stay where they are, by store. */
  readonly elsewhere: ReadonlyMap<string, number>;
  /** The earlier archives that it needs. */
  readonly archives: readonly string[];
}

/**
 * Writes everything to an archive: the media of the snapshot's posts, the snapshot, the secret and the manifest.
 * @throws CommandError
 */
export async function fillArchive(archive: TarWriter, parts: BackupParts): Promise<BackupResult> {
  const { folder, snapshot, copy, known, files, progress } = parts;
  const add = async (name: string, source: AsyncIterable<Uint8Array>) => {
    files.add({ name, ...(await archive.add(name, source)), start: 0, archive: null });
  };
  const counts = snapshot.countByStore();
  const sources = mediaSources(
    parts,
    counts,
    (key, source) => add(mediaName(key), source),
    snapshot.storeIdOf,
  );
  const total = [...sources.keys()].reduce((sum, store) => sum + (counts.get(store) ?? 0), 0);
  const numbers = earlierNumbers(parts.archives);
  let [posts, leftOut] = [0, 0];
  /** By store, the posts whose originals were read there, and those whose originals are missing. */
  const read = new Map([...sources.keys()].map((store) => [store, { found: 0, missing: 0 }]));
  const prepared = startAhead(snapshot.posts([...sources.keys()]), readAheadPosts, prepare);
  for await (const post of prepared) {
    if (await addPost(post)) posts += 1;
    else leftOut += 1;
    progress.update("posts archived", posts + leftOut, total);
  }
  for (const [store, { found, missing }] of read)
    if (found === 0 && missing >= minMissing) throw noMediaFound(store, missing);

  /** Finds out which files of a post no earlier archive has, and reads the small ones ahead. */
  async function prepare({ id, store, key, thumbnailUrl, displayUrl }: SnapshotPost) {
    const [thumbnailKey, displayKey] = [renditionKeyAt(thumbnailUrl), renditionKeyAt(displayUrl)];
    const keys = [key, thumbnailKey, displayKey].filter((key) => key !== undefined);
    const found = new Set(keys.filter(isKnown));
    const missing = keys.filter((key) => !found.has(key));
    const source = sources.get(store)!;
    return {
      id,
      store,
      key,
      thumbnailKey,
      displayKey,
      source,
      found,
      missing,
      ahead: await source.readAhead(missing),
    };
  }

  /** @returns whether the bytes of the post still exist */
  async function addPost(post: Awaited<ReturnType<typeof prepare>>): Promise<boolean> {
    const { id, store, key, thumbnailKey, displayKey, source, found, missing, ahead } = post;
    // Without its original, no rendition is of use.
    const together = found.has(key) ? missing.map((key) => [key]) : [missing];
    for (const group of together)
      for (const [i, added] of (await source.add(group, ahead)).entries()) if (added) found.add(group[i]!);
    if (missing.includes(key)) read.get(store)![found.has(key) ? "found" : "missing"] += 1;
    if (!found.has(key)) {
      snapshot.forget(id);
      return false;
    }
    const isLost = (key: string | undefined) => key !== undefined && !found.has(key);
    const lost = { id, thumbnail: isLost(thumbnailKey), display: isLost(displayKey) };
    if (lost.thumbnail || lost.display) snapshot.forgetRenditions(lost);
    return true;
  }

  /** Whether an earlier archive holds the file, whose bytes never change. */
  function isKnown(key: string): boolean {
    const file = known.find(mediaName(key));
    if (!file) return false;
    files.add({ ...file, archive: numbers.of(file.archive!) });
    return true;
  }

  snapshot.close();
  await add(databaseFile, bytesOf(copy));
  const secret = await openIfExists(join(folder.path, secretFile), explainer(folder));
  if (secret) await add(secretFile, bytesOf(secret)).finally(() => secret.close());
  const manifest = { version, made: new Date().toISOString(), archives: numbers.used };
  await archive.add(manifestName, manifestBytes(manifest, files.all()));
  await archive.finish();
  return {
    posts,
    leftOut,
    elsewhere: new Map([...counts].filter(([store]) => !sources.has(store))),
    archives: numbers.used.map(({ archive }) => archive),
  };
}

function noMediaFound(store: string, posts: number): CommandError {
  const { setting } = describeStore(store);
  const check = store === "disk" ? `${setting}, and that its disk is mounted` : setting;
  return new CommandError(
    `${startWithStore(store)} has none of the files of ${posts} posts. Check ${check}. Nothing was written.`,
  );
}

/** Numbers the archives that are needed in the order of their first use. */
function earlierNumbers(archives: readonly EarlierArchive[]) {
  const used: EarlierArchive[] = [];
  const numbers = new Map<number, number>();
  return {
    used: used as readonly EarlierArchive[],
    of(archive: number): number {
      let number = numbers.get(archive);
      if (number === undefined) {
        number = used.push(archives[archive]!) - 1;
        numbers.set(archive, number);
      }
      return number;
    },
  };
}

/**
 * Where to get the media of each store that is to be included.
 * @throws CommandError if there is no access to one
 */
function mediaSources(
  { dataDir, folder, stores }: BackupParts,
  counts: ReadonlyMap<string, number>,
  add: (key: string, source: AsyncIterable<Uint8Array>) => Promise<void>,
  storeIdOf: (key: string) => string | null,
): ReadonlyMap<string, MediaSource> {
  const sources = new Map<string, MediaSource>();
  const root = join(folder.path, mediaFolder);
  const onDisk = counts.get("disk");
  if (onDisk !== undefined) {
    if (!existsSync(root))
      throw new CommandError(
        `There is no folder ${join(dataDir, mediaFolder)}, which has the media of ${counted(onDisk, "posts")}. Set DATA_DIR to the folder of the service.`,
      );
    sources.set("disk", mediaOnDisk(new DiskStore(root), add, explainer(folder)));
  }
  for (const store of stores ?? []) {
    const read: MediaStore["read"] = (key, signal) => store.read(key, signal, storeIdOf(key));
    sources.set(store.name, mediaInStore({ name: store.name, read }, add));
  }
  for (const [store, posts] of stores ? counts : [])
    if (!sources.has(store)) {
      const { title, setting } = describeStore(store);
      throw new CommandError(
        `The media of ${counted(posts, "posts")} are in ${title}, which is not configured (${setting}). Configure it, or leave out --with-media.`,
      );
    }
  return sources;
}

const explainer =
  ({ path }: DataFolderAccess) =>
  (error: unknown) =>
    dataFolderError({ dataDir: path }, error);
