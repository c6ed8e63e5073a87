import { rmSync } from "node:fs";
import { mkdir, readdir, rm, statfs } from "node:fs/promises";
import { join } from "node:path";

import { mediaFolder, secretFile } from "../data-dir.ts";
import { createTempDir } from "../uploads/temp-dir.ts";
import { CommandError } from "./command-error.ts";
import type { DataFolderAccess } from "./data-folder-access.ts";
import { dataFolderError } from "./startup-errors.ts";

/** A data folder that is being filled. */
export interface RestoreFolder {
  /** The folder for temporary files in it. */
  readonly staging: string;
  /** Removes the temporary files. */
  finish(): Promise<void>;
  /** Removes everything that the restore has made; the caller names the files that it has moved into the data folder. */
  undo(moved: readonly string[]): void;
}

/**
 * Prepares an empty data folder for a restore. The data folder itself, which may be a volume or a link, is kept. A folder in
 * it shows that a restore into this target is running or was interrupted; of an interrupted one, everything is removed.
 * @param target identifies where the database goes. What another restore into another target left is never removed.
 * @throws CommandError if the folder is not empty, or another restore is running
 */
export async function prepareRestoreFolder(
  dataDir: string,
  folder: DataFolderAccess,
  target: string,
): Promise<RestoreFolder> {
  const existing = await readdir(folder.path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw dataFolderError({ dataDir }, error);
  });
  const root = `restoring-${target}`;
  // A fresh volume may contain lost+found.
  const names = existing?.filter((name) => name !== "lost+found") ?? [];
  const mayRemain = [root, mediaFolder, secretFile];
  if (names.length > 0 && !(names.includes(root) && names.every((name) => mayRemain.includes(name))))
    throw new CommandError(`${dataDir} is not empty. Restore into an empty folder.`);

  await mkdir(folder.path, { recursive: true, mode: 0o700 });
  const path = join(folder.path, root);
  await mkdir(path, { recursive: true, mode: 0o700 });
  const own = await createTempDir(path, { shared: false });
  if ((await readdir(path)).length > 1) {
    await own.remove();
    throw new CommandError(`Another restore into ${dataDir} is running.`);
  }
  for (const name of [mediaFolder, secretFile])
    await rm(join(folder.path, name), { recursive: true, force: true });
  return {
    staging: own.path,
    finish: () => rm(path, { recursive: true }),
    undo(moved) {
      for (const name of [...moved, root]) rmSync(join(folder.path, name), { recursive: true, force: true });
      if (!existing) rmSync(folder.path, { recursive: true, force: true });
    },
  };
}

/** @throws CommandError unless the disk of the folder has room for this many bytes */
export async function requireSpace(path: string, dataDir: string, bytes: number): Promise<void> {
  const { bavail, blocks, bsize } = await statfs(path);
  // Some network file systems report a size of 0.
  if (blocks > 0 && bavail * bsize < bytes)
    throw new CommandError(
      `The backup needs ${bytes} bytes, but the disk of ${dataDir} has only ${bavail * bsize} free.`,
    );
}
