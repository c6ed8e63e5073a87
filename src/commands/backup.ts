import { existsSync, rmSync, statSync } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";

import { CommandError } from "./command-error.ts";
import { accessDataFolderAsOwner, type DataFolderAccess } from "./data-folder-access.ts";
import { dataFolderError } from "./startup-errors.ts";
import { databaseFile, mediaFolder, secretFile } from "../data-dir.ts";
import { takeSnapshot, type ReplacedRenditions } from "../database/snapshot.ts";
import { moveWithoutReplacing } from "../storage/move-without-replacing.ts";
import { DiskStore } from "../storage/disk-store.ts";
import { renditionKeyAt } from "../storage/media-keys.ts";
import { syncFolder } from "../storage/sync-folder.ts";
import { version } from "../version.ts";
import { manifestName, mediaName, type Manifest } from "../backup/manifest.ts";
import { bytesOf, TarWriter } from "../backup/tar.ts";
import { onTermination } from "./on-termination.ts";

/**
 * Writes the contents of a data folder to an archive; the service may be running. The archive holds a snapshot of the
 * database, the media that the snapshot refers to, the generated secret and, at the end, a manifest with the checksum of
 * every file. An archive with the target's name is always complete.
 *
 * When run as root, the command reads with the rights of the data folder's owner, so that a link in the folder cannot bring
 * root's files into the archive, and writes with root's rights.
 * @returns the number of posts whose media the archive holds
 * @throws CommandError
 */
export async function writeBackup(dataDir: string, target: string): Promise<number> {
  const path = resolve(target);
  requireFolder(dirname(path));
  const partial = `${path}.${process.pid}.partial`;
  const snapshotPath = `${path}.${process.pid}.db`;
  let folder: DataFolderAccess | undefined;
  const outside = <T>(work: () => T): T => (folder ? folder.outside(work) : work());
  const cleanUp = () =>
    outside(() => {
      for (const temporary of [partial, snapshotPath]) rmSync(temporary, { force: true });
    });
  const stopListening = onTermination(cleanUp);
  try {
    if (existsSync(path)) throw alreadyExists(target);
    if (!existsSync(join(dataDir, databaseFile)))
      throw new CommandError(
        `There is no database in ${dataDir}. Set DATA_DIR to the folder of the service.`,
      );
    const files: FileHandle[] = [];
    const create = async (name: string) => {
      const file = await open(name, "wx+", 0o600).catch((error: NodeJS.ErrnoException) => {
        throw cannotBeWritten(target, error.code);
      });
      files.push(file);
      return file;
    };
    try {
      const archive = new TarWriter(await create(partial));
      const copy = { path: snapshotPath, file: await create(snapshotPath) };
      folder = accessDataFolderAsOwner(dataDir);
      const posts = await fill(archive, dataDir, folder, copy);
      outside(() => {
        try {
          moveWithoutReplacing(partial, path);
        } catch (error) {
          const { code } = error as NodeJS.ErrnoException;
          throw code === "EEXIST" ? alreadyExists(target) : cannotBeWritten(target, code);
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
    stopListening();
  }
}

const alreadyExists = (target: string) => new CommandError(`${target} already exists.`);
function cannotBeWritten(target: string, code = ""): CommandError {
  const reason = {
    EACCES: ": this user may not create files in its folder",
    EPERM: ": this user may not create files in its folder",
    EROFS: ": its file system is read-only",
  }[code];
  return new CommandError(`${target} cannot be written${reason ?? ` (${code})`}.`);
}

/** Whether the disk of the target is full: a backup writes only the archive and, beside it, the copy of the database. */
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

/**
 * @param copy an empty file for the copy of the database
 * @returns the number of posts whose media were added
 */
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
  /**
   * Adds the first of these files and, if it exists, those of the others that exist.
   * @returns whether each of them was added
   */
  const addExisting = async (files: { name: string; path: string }[]): Promise<boolean[]> => {
    const opened: (FileHandle | undefined)[] = [];
    try {
      // Open all files before reading the first: an open file stays readable when it is deleted.
      for (const { path } of files) opened.push(await openData(path));
      for (const [i, { name }] of files.entries()) if (opened[0] && opened[i]) await add(name, opened[i]);
      return opened.map((file) => file !== undefined);
    } finally {
      for (const file of opened) await file?.close();
    }
  };

  const openData = (path: string): Promise<FileHandle | undefined> =>
    open(path, "r").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw dataFolderError({ dataDir: folder.path }, error);
    });

  const snapshot = await snapshotOf(dataDir, folder, copy.path);
  const store = new DiskStore(join(folder.path, mediaFolder));
  const deletedPosts: string[] = [];
  const replacedRenditions: ReplacedRenditions[] = [];
  const media = snapshot.media();
  for (const { id, key, thumbnailUrl, displayUrl } of media) {
    const [thumbnailKey, displayKey] = [renditionKeyAt(thumbnailUrl), renditionKeyAt(displayUrl)];
    const keys = [key, thumbnailKey, displayKey].filter((key) => key !== undefined);
    const added = await addExisting(keys.map((key) => ({ name: mediaName(key), path: store.resolve(key) })));
    const isReplaced = (key: string | undefined) => key !== undefined && !added[keys.indexOf(key)];
    const replaced = { id, thumbnail: isReplaced(thumbnailKey), display: isReplaced(displayKey) };
    if (!added[0]) deletedPosts.push(id);
    else if (replaced.thumbnail || replaced.display) replacedRenditions.push(replaced);
  }
  snapshot.forget(deletedPosts);
  snapshot.forgetRenditions(replacedRenditions);
  snapshot.close();
  await add(databaseFile, copy.file);
  await addExisting([{ name: secretFile, path: join(folder.path, secretFile) }]);
  const text = Buffer.from(JSON.stringify(manifest, null, 1));
  await archive.add(
    manifestName,
    text.length,
    (async function* () {
      yield text;
    })(),
  );
  await archive.finish();
  return media.length - deletedPosts.length;
}

async function snapshotOf(dataDir: string, folder: DataFolderAccess, copyPath: string) {
  try {
    return await folder.sqlite(() => takeSnapshot(join(dataDir, databaseFile), copyPath, folder.outside));
  } catch (error) {
    throw isDiskFull(error) ? error : dataFolderError({ dataDir }, error);
  }
}
