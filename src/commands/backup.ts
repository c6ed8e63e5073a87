import { existsSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";

import type { EarlierArchive } from "../backup/manifest.ts";
import { TarWriter } from "../backup/tar.ts";
import { readConfig, type Config } from "../config/config.ts";
import type { PostgresSettings } from "../config/postgres-url.ts";
import { databaseFile } from "../data-dir.ts";
import { causes } from "../database/connection.ts";
import { exportPostgres } from "../database/postgres-export.ts";
import { openSnapshot, takeSnapshot, type Snapshot } from "../database/snapshot.ts";
import type { MediaStore } from "../storage/media-store.ts";
import { createRemoteStores } from "../storage/remote-stores.ts";
import { fillArchive, type BackupResult } from "./backup-contents.ts";
import { alreadyExists, BackupPlaces, requireFolder, type BackupFiles } from "./backup-files.ts";
import { CommandError } from "./command-error.ts";
import { counted } from "./counted.ts";
import { accessDataFolderAsOwner, type DataFolderAccess } from "./data-folder-access.ts";
import { databaseError } from "./database-errors.ts";
import { listEarlierMedia } from "./earlier-archives.ts";
import { onTermination } from "./on-termination.ts";
import { createProgress, noProgress, type Progress } from "./progress.ts";
import { dataFolderError } from "./startup-errors.ts";
import { describeStore } from "./store-names.ts";

/** What to back up besides a data folder. */
export interface BackupOptions {
  /** Undefined: the SQLite database of the data folder. */
  readonly database?: PostgresSettings | undefined;
  /** Stores outside of this machine whose media are included; undefined: none are. */
  readonly stores?: readonly MediaStore[] | undefined;
  /** An earlier archive, whose media are not repeated. */
  readonly since?: string | undefined;
  readonly progress?: Progress;
}

/**
 * Writes all data of the configured service to an archive, and prints what it holds.
 * @param withMedia whether media outside of this machine are included
 * @param since an earlier archive, whose media are not repeated
 * @throws CommandError
 */
export async function backup(
  target: string,
  { withMedia, since }: { withMedia: boolean; since: string | undefined },
): Promise<void> {
  const config = readConfig();
  const options = { ...backupOptions(config, withMedia), since, progress: createProgress() };
  process.stdout.write(report(target, await writeBackup(config.dataDir, target, options)));
}

/** The database of a configuration, and its stores outside of this machine if their media are to be included. */
export function backupOptions(config: Config, withMedia: boolean): BackupOptions {
  const stores = Object.values(createRemoteStores(config)).filter((store) => store !== undefined);
  return { database: config.database, stores: withMedia ? stores : undefined };
}

function report(target: string, { posts, leftOut, elsewhere, archives }: BackupResult): string {
  const lines = [
    `${target} holds the database and the media of ${counted(posts, "posts")}. Keep it as safe as the data.`,
  ];
  if (archives.length > 0)
    lines.push(
      `Some of the media are in ${archives.join(", ")}. A restore needs ${archives.length === 1 ? "this archive" : "these archives"} in the same folder, under the same name.`,
    );
  for (const [store, count] of elsewhere)
    lines.push(
      `The media of ${counted(count, "posts")} are in ${describeStore(store).title} and not in the archive. --with-media adds them.`,
    );
  if (leftOut > 0)
    lines.push(
      `Left out, because of deletions during the backup or missing files: ${counted(leftOut, "posts")}.`,
    );
  return `${lines.join("\n")}\n`;
}

/**
 * Writes the contents of a data folder, of a PostgreSQL database and of media stores to an archive; the service may be
 * running. The archive holds a snapshot of the database, the media that the snapshot refers to, the generated secret and, at
 * the end, a manifest with the checksum of every file. An archive with the target's name is always complete.
 *
 * When run as root, the command reads with the rights of the data folder's owner, so that a link in the folder cannot bring
 * root's files into the archive, and writes with root's rights.
 * @throws CommandError
 */
export async function writeBackup(
  dataDir: string,
  target: string,
  { database, stores, since, progress = noProgress }: BackupOptions = {},
): Promise<BackupResult> {
  const path = resolve(target);
  requireFolder(dirname(path));
  const places = new BackupPlaces(target);
  let folder: DataFolderAccess | undefined;
  const outside = <T>(work: () => T): T => (folder ? folder.outside(work) : work());
  const cleanUp = () => {
    progress.end();
    outside(() => places.remove());
  };
  const stopListening = onTermination(() => {
    cleanUp();
    process.stderr.write("Interrupted.\n");
  });
  let files: BackupFiles | undefined;
  let snapshot: Snapshot | undefined;
  try {
    if (existsSync(path)) throw alreadyExists(target);
    if (!database) requireDatabase(dataDir);
    files = await places.create();
    const { copy, copyPath, known, listed } = files;
    const archives = since === undefined ? [] : await listEarlierMedia(since, known);
    requireOwnName(path, archives);
    const exported = database && (await snapshotOfPostgres(database, copyPath, progress));
    folder = accessDataFolderAsOwner(dataDir);
    snapshot = exported ?? (await snapshotOf(dataDir, folder, copyPath));
    const parts = { dataDir, folder, snapshot, copy, stores, known, archives, files: listed, progress };
    const result = await fillArchive(new TarWriter(files.archive), parts);
    outside(() => places.publish());
    return result;
  } catch (error) {
    throw isDiskFull(error) ? new CommandError(`There is no space left for ${target}.`) : error;
  } finally {
    try {
      snapshot?.close();
      await files?.close();
    } finally {
      cleanUp();
      stopListening();
    }
  }
}

function requireDatabase(dataDir: string): void {
  if (!existsSync(join(dataDir, databaseFile)))
    throw new CommandError(`There is no database in ${dataDir}. Set DATA_DIR to the folder of the service.`);
}

/** A restore finds the earlier archives beside this one, by their names. */
function requireOwnName(path: string, archives: readonly EarlierArchive[]): void {
  if (archives.some(({ archive }) => archive === basename(path)))
    throw new CommandError(
      `Another archive that this one builds on is called ${basename(path)}, too. Use another name.`,
    );
}

/** Whether the disk of the target is full: a backup writes only the archive and, beside it, temporary files. */
const isDiskFull = (error: unknown): boolean =>
  causes(error).some(({ code }) => ["ENOSPC", "EDQUOT", "SQLITE_FULL"].includes(String(code)));

async function snapshotOf(dataDir: string, folder: DataFolderAccess, copyPath: string): Promise<Snapshot> {
  try {
    return await folder.sqlite(() => takeSnapshot(join(dataDir, databaseFile), copyPath, folder.outside));
  } catch (error) {
    throw isDiskFull(error) ? error : dataFolderError({ dataDir }, error);
  }
}

async function snapshotOfPostgres(
  database: PostgresSettings,
  copyPath: string,
  progress: Progress,
): Promise<Snapshot> {
  try {
    await exportPostgres(database, copyPath, progress.update);
    return openSnapshot(copyPath);
  } catch (error) {
    throw isDiskFull(error) ? error : databaseError(error, database.url, "No backup was made");
  }
}
