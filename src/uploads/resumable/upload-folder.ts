import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { codeOf } from "../../disk-errors.ts";
import { moveWithoutReplacing } from "../../storage/move-without-replacing.ts";
import { syncToDisk } from "../../storage/sync-to-disk.ts";

const idFile = "folder-id";
const thumbnailEnd = ".thumbnail";
const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The folder with the bytes of unfinished uploads. It outlives the process, and several processes may share it. */
export interface UploadFolder {
  /** Made with the folder. Tells nodes whether they read the same one. */
  readonly id: string;
  /** The file of an upload. */
  pathOf(uploadId: string): string;
  /** The image that the client wants to be shown as the poster or preview of an upload. */
  thumbnailOf(uploadId: string): string;
  /** Makes the names of new files durable. */
  sync(): Promise<void>;
  /**
   * Removes the files of uploads that are gone.
   * @param unfinished reads the ids of those that are not. Called after the folder was read, so that no upload begins in
   * between.
   */
  removeOrphans(unfinished: () => Promise<readonly string[]>): Promise<void>;
}

/** Opens the folder, and creates it if it is missing. @throws file system errors */
export async function openUploadFolder(root: string): Promise<UploadFolder> {
  await mkdir(root, { recursive: true, mode: 0o700 });
  return {
    id: await loadOrCreateId(root),
    pathOf: (uploadId) => join(root, uploadId),
    thumbnailOf: (uploadId) => join(root, uploadId + thumbnailEnd),
    sync: () => syncToDisk(root),
    async removeOrphans(unfinished) {
      const names = (await readdir(root)).filter((name) => uuid.test(uploadOf(name)));
      if (names.length === 0) return;
      const known = new Set(await unfinished());
      for (const name of names) if (!known.has(uploadOf(name))) await rm(join(root, name), { force: true });
    },
  };
}

/** The id of the upload that a file belongs to. */
const uploadOf = (name: string): string => name.replace(thumbnailEnd, "");

async function loadOrCreateId(root: string): Promise<string> {
  const path = join(root, idFile);
  const temp = `${path}.${crypto.randomUUID()}`;
  // Another process may have just created an empty file, see moveWithoutReplacing.
  for (let tries = 0; tries < 20; tries++) {
    const text = await Bun.file(path)
      .text()
      .catch(() => undefined);
    if (text !== undefined && uuid.test(text)) return text;
    if (text === undefined) await create(temp, path);
    else await Bun.sleep(50);
  }
  throw new Error(`${path} does not contain an id; delete it to end all unfinished uploads`);
}

async function create(temp: string, path: string): Promise<void> {
  try {
    await writeFile(temp, crypto.randomUUID(), { flag: "wx", mode: 0o600, flush: true });
    moveWithoutReplacing(temp, path);
  } catch (error) {
    await rm(temp, { force: true });
    if (codeOf(error) !== "EEXIST") throw error;
  }
}
