import { rmSync } from "node:fs";
import { chown, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";

import { CommandError } from "../commands/command.ts";
import { DiskStore } from "../media/disk-store.ts";
import { databaseName, keyOf, manifestName, secretName, type Manifest } from "./manifest.ts";
import { DamagedArchive, readTar, type Entry } from "./tar.ts";
import { whenToldToEnd } from "./told-to-end.ts";

/**
 * Makes a data folder of a backup, whole or not at all: it is put together in a corner of its place, compared with the
 * manifest, and moved only then, the database last. The folder itself stays what it is, a volume or a link, and so does
 * its owner, who gets the files too.
 * @throws CommandError for a folder that is not empty, and for an archive that is cut, changed or none of ours
 */
export async function restoreBackup(archive: string, dataDir: string): Promise<void> {
  const there = await readdir(dataDir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw new CommandError(`${dataDir} cannot be used: ${error.code}.`);
  });
  // A fresh volume has that.
  if (there?.some((name) => name !== "lost+found"))
    throw new CommandError(`${dataDir} is not empty. Restore into an empty folder.`);
  if (!(await Bun.file(archive).exists())) throw new CommandError(`There is no file ${archive}.`);

  const growing = join(dataDir, `restoring-${process.pid}`);
  const moved: string[] = [];
  const cleanUp = () => {
    for (const path of [...moved, growing]) rmSync(path, { recursive: true, force: true });
    if (!there) rmSync(dataDir, { recursive: true, force: true });
  };
  const notTold = whenToldToEnd(cleanUp);
  try {
    await mkdir(growing, { recursive: true, mode: 0o700 });
    await extract(archive, growing);
    await giveTo(dataDir, growing);
    const names = await readdir(growing);
    for (const name of [...names.filter((name) => name !== databaseName), databaseName]) {
      moved.push(join(dataDir, name));
      await rename(join(growing, name), join(dataDir, name));
    }
    await rm(growing, { recursive: true });
    await sync(dataDir);
  } catch (error) {
    cleanUp();
    if (error instanceof DamagedArchive)
      throw new CommandError(`${archive} cannot be restored: ${error.message}.`);
    throw error;
  } finally {
    notTold();
  }
}

async function extract(archive: string, folder: string): Promise<void> {
  const store = new DiskStore(join(folder, "media"));
  const found = new Map<string, string>();
  const folders = new Set<string>();
  let manifest: Manifest | undefined;
  for await (const entry of readTar(archive)) {
    if (manifest || found.has(entry.name)) throw new DamagedArchive(`${entry.name} should not be there`);
    if (entry.name === manifestName) manifest = await readManifest(entry);
    else {
      const path = pathOf(entry.name, folder, store);
      found.set(entry.name, await write(entry, path));
      folders.add(dirname(path));
    }
  }
  if (!manifest) throw new DamagedArchive("it has no manifest");
  const listed = Object.entries(manifest.files);
  for (const [name, { sha256 }] of listed)
    if (found.get(name) !== sha256) throw new DamagedArchive(`${name} is missing or was changed`);
  if (listed.length !== found.size || !found.has(databaseName))
    throw new DamagedArchive("its manifest does not fit");
  for (const path of folders) await sync(path);
}

/** Root restores for whom the data folder belongs to: the service's user, who could not read root's files. */
async function giveTo(dataDir: string, growing: string): Promise<void> {
  const { uid, gid } = await stat(dataDir);
  if (process.getuid?.() !== 0 || uid === 0) return;
  for (const name of ["", ...(await readdir(growing, { recursive: true }))])
    await chown(join(growing, name), uid, gid);
}

/** Sees a folder's entries on the disk. */
async function sync(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  await handle.sync().finally(() => handle.close());
}

/** Only names of ours have a place: none leaves the folder. */
function pathOf(name: string, folder: string, store: DiskStore): string {
  if (name === databaseName || name === secretName) return join(folder, name);
  const key = keyOf(name);
  try {
    if (key !== undefined) return store.resolve(key);
  } catch {
    // No key of ours.
  }
  throw new DamagedArchive("it holds a file that is none of ours");
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
    if (size !== entry.size) throw new DamagedArchive("it ends too early");
    await file.sync();
  } finally {
    await file.close();
  }
  return hash.digest("hex");
}

async function readManifest(entry: Entry): Promise<Manifest> {
  const pieces: Uint8Array[] = [];
  for await (const bytes of entry.content()) pieces.push(bytes);
  try {
    return JSON.parse(Buffer.concat(pieces).toString()) as Manifest;
  } catch {
    throw new DamagedArchive("its manifest cannot be read");
  }
}
