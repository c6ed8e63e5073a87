import { closeSync, existsSync, fsyncSync, openSync, rmSync, statSync } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";

import { CommandError } from "../commands/command.ts";
import { accessDataFolderAsOwner, type DataFolderAccess } from "../commands/enter-data-folder.ts";
import { dataFolderError } from "../commands/start-problems.ts";
import { databaseFile, mediaFolder, secretFile } from "../data-dir.ts";
import { takeSnapshot } from "../database/snapshot.ts";
import { moveWithoutReplacing } from "../files/move-without-replacing.ts";
import { DiskStore } from "../media/disk-store.ts";
import { thumbnailKey } from "../media/keys.ts";
import { version } from "../operation/version.ts";
import { manifestName, mediaName, type Manifest } from "./manifest.ts";
import { bytesOf, TarWriter } from "./tar.ts";
import { onTermination } from "./told-to-end.ts";

/**
 * Writes everything of a data folder into one archive, while the service runs: a snapshot of the database, the media it
 * knows, the generated secret, and last a manifest with the checksum of each. Under its name the archive is whole.
 *
 * Root reads with the rights of the data folder's owner, so that no link there brings a file of root's into the archive,
 * and writes with its own.
 * @returns how many posts it holds media of
 * @throws CommandError
 */
export async function writeBackup(dataDir: string, target: string): Promise<number> {
  const path = resolve(target);
  requireFolder(dirname(path));
  const partial = `${path}.${process.pid}.partial`;
  const copied = `${path}.${process.pid}.db`;
  let folder: DataFolderAccess | undefined;
  const asStarted = <T>(work: () => T): T => (folder ? folder.outside(work) : work());
  const cleanUp = () =>
    asStarted(() => {
      for (const leftover of [partial, copied]) rmSync(leftover, { force: true });
    });
  const notTold = onTermination(cleanUp);
  try {
    if (existsSync(path)) throw existsAlready(target);
    if (!existsSync(join(dataDir, databaseFile)))
      throw new CommandError(
        `There is no database in ${dataDir}. Set DATA_DIR to the folder of the service.`,
      );
    const files: FileHandle[] = [];
    const make = async (name: string) => {
      const file = await open(name, "wx+", 0o600).catch((error: NodeJS.ErrnoException) => {
        throw cannotBeWritten(target, error.code);
      });
      files.push(file);
      return file;
    };
    try {
      const archive = new TarWriter(await make(partial));
      const copy = { path: copied, file: await make(copied) };
      folder = accessDataFolderAsOwner(dataDir);
      const posts = await fill(archive, dataDir, folder, copy);
      asStarted(() => {
        try {
          moveWithoutReplacing(partial, path);
        } catch (error) {
          const { code } = error as NodeJS.ErrnoException;
          throw code === "EEXIST" ? existsAlready(target) : cannotBeWritten(target, code);
        }
        syncFolder(dirname(path));
      });
      return posts;
    } finally {
      for (const file of files) await file.close();
    }
  } catch (error) {
    throw isDiskFull(error) ? new CommandError(`There is no space left for ${target}.`) : error;
  } finally {
    cleanUp();
    notTold();
  }
}

const existsAlready = (target: string) => new CommandError(`${target} exists already.`);
function cannotBeWritten(target: string, code = ""): CommandError {
  const why = {
    EACCES: ": this user may not create files in its folder",
    EPERM: ": this user may not create files in its folder",
    EROFS: ": its file system is read-only",
  }[code];
  return new CommandError(`${target} cannot be written${why ?? ` (${code})`}.`);
}

/** A backup writes nothing but the archive and, beside it, the copy of the database. */
const isDiskFull = (error: unknown): boolean =>
  ["ENOSPC", "EDQUOT", "SQLITE_FULL"].includes(String((error as NodeJS.ErrnoException).code));

/** @throws CommandError */
function requireFolder(path: string): void {
  let isFolder = false;
  try {
    isFolder = statSync(path).isDirectory();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") throw new CommandError(`The folder ${path} does not exist. Create it first.`);
    if (code !== "ENOTDIR") throw new CommandError(`The folder ${path} cannot be used (${code}).`);
  }
  if (!isFolder) throw new CommandError(`${path} is not a folder.`);
}

/** Flushes a folder's entries to the disk. */
function syncFolder(path: string): void {
  const folder = openSync(path, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** @param copy an empty file for the copy of the database */
async function fill(
  archive: TarWriter,
  dataDir: string,
  folder: DataFolderAccess,
  copy: { path: string; file: FileHandle },
): Promise<number> {
  const manifest: Manifest = { version, made: new Date().toISOString(), files: {} };
  const add = async (name: string, file: FileHandle) => {
    const { size } = await file.stat();
    manifest.files[name] = { size, sha256: await archive.add(name, size, bytesOf(file)) };
  };
  /** Adds these files, or none where one of them is not there (any more). */
  const addAll = async (files: { name: string; path: string }[]): Promise<boolean> => {
    const opened: FileHandle[] = [];
    try {
      // All are open before the first is read: deleted meanwhile, they can still be read.
      for (const { path } of files) opened.push(await openData(path));
      for (const [i, { name }] of files.entries()) await add(name, opened[i]!);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
      throw error;
    } finally {
      for (const file of opened) await file.close();
    }
  };

  const openData = (path: string) =>
    open(path, "r").catch((error: NodeJS.ErrnoException) => {
      throw error.code === "ENOENT" ? error : dataFolderError({ dataDir: folder.path }, error);
    });

  const snapshot = await snapshotOf(dataDir, folder, copy.path);
  const store = new DiskStore(join(folder.path, mediaFolder));
  const deletedSince: string[] = [];
  const media = snapshot.media();
  for (const { id, key, thumbnail } of media) {
    const keys = thumbnail ? [thumbnailKey(id), key] : [key];
    const files = keys.map((one) => ({ name: mediaName(one), path: store.resolve(one) }));
    if (!(await addAll(files))) deletedSince.push(id);
  }
  snapshot.forget(deletedSince);
  snapshot.close();
  await add(databaseFile, copy.file);
  await addAll([{ name: secretFile, path: join(folder.path, secretFile) }]);
  const text = Buffer.from(JSON.stringify(manifest, null, 1));
  await archive.add(
    manifestName,
    text.length,
    (async function* () {
      yield text;
    })(),
  );
  await archive.finish();
  return media.length - deletedSince.length;
}

async function snapshotOf(dataDir: string, folder: DataFolderAccess, copied: string) {
  try {
    return await folder.sqlite(() => takeSnapshot(join(dataDir, databaseFile), copied, folder.outside));
  } catch (error) {
    throw isDiskFull(error) ? error : dataFolderError({ dataDir }, error);
  }
}
