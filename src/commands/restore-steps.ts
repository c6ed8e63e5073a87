import { existsSync } from "node:fs";
import { mkdir, open, rename } from "node:fs/promises";
import { join } from "node:path";

import { bytesOf } from "../backup/tar.ts";
import { databaseFile, mediaFolder, secretFile } from "../data-dir.ts";
import { problemOfBackup } from "../database/backup-check.ts";
import { moveDatabase, requireEmptyPostgres } from "../database/moving.ts";
import { openRestoredDatabase, type PostSelection } from "../database/restored-database.ts";
import { openSqliteSource } from "../database/sqlite-source.ts";
import { DiskStore } from "../storage/disk-store.ts";
import type { MediaStore } from "../storage/media-store.ts";
import { syncFolder } from "../storage/sync-folder.ts";
import type { OpenArchive } from "./backup-archive.ts";
import { CommandError } from "./command-error.ts";
import { databaseError } from "./database-errors.ts";
import type { Progress } from "./progress.ts";
import { copy, extractArchive, extractEarlierMedia } from "./restore-archive.ts";
import { requireSpace, type RestoreFolder } from "./restore-folder.ts";
import {
  placePosts,
  createArchivedMediaWriter,
  type ArchivedMediaWriter,
  type StoreFile,
} from "./restore-media.ts";
import type { Scratch } from "./restore-scratch.ts";

/** What a restore works with. */
export interface RestoreParts {
  readonly dataDir: string;
  /** The path of the data folder for this process. */
  readonly folder: string;
  readonly prepared: RestoreFolder;
  /** The folder for temporary files. */
  readonly staging: string;
  readonly scratch: Scratch;
  /** Runs synchronous work with the rights to the scratch files. */
  readonly sqlite: <T>(work: () => T) => T;
  /** The archive to restore, and those that it refers to. */
  readonly archives: readonly [OpenArchive, ...OpenArchive[]];
  /** The address of the PostgreSQL database to fill; undefined: a SQLite database in the data folder. */
  readonly databaseUrl: string | undefined;
  /** The store for the media; undefined: the data folder. */
  readonly store: MediaStore | undefined;
  readonly uploadDeadline: number | null;
  readonly canMakeVideos: boolean;
  readonly progress: Progress;
  /** What has become visible so far, for undoing it. */
  readonly state: RestoreState;
}

/** The progress of a restore, for undoing it. */
export interface RestoreState {
  /** Names of files that are in their place in the data folder. */
  moved: string[];
  /** Whether PostgreSQL may have committed the restored data, which need the files in the data folder then. */
  mayHaveCommitted: boolean;
  puts: ArchivedMediaWriter | undefined;
}

/** What was restored. */
export interface RestoreResult {
  /** Posts whose media are in another place than at the time of the backup. */
  readonly placed: number;
  /** Posts of deactivated accounts whose media are in the data folder because the store is public. */
  readonly hidden: number;
  /** Numbers of posts by the store of their media. */
  readonly stores: ReadonlyMap<string, number>;
}

/**
 * Checks everything, stores the media, and fills the data folder and at last the database.
 * @throws CommandError; errors of the file system
 */
export async function runRestore(parts: RestoreParts): Promise<RestoreResult> {
  await extract(parts);
  const result = await place(parts);
  await parts.scratch.database.sync();
  await (parts.databaseUrl === undefined ? fillFolder(parts) : fillPostgres(parts, parts.databaseUrl));
  // Before the files are deleted, which Windows refuses while they are open.
  await parts.scratch.close();
  await parts.prepared.finish();
  return result;
}

/** Extracts the archives into the staging folder, and checks all checksums and the database. */
async function extract(parts: RestoreParts): Promise<void> {
  const { dataDir, staging, scratch, sqlite, archives, store, progress } = parts;
  const [archive, ...earlier] = archives;
  const extraction = {
    folder: staging,
    mediaFolder: store ? undefined : join(staging, mediaFolder),
    ...scratch,
    progress,
  };
  await extractArchive(archive, extraction);
  if (!store) await requireSpace(staging, dataDir, scratch.listed.bytesInEarlierArchives());
  for (const [number, other] of earlier.entries()) await extractEarlierMedia(other, number, extraction);
  const problem = sqlite(() => problemOfBackup(scratch.databasePath));
  if (problem) throw new CommandError(`${archive.path} cannot be restored: its database ${problem}.`);
}

/** Puts the media into the store, and enters in the database where they are. */
async function place(parts: RestoreParts): Promise<RestoreResult> {
  const { staging, scratch, sqlite, archives, store, uploadDeadline, progress, state } = parts;
  const database = sqlite(() => openRestoredDatabase(scratch.databasePath, parts.canMakeVideos));
  try {
    const disk = new DiskStore(join(staging, mediaFolder));
    const placeIn = (target: MediaStore, storeFile: StoreFile, selection: PostSelection) =>
      placePosts(database, selection, scratch.found, target, storeFile, progress);
    let [placed, hidden] = [0, 0];
    if (store) {
      const archiveOf = (number: number | null) => archives[number === null ? 0 : number + 1]!;
      state.puts = createArchivedMediaWriter(store, archiveOf, staging, uploadDeadline);
      const mayBeIn = store.isPublic ? "published" : null;
      placed = await placeIn(store, state.puts.store, { except: "", state: mayBeIn });
      if (store.isPublic) {
        await mkdir(disk.root, { recursive: true, mode: 0o700 });
        const puts = createArchivedMediaWriter(disk, archiveOf, staging, uploadDeadline);
        hidden = await placeIn(disk, puts.store, { except: "", state: "hidden" });
      }
    } else {
      // Those of the data folder were extracted to their places.
      const storeFile = async (key: string) => (await disk.find(key, new AbortController().signal))!;
      placed = await placeIn(disk, storeFile, { except: disk.name, state: null });
    }
    return { placed, hidden, stores: database.countByStore() };
  } finally {
    sqlite(() => database.close());
  }
}

/** Moves everything into the data folder, the database last. */
async function fillFolder(parts: RestoreParts): Promise<void> {
  const { folder, staging, scratch } = parts;
  const path = join(staging, databaseFile);
  if (path !== scratch.databasePath) {
    const file = await open(path, "wx", 0o600);
    try {
      const { size } = await scratch.database.stat();
      await copy({ size, content: () => bytesOf(scratch.database) }, file);
      await file.sync();
    } finally {
      await file.close();
    }
  }
  await moveIntoFolder(parts, [mediaFolder, secretFile, databaseFile]);
  syncFolder(folder);
}

/** Moves the files into the data folder, then copies the database in one transaction. */
async function fillPostgres(parts: RestoreParts, url: string): Promise<void> {
  const { dataDir, folder, scratch, sqlite, progress, state } = parts;
  await moveIntoFolder(parts, [mediaFolder, secretFile]);
  syncFolder(folder);
  const source = sqlite(() => openSqliteSource(scratch.databasePath));
  try {
    state.mayHaveCommitted = true;
    await moveDatabase(source, url, progress.update);
    state.moved = [];
  } catch (error) {
    const explained = databaseError(error, url, "Nothing was restored");
    // A connection that was lost during the commit does not say whether it succeeded.
    await requireEmptyPostgres(url).catch(() => {
      throw new CommandError(
        `${explained instanceof Error ? explained.message : String(explained)} The connection may have been lost at the end. If the database holds the accounts, everything was restored. Otherwise repeat the command. The files in ${dataDir} were left for both cases.`,
      );
    });
    state.mayHaveCommitted = false;
    throw explained;
  } finally {
    sqlite(() => source.close());
  }
}

async function moveIntoFolder(
  { folder, staging, state }: RestoreParts,
  names: readonly string[],
): Promise<void> {
  for (const name of names) {
    if (!existsSync(join(staging, name))) continue;
    state.moved.push(name);
    await rename(join(staging, name), join(folder, name));
  }
}
