import { rmSync } from "node:fs";
import { mkdir, mkdtemp, open, readdir, rename, rm, statfs, type FileHandle } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

import { CommandError } from "../commands/command.ts";
import { accessDataFolderAsOwner, type DataFolderAccess } from "../commands/enter-data-folder.ts";
import { dataFolderError } from "../commands/start-problems.ts";
import { databaseFile, mediaFolder, secretFile } from "../data-dir.ts";
import { problemOfBackup } from "../database/backup-check.ts";
import { DiskStore } from "../media/disk-store.ts";
import { version } from "../operation/version.ts";
import { openArchive } from "./archive.ts";
import { manifestName, maxManifestBytes, mediaKeyOf, parseManifest, type Manifest } from "./manifest.ts";
import { cut, DamagedArchive, printable, readTarEntries, type Entry } from "./tar.ts";
import { onTermination } from "./told-to-end.ts";

/** Bytes that a file of ours which holds the secret may have. */
const largestSecret = 4096;

/**
 * Makes a data folder of a backup, whole or not at all: it is put together in a corner of its place, compared with the
 * manifest, its database checked, and moved only then, the database last. The folder itself stays what it is, a volume or
 * a link, and so does its owner, whose rights a restore by root works with: the files become theirs.
 * @throws CommandError for a folder that is not empty or cannot be used, and for an archive that is cut, changed or none
 * of ours
 */
export async function restoreBackup(archive: string, dataDir: string): Promise<void> {
  // Before root takes on the rights of the data folder's owner, who may not be allowed to read it.
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
  const there = await readdir(folder.path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw dataFolderError({ dataDir }, error);
  });
  // A fresh volume has that.
  if (there?.some((name) => name !== "lost+found"))
    throw new CommandError(`${dataDir} is not empty. Restore into an empty folder.`);

  let growing: string | undefined;
  const moved: string[] = [];
  const cleanUp = () => {
    for (const path of [...moved, growing]) if (path) rmSync(path, { recursive: true, force: true });
    if (!there) rmSync(folder.path, { recursive: true, force: true });
  };
  const notTold = onTermination(cleanUp);
  try {
    await mkdir(folder.path, { recursive: true, mode: 0o700 });
    growing = await mkdtemp(join(folder.path, "restoring-"));
    const { bavail, blocks, bsize } = await statfs(growing);
    // Some network file systems do not tell their size.
    if (blocks > 0 && bavail * bsize < size)
      throw new CommandError(
        `The backup needs ${size} bytes, but the disk of ${dataDir} has only ${bavail * bsize} free.`,
      );
    await extract(file, growing);
    const database = join(dataDir, basename(growing), databaseFile);
    const problem = await folder.sqlite(() => problemOfBackup(database));
    if (problem) throw new DamagedArchive(`its database ${problem}`);
    const names = await readdir(growing);
    for (const name of [...names.filter((name) => name !== databaseFile), databaseFile]) {
      moved.push(join(folder.path, name));
      await rename(join(growing, name), join(folder.path, name));
    }
    await rm(growing, { recursive: true });
    await sync(folder.path);
  } catch (error) {
    cleanUp();
    throw error;
  } finally {
    notTold();
  }
}

async function extract(archive: FileHandle, folder: string): Promise<void> {
  const store = new DiskStore(join(folder, mediaFolder));
  const found: Manifest["files"] = {};
  const folders = new Set<string>();
  let entries = 0;
  let manifest: Manifest | undefined;
  for await (const entry of readTarEntries(archive)) {
    if (manifest || Object.hasOwn(found, entry.name))
      throw new DamagedArchive(`${printable(entry.name)} is in it once too often`);
    if (entry.name === manifestName) manifest = await readManifest(entry, entries);
    else {
      const path = pathOf(entry, folder, store);
      found[entry.name] = { size: entry.size, sha256: await write(entry, path) };
      folders.add(dirname(path));
      entries += 1;
    }
  }
  if (!manifest) throw new DamagedArchive("it has no manifest");
  compare(manifest, found);
  for (const path of folders) await sync(path);
}

/** @throws DamagedArchive unless the archive holds what its manifest lists, and nothing else */
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

/** Flushes a folder's entries to the disk. */
async function sync(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  await handle.sync().finally(() => handle.close());
}

/** Only names of ours have a place: none leaves the folder. */
function pathOf({ name, size }: Entry, folder: string, store: DiskStore): string {
  if (name === secretFile && size > largestSecret) throw new DamagedArchive(`${name} in it is no secret`);
  if (name === databaseFile || name === secretFile) return join(folder, name);
  const key = mediaKeyOf(name);
  try {
    if (key !== undefined) return store.resolve(key);
  } catch {
    // No key of ours.
  }
  throw new DamagedArchive(`${printable(name)} in it is nothing that a backup holds`);
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
    if (size !== entry.size) throw new DamagedArchive(cut);
    await file.sync();
  } finally {
    await file.close();
  }
  return hash.digest("hex");
}

/** @param files how many the archive holds before it */
async function readManifest(entry: Entry, files: number): Promise<Manifest> {
  if (entry.size > maxManifestBytes(files))
    throw new DamagedArchive("its manifest is larger than its files account for");
  const pieces: Uint8Array[] = [];
  for await (const bytes of entry.content()) pieces.push(bytes);
  const text = Buffer.concat(pieces);
  if (text.length !== entry.size) throw new DamagedArchive(cut);
  const manifest = await parseManifest(text.toString());
  if (!manifest) throw new DamagedArchive("its manifest is damaged");
  if (Bun.semver.order(manifest.version, version) > 0)
    throw new DamagedArchive(
      `it was made by version ${manifest.version} of this program, which is newer than this one (${version})`,
    );
  return manifest;
}
