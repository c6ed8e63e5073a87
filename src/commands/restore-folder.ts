import { existsSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import { mkdir, readdir, rm, statfs } from "node:fs/promises";
import { join } from "node:path";

import { mediaFolder, secretFile } from "../data-dir.ts";
import { readableSize } from "../readable-size.ts";
import { createTempDir } from "../uploads/temp-dir.ts";
import { CommandError } from "./command-error.ts";
import type { DataFolderAccess } from "./data-folder-access.ts";
import { dataFolderError } from "./startup-errors.ts";

/** A data folder to fill. */
export interface RestoreFolder {
  /**
   * Prepares the empty folder. The data folder itself, which may be a volume or a link, is kept. A folder in it shows that a
   * restore into this target is running or was interrupted; of an interrupted one, everything is removed.
   * @returns a folder for temporary files in it
   * @throws CommandError if it is not empty, or another restore is running
   */
  prepare(): Promise<string>;
  /** Removes the temporary files. */
  finish(): Promise<void>;
  /**
   * Removes everything that this restore has made, whenever it is called.
   * @param moved names of the files that were moved into the data folder
   */
  undo(moved: readonly string[]): void;
}

/** @param target identifies where the database goes. What a restore into another target left is never removed. */
export function restoreFolder(dataDir: string, folder: DataFolderAccess, target: string): RestoreFolder {
  const name = `restoring-${target}`;
  const root = join(folder.path, name);
  /** Whether the data folder existed before; undefined: nothing was made yet. */
  let existed: boolean | undefined;
  /** Whether everything in the data folder is of this restore, or was left by an interrupted one. */
  let isOurs = false;
  return {
    async prepare() {
      const existing = await readdir(folder.path).catch((error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT") return undefined;
        throw dataFolderError({ dataDir }, error);
      });
      // A fresh volume may contain lost+found.
      const names = existing?.filter((entry) => entry !== "lost+found") ?? [];
      const mayRemain = [name, mediaFolder, secretFile];
      if (names.length > 0 && !(names.includes(name) && names.every((entry) => mayRemain.includes(entry))))
        throw new CommandError(`${dataDir} is not empty. Restore into an empty folder.`);

      existed = existing !== undefined;
      await mkdir(folder.path, { recursive: true, mode: 0o700 });
      await mkdir(root, { recursive: true, mode: 0o700 });
      const own = await createTempDir(root, { shared: false });
      if ((await readdir(root)).length > 1)
        throw new CommandError(`Another restore into ${dataDir} is running.`);
      isOurs = true;
      for (const entry of [mediaFolder, secretFile])
        await rm(join(folder.path, entry), { recursive: true, force: true });
      return own.path;
    },
    finish: () => rm(root, { recursive: true }),
    undo(moved) {
      if (existed === undefined) return;
      if (isOurs) {
        for (const entry of [...moved, name])
          rmSync(join(folder.path, entry), { recursive: true, force: true });
        if (!existed) rmSync(folder.path, { recursive: true, force: true });
        return;
      }
      // Another restore may be running, whose files stay.
      if (existsSync(root))
        for (const entry of readdirSync(root))
          if (entry.startsWith(`${process.pid}@`)) rmSync(join(root, entry), { recursive: true });
      removeIfEmpty(root);
      if (!existed) removeIfEmpty(folder.path);
    },
  };
}

function removeIfEmpty(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    // Missing or not empty.
  }
}

/** @throws CommandError unless the disk of the folder has room for this many bytes */
export async function requireSpace(path: string, dataDir: string, bytes: number): Promise<void> {
  const { bavail, blocks, bsize } = await statfs(path);
  // Some network file systems report a size of 0.
  if (blocks > 0 && bavail * bsize < bytes)
    throw new CommandError(
      `The backup needs ${readableSize(bytes)}, but the disk of ${dataDir} has only ${readableSize(bavail * bsize)} free.`,
    );
}
