import { rmSync } from "node:fs";
import { mkdir, mkdtemp, open, readdir, rename, rm, statfs, type FileHandle } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

import { CommandError } from "./command-error.ts";
import { accessDataFolderAsOwner, type DataFolderAccess } from "./data-folder-access.ts";
import { dataFolderError } from "./startup-errors.ts";
import { databaseFile, mediaFolder, secretFile } from "../data-dir.ts";
import { problemOfBackup } from "../database/backup-check.ts";
import { DiskStore } from "../storage/disk-store.ts";
import { version } from "../version.ts";
import { openArchive } from "./backup-archive.ts";
import {
  manifestName,
  maxManifestBytes,
  mediaKeyOf,
  parseManifest,
  type Manifest,
} from "../backup/manifest.ts";
import { DamagedArchive, printable, readTarEntries, truncated, type Entry } from "../backup/tar.ts";
import { onTermination } from "./on-termination.ts";

/** Size limit of the file with the secret. */
const maxSecretBytes = 4096;

/**
 * Restores a backup into an empty data folder, completely or not at all. The files are extracted to a temporary folder
 * inside it, compared with the manifest and, after a check of the database, moved to their places, the database last. The
 * data folder itself, which may be a volume or a link, is kept. When run as root, restored files are owned by the data
 * folder's owner.
 * @throws CommandError if the folder is not empty or not usable, or if the archive is truncated, modified or not a backup
 */
export async function restoreBackup(archive: string, dataDir: string): Promise<void> {
  // Opened before root takes on the rights of the data folder's owner, who may not be allowed to read the archive.
  const { file, size } = await openArchive(archive);
  try {
    await restoreFrom(file, size, dataDir, accessDataFolderAsOwner(dataDir));
  } catch (error) {
    if (error instanceof DamagedArchive)
      throw new CommandError(`${archive} cannot be restored: ${error.message}.`);
    throw error instanceof CommandError ? error : dataFolderError({ dataDir }, error);
  } finally {
    await file.close();
  }
}

async function restoreFrom(
  file: FileHandle,
  size: number,
  dataDir: string,
  folder: DataFolderAccess,
): Promise<void> {
  const existing = await readdir(folder.path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw dataFolderError({ dataDir }, error);
  });
  // A fresh volume may contain lost+found.
  if (existing?.some((name) => name !== "lost+found"))
    throw new CommandError(`${dataDir} is not empty. Restore into an empty folder.`);

  let staging: string | undefined;
  const moved: string[] = [];
  const cleanUp = () => {
    for (const path of [...moved, staging]) if (path) rmSync(path, { recursive: true, force: true });
    if (!existing) rmSync(folder.path, { recursive: true, force: true });
  };
  const stopListening = onTermination(cleanUp);
  try {
    await mkdir(folder.path, { recursive: true, mode: 0o700 });
    staging = await mkdtemp(join(folder.path, "restoring-"));
    const { bavail, blocks, bsize } = await statfs(staging);
    // Some network file systems report a size of 0.
    if (blocks > 0 && bavail * bsize < size)
      throw new CommandError(
        `The backup needs ${size} bytes, but the disk of ${dataDir} has only ${bavail * bsize} free.`,
      );
    await extract(file, staging);
    const database = join(dataDir, basename(staging), databaseFile);
    const problem = await folder.sqlite(() => problemOfBackup(database));
    if (problem) throw new DamagedArchive(`its database ${problem}`);
    const names = await readdir(staging);
    for (const name of [...names.filter((name) => name !== databaseFile), databaseFile]) {
      moved.push(join(folder.path, name));
      await rename(join(staging, name), join(folder.path, name));
    }
    await rm(staging, { recursive: true });
    await sync(folder.path);
  } catch (error) {
    cleanUp();
    throw error;
  } finally {
    stopListening();
  }
}

async function extract(archive: FileHandle, folder: string): Promise<void> {
  const store = new DiskStore(join(folder, mediaFolder));
  const found: Manifest["files"] = {};
  const folders = new Set<string>();
  let fileCount = 0;
  let manifest: Manifest | undefined;
  for await (const entry of readTarEntries(archive)) {
    if (manifest || Object.hasOwn(found, entry.name))
      throw new DamagedArchive(`${printable(entry.name)} is in it more than once`);
    if (entry.name === manifestName) manifest = await readManifest(entry, fileCount);
    else {
      const path = pathOf(entry, folder, store);
      found[entry.name] = { size: entry.size, sha256: await write(entry, path) };
      folders.add(dirname(path));
      fileCount += 1;
    }
  }
  if (!manifest) throw new DamagedArchive("it has no manifest");
  compare(manifest, found);
  for (const path of folders) await sync(path);
}

/** @throws DamagedArchive unless the archive holds exactly the files that its manifest lists */
function compare({ files }: Manifest, found: Manifest["files"]): void {
  for (const [name, { size, sha256 }] of Object.entries(files)) {
    const file = Object.hasOwn(found, name) ? found[name] : undefined;
    if (!file) throw new DamagedArchive(`${printable(name)} is missing`);
    if (file.size !== size || file.sha256 !== sha256)
      throw new DamagedArchive(`${name} was changed since the backup was made`);
  }
  for (const name of Object.keys(found))
    if (!Object.hasOwn(files, name)) throw new DamagedArchive(`its manifest does not list ${name}`);
  if (!Object.hasOwn(files, databaseFile)) throw new DamagedArchive("it has no database");
}

/** Flushes a folder's entries to disk. */
async function sync(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  await handle.sync().finally(() => handle.close());
}

/**
 * Returns the path to extract an entry to, which is always inside the folder.
 * @throws DamagedArchive for an entry that no backup has
 */
function pathOf({ name, size }: Entry, folder: string, store: DiskStore): string {
  if (name === secretFile && size > maxSecretBytes)
    throw new DamagedArchive(`${name} in it is too large for a secret`);
  if (name === databaseFile || name === secretFile) return join(folder, name);
  const key = mediaKeyOf(name);
  try {
    if (key !== undefined) return store.resolve(key);
  } catch {
    // Not a media key.
  }
  throw new DamagedArchive(`${printable(name)} in it does not belong in a backup`);
}

async function write(entry: Entry, path: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const file = await open(path, "wx", 0o600);
  const hash = new Bun.CryptoHasher("sha256");
  let size = 0;
  try {
    for await (const bytes of entry.content()) {
      hash.update(bytes);
      size += bytes.length;
      await file.write(bytes);
    }
    if (size !== entry.size) throw new DamagedArchive(truncated);
    await file.sync();
  } finally {
    await file.close();
  }
  return hash.digest("hex");
}

/** @param fileCount the number of files before the manifest */
async function readManifest(entry: Entry, fileCount: number): Promise<Manifest> {
  if (entry.size > maxManifestBytes(fileCount))
    throw new DamagedArchive("its manifest is larger than its files account for");
  const pieces: Uint8Array[] = [];
  for await (const bytes of entry.content()) pieces.push(bytes);
  const text = Buffer.concat(pieces);
  if (text.length !== entry.size) throw new DamagedArchive(truncated);
  const manifest = await parseManifest(text.toString());
  if (!manifest) throw new DamagedArchive("its manifest is damaged");
  if (Bun.semver.order(manifest.version, version) > 0)
    throw new DamagedArchive(
      `it was made by version ${manifest.version} of this program, which is newer than this one (${version})`,
    );
  return manifest;
}
