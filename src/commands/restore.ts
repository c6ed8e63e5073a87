import { readConfig, type Config } from "../config/config.ts";
import type { PostgresSettings } from "../config/postgres-url.ts";
import { requireEmptyPostgres } from "../database/moving.ts";
import type { MediaStore } from "../storage/media-store.ts";
import { createRemoteStores } from "../storage/remote-stores.ts";
import { openArchive, type OpenArchive } from "./backup-archive.ts";
import { CommandError } from "./command-error.ts";
import { counted } from "./counted.ts";
import { accessDataFolderAsOwner, type DataFolderAccess } from "./data-folder-access.ts";
import { databaseError } from "./database-errors.ts";
import { openEarlierArchives } from "./earlier-archives.ts";
import { onTermination } from "./on-termination.ts";
import { createProgress, noProgress, type Progress } from "./progress.ts";
import { requireSpace, restoreFolder, type RestoreFolder } from "./restore-folder.ts";
import { leftInStore } from "./restore-media.ts";
import { createScratch, privateFolderOfRoot, type Scratch } from "./restore-scratch.ts";
import { runRestore, type RestoreResult, type RestoreState } from "./restore-steps.ts";
import { dataFolderError } from "./startup-errors.ts";
import { describeStore } from "./store-names.ts";

/** Where to restore to besides a data folder. */
export interface RestoreOptions {
  /** Undefined: a SQLite database in the data folder. */
  readonly database?: PostgresSettings | undefined;
  /** The store for the media; undefined: the data folder. */
  readonly store?: MediaStore | undefined;
  readonly uploadDeadline?: number | null;
  /** Whether this machine makes renditions of videos. */
  readonly canMakeVideos?: boolean;
  readonly progress?: Progress;
}

/**
 * Restores a backup into the present configuration, and prints what is where.
 * @throws CommandError
 */
export async function restore(archive: string): Promise<void> {
  const config = readConfig();
  const options = { ...restoreOptions(config), progress: createProgress() };
  process.stdout.write(report(config, await restoreBackup(archive, config.dataDir, options)));
}

/** The database and the media store of a configuration. */
export function restoreOptions(config: Config): RestoreOptions {
  const { imagekit, s3 } = createRemoteStores(config);
  return {
    database: config.database,
    store: config.mediaStore === "disk" ? undefined : { imagekit, s3 }[config.mediaStore],
    uploadDeadline: config.uploadDeadline,
    canMakeVideos: config.ffmpeg !== undefined,
  };
}

function report(config: Config, { placed, hidden, stores }: RestoreResult): string {
  const places = [config.dataDir, ...(config.database ? ["the PostgreSQL database"] : [])];
  const lines = [`Restored to ${places.join(" and ")}.`];
  if (placed > 0)
    lines.push(
      `The media of ${counted(placed, "posts")} are in ${describeStore(config.mediaStore).title} now.`,
    );
  if (hidden > 0)
    lines.push(
      `The media of ${counted(hidden, "posts")} of deactivated accounts are in the data folder, because everybody can read files in ${describeStore(config.mediaStore).title} whose address they have.`,
    );
  for (const [store, all] of stores) {
    // The archive has all media that were on disk.
    const posts = store === "disk" ? 0 : all - (store === config.mediaStore ? placed : 0);
    if (posts === 0) continue;
    const { title, setting } = describeStore(store);
    const isConfigured = { s3: config.s3, imagekit: config.imagekit }[store] !== undefined;
    lines.push(
      `The media of ${counted(posts, "posts")} were not in the archive and are still in ${title}` +
        (isConfigured ? "." : `, which is not configured: they cannot be seen until it is (${setting}).`),
    );
  }
  return `${lines.join("\n")}\n`;
}

/**
 * Restores a backup into an empty data folder and database, completely or not at all. All checksums and the database are
 * checked before anything becomes visible, and the database is filled last. When run as root, restored files are owned by
 * the data folder's owner.
 *
 * A restore that fails leaves nothing behind, except files in a store outside of this machine: nothing refers to them, and
 * another attempt uses them.
 * @throws CommandError if the target is not empty or not usable, or if an archive is truncated, modified or not a backup
 */
export async function restoreBackup(
  archive: string,
  dataDir: string,
  options: RestoreOptions = {},
): Promise<RestoreResult> {
  const { database, store, progress = noProgress } = options;
  // Opened before root takes on the rights of the data folder's owner, who may not be allowed to read the archives.
  const archives: [OpenArchive, ...OpenArchive[]] = [await openArchive(archive)];
  const privateFolder = privateFolderOfRoot();
  let access: DataFolderAccess | undefined;
  let scratch: Scratch | undefined;
  let prepared: RestoreFolder | undefined;
  const state: RestoreState = { moved: [], mayHaveCommitted: false, puts: undefined };
  const outside = <T>(work: () => T): T => (access ? access.outside(work) : work());
  const cleanUp = () => {
    progress.end();
    if (privateFolder) outside(privateFolder.remove);
  };
  const undo = () => {
    if (!state.mayHaveCommitted) prepared?.undo(state.moved);
    return store ? leftInStore(store, state.puts?.stored() ?? 0) : "";
  };
  const stopListening = onTermination(() => {
    cleanUp();
    process.stderr.write(`${["Interrupted.", undo()].join(" ").trim()}\n`);
  });
  try {
    archives.push(...(await openEarlierArchives(archives[0])));
    if (privateFolder) scratch = await createScratch(privateFolder.path);
    access = accessDataFolderAsOwner(dataDir);
    if (database) await requireEmpty(database.url);
    const target = database ? `postgres-${identify(database.url)}` : "sqlite";
    prepared = restoreFolder(dataDir, access, target);
    const staging = await prepared.prepare();
    if (!store) await requireSpace(staging, dataDir, archives[0].size);
    scratch ??= await createScratch(staging);
    return await runRestore({
      dataDir,
      folder: access.path,
      prepared,
      staging,
      scratch,
      sqlite: privateFolder ? outside : (work) => work(),
      archives,
      databaseUrl: database?.url,
      store,
      uploadDeadline: options.uploadDeadline ?? null,
      canMakeVideos: options.canMakeVideos ?? false,
      progress,
      state,
    });
  } catch (error) {
    await scratch?.close();
    const left = undo();
    const explained = error instanceof CommandError ? error : dataFolderError({ dataDir }, error);
    throw left === "" ? explained : new CommandError(`${explained.message} ${left}`);
  } finally {
    await scratch?.close();
    cleanUp();
    for (const { file: opened } of archives) await opened.close();
    stopListening();
  }
}

const requireEmpty = (url: string) =>
  requireEmptyPostgres(url).catch((error: unknown) => {
    throw databaseError(error, url, "Nothing was restored");
  });

/** Distinguishes databases, without the password. */
function identify(url: string): string {
  const { host, pathname } = new URL(url);
  return new Bun.CryptoHasher("sha256").update(`${host}${pathname}`).digest("hex").slice(0, 12);
}
