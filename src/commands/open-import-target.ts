import type { Config } from "../config/config.ts";
import type { Database } from "../database/database.ts";
import { whileUnused } from "../database/folder-lock.ts";
import { createSeenTexts } from "../database/seen-texts.ts";
import {
  checkingTarget,
  copyingTarget,
  linkingTarget,
  withoutRepeats,
  type ImportTarget,
} from "../importing/import-target.ts";
import type { Services } from "../services.ts";
import {
  isDatabaseMissing,
  newDatabaseNote,
  noDatabaseNote,
  openDatabaseToReadAsOwner,
  openServicesAsOwner,
  requireServiceMedia,
  silentLog,
} from "./open-services.ts";
import type { Progress } from "./progress.ts";

/** The target of an import, and the database behind it. */
export interface OpenTarget {
  readonly target: ImportTarget;
  /** Undefined if there is none yet. */
  readonly database: Database | undefined;
  close(): Promise<void>;
}

/**
 * Opens a target that says what an import would do, and changes nothing.
 * @param copyMedia whether the import would copy the files
 * @throws CommandError when the data folder or the database cannot be used, or the database is of another version
 */
export async function openCheckingTarget(
  config: Config,
  copyMedia: boolean,
  { note }: Progress,
): Promise<OpenTarget> {
  const isMissing = await isDatabaseMissing(config);
  if (isMissing) note(noDatabaseNote(config));
  const database = isMissing ? undefined : await openExisting(config, copyMedia);
  const seen = createSeenTexts();
  return {
    target: withoutRepeats(checkingTarget(database), seen, !copyMedia),
    database,
    async close() {
      seen.close();
      await database?.close();
    },
  };
}

/** Opens the database of the service. @throws CommandError also if the files would be copied into the wrong folder */
async function openExisting(config: Config, copyMedia: boolean): Promise<Database> {
  const { database, dataDir } = await openDatabaseToReadAsOwner(config);
  try {
    if (copyMedia && config.mediaStore === "disk")
      await requireServiceMedia({ ...config, dataDir }, database);
  } catch (error) {
    await database.close();
    throw error;
  }
  return database;
}

/**
 * Opens the target of an import, and creates a missing database.
 * @param copyMedia whether to copy the files; otherwise they stay in ImageKit
 * @param signal aborts running copies
 * @throws CommandError when the data folder or the database cannot be used
 */
export async function openTarget(
  config: Config,
  copyMedia: boolean,
  { note }: Progress,
  signal: AbortSignal,
): Promise<OpenTarget> {
  const isNew = await isDatabaseMissing(config);
  const services = await openServicesAsOwner(config, silentLog);
  let createIndexes: (() => boolean) | undefined;
  try {
    if (copyMedia && config.mediaStore === "disk")
      await requireServiceMedia(services.config, services.database);
    services.database.expectManyWrites();
    // Beside the copying of files, the indexes make no difference.
    if (!copyMedia && !config.database) createIndexes = deferIndexes(services);
  } catch (error) {
    await services.close();
    throw error;
  }
  if (isNew) note(newDatabaseNote(config));
  const target = copyMedia ? copying(services, signal) : linkingTarget(services);
  const seen = createSeenTexts();
  return {
    target: withoutRepeats(target, seen, !copyMedia),
    database: services.database,
    async close() {
      seen.close();
      try {
        if (createIndexes?.() === false) note(indexesLeft);
      } finally {
        await services.close();
      }
    },
  };
}

const indexesLeft =
  "Two indexes could not be created, because there is no space or another program has locked the database. The service creates them when it starts.";

/**
 * A service would read the feed without the indexes. One that starts after they were dropped creates them.
 * @returns a function that creates them, see {@link Database.deferIndexes}; undefined if they were not dropped
 */
const deferIndexes = ({ config, database }: Services): (() => boolean) | undefined =>
  whileUnused(config.dataDir, () => database.deferIndexes());

function copying(services: Services, signal: AbortSignal): ImportTarget {
  const { maxImageSize: image, maxVideoSize: video } = services.config;
  return copyingTarget({ ...services, maxBytes: { image, video } }, signal);
}
