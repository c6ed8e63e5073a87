import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";

import type { Config } from "../config/config.ts";
import { databaseFile, mediaFolder } from "../data-dir.ts";
import type { PostgresSettings } from "../config/postgres-url.ts";
import { openDatabase, openDatabaseToRead, type Database } from "../database/database.ts";
import { createLog, type Log } from "../observability/log.ts";
import { openServices, type Services } from "../services.ts";
import { pathOfMedia } from "../storage/disk-store.ts";
import { CommandError } from "./command-error.ts";
import { accessDataFolderAsOwner, type DataFolderAccess } from "./data-folder-access.ts";
import { dataFolderError } from "./startup-errors.ts";

/** The log of a command that prints everything the operator must know. */
export const silentLog: Log = createLog("silent", () => {});

/** Whether opening the database would create a new SQLite file. */
export async function isDatabaseMissing({ dataDir, database }: Config): Promise<boolean> {
  if (database) return false;
  return isMissing(join(dataDir, databaseFile));
}

const isMissing = (path: string): Promise<boolean> =>
  stat(path).then(
    () => false,
    ({ code }: NodeJS.ErrnoException) => code === "ENOENT",
  );

/**
 * Checks that the service has used the data folder. Opening the services creates what is missing, and what a command stored
 * in a folder of its own would be lost.
 * @throws CommandError
 */
export async function requireServiceFolder({ dataDir, database }: Config): Promise<void> {
  if (!database) {
    if (await isMissing(join(dataDir, databaseFile)))
      throw new CommandError(
        `There is no database in ${dataDir}. Set DATA_DIR to the folder of the service.`,
      );
  } else if (await isMissing(join(dataDir, mediaFolder)))
    throw new CommandError(
      `There is no folder ${join(dataDir, mediaFolder)}, which the service has created at its start. Set DATA_DIR to the folder of the service.`,
    );
}

/** Posts whose files are looked for. */
const sampleSize = 20;

/**
 * Checks that the data folder has the service's media, for a command that stores more there. With SQLite, the database is in
 * the folder itself; only with PostgreSQL can the folder be another one. Nothing is created.
 * @throws CommandError if there are posts on disk, and none of the latest has its file there
 */
export async function requireServiceMedia(
  { database: postgres, dataDir }: Pick<Config, "database" | "dataDir">,
  { mediaMoves }: Database,
): Promise<void> {
  if (!postgres) return;
  const media = join(dataDir, mediaFolder);
  const keys = await mediaMoves.sampleOf("disk", sampleSize);
  const missing = await Promise.all(keys.map((key) => isMissing(pathOfMedia(media, key))));
  if (keys.length > 0 && missing.every(Boolean))
    throw new CommandError(
      `${media} has none of the files of the latest posts on disk. Set DATA_DIR to the folder of the service.`,
    );
}

/** A note that a dry run found no database, possibly because it looked in the wrong folder. */
export const noDatabaseNote = ({ dataDir }: Config): string =>
  `There is no database in ${dataDir} yet. If the service uses another folder, set DATA_DIR to it.`;

/** A note that the command has created a database, which may be in the wrong folder. */
export const newDatabaseNote = ({ dataDir }: Config): string =>
  `There was no database in ${dataDir}, so the command created one. If the service uses another folder, set DATA_DIR to it.`;

/**
 * Opens the services with the rights of the data folder's owner, so that the service can use new files. The service may
 * be running.
 * @param options `access` for a command that also works outside the data folder; `isReadOnly` for one that changes nothing
 * in the database
 * @throws CommandError when the data folder or the database cannot be used
 */
export async function openServicesAsOwner(
  config: Config,
  log: Log,
  { access, isReadOnly = false }: { access?: DataFolderAccess; isReadOnly?: boolean } = {},
): Promise<Services> {
  try {
    const folder = access ?? accessDataFolderAsOwner(config.dataDir);
    await mkdir(folder.path, { recursive: true, mode: 0o700 });
    const database = await openConfigured(config, folder, isReadOnly ? openDatabaseToRead : openDatabase);
    return await openServices({ ...config, dataDir: folder.path }, log, () => {}, database);
  } catch (error) {
    throw error instanceof CommandError ? error : dataFolderError(config, error);
  }
}

/**
 * Opens the existing database of the service, for a command that only reads it. Nothing is created or changed.
 * @returns the database, and the path at which this process reaches the data folder
 * @throws CommandError when it cannot be used, or is of another version
 */
export async function openDatabaseToReadAsOwner(
  config: Config,
): Promise<{ readonly database: Database; readonly dataDir: string }> {
  try {
    const folder = accessDataFolderAsOwner(config.dataDir);
    return { database: await openConfigured(config, folder, openDatabaseToRead), dataDir: folder.path };
  } catch (error) {
    throw error instanceof CommandError ? error : dataFolderError(config, error);
  }
}

const openConfigured = (
  { dataDir, database }: Config,
  folder: DataFolderAccess,
  open: (where: string | PostgresSettings) => Promise<Database>,
): Promise<Database> => (database ? open(database) : folder.sqlite(() => open(join(dataDir, databaseFile))));
