import { mkdtempSync, rmSync } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { databaseFile } from "../data-dir.ts";
import { openFileList, type FileList } from "../database/file-list.ts";

/** The files that a restore works on with SQLite. */
export interface Scratch {
  /** The backup's database, at first empty. */
  readonly databasePath: string;
  readonly database: FileHandle;
  /** See `Extraction`. */
  readonly found: FileList;
  readonly listed: FileList;
  /** May be called twice. */
  close(): Promise<void>;
}

/**
 * Creates the scratch files in a folder.
 *
 * Root's are in a folder of root's own, because SQLite may need root's rights (see `accessDataFolderAsOwner`): in a folder of
 * the service's user, links of that user could redirect it to other files.
 */
export async function createScratch(folder: string): Promise<Scratch> {
  const databasePath = join(folder, databaseFile);
  const paths = [join(folder, "found"), join(folder, "listed")] as const;
  const database = await open(databasePath, "wx+", 0o600);
  const [found, listed] = [openFileList(paths[0]), openFileList(paths[1])];
  let isClosed = false;
  return {
    databasePath,
    database,
    found,
    listed,
    async close() {
      if (isClosed) return;
      isClosed = true;
      found.close();
      listed.close();
      await database.close();
    },
  };
}

/** Creates a folder of root's own; undefined for other users. @returns it, and a function that removes it */
export function privateFolderOfRoot(): { path: string; remove(): void } | undefined {
  if (process.geteuid?.() !== 0) return undefined;
  const path = mkdtempSync(join(tmpdir(), "image-sharing-restore-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
