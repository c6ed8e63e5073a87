import { rmSync } from "node:fs";
import { link, open, type FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";

import { CommandError } from "../commands/command.ts";
import { cannotUse } from "../commands/start-problems.ts";
import { takeSnapshot } from "../database/snapshot.ts";
import { DiskStore } from "../media/disk-store.ts";
import { thumbnailKey } from "../media/keys.ts";
import { version } from "../operation/version.ts";
import { databaseName, manifestName, mediaName, secretName, type Manifest } from "./manifest.ts";
import { bytesOf, TarWriter } from "./tar.ts";
import { whenToldToEnd } from "./told-to-end.ts";

/**
 * Writes everything of a data folder into one archive, while the service runs: a snapshot of the database, the media it
 * knows, the generated secret, and last a manifest with the checksum of each. Under its name the archive is whole.
 * @returns how many posts it holds media of
 * @throws CommandError
 */
export async function writeBackup(dataDir: string, target: string): Promise<number> {
  const partial = `${target}.${process.pid}.partial`;
  const copied = `${target}.${process.pid}.db`;
  const cleanUp = () => {
    for (const leftover of [partial, copied, `${copied}-journal`]) rmSync(leftover, { force: true });
  };
  const notTold = whenToldToEnd(cleanUp);
  try {
    if (await Bun.file(target).exists()) throw new CommandError(`${target} exists already.`);
    if (!(await Bun.file(join(dataDir, databaseName)).exists()))
      throw new CommandError(
        `There is no database in ${dataDir}. Set DATA_DIR to the folder of the service.`,
      );
    const file = await open(partial, "wx", 0o600).catch((error: NodeJS.ErrnoException) => {
      throw new CommandError(`${target} cannot be written (${error.code}).`);
    });
    try {
      const posts = await fill(new TarWriter(file), dataDir, copied);
      // A link fails where a rename would replace.
      await link(partial, target);
      const folder = await open(dirname(target), "r");
      await folder.sync().finally(() => folder.close());
      return posts;
    } finally {
      await file.close();
    }
  } finally {
    cleanUp();
    notTold();
  }
}

async function fill(archive: TarWriter, dataDir: string, copied: string): Promise<number> {
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
      for (const { path } of files) opened.push(await open(path, "r"));
      for (const [i, { name }] of files.entries()) await add(name, opened[i]!);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
      throw error;
    } finally {
      for (const file of opened) await file.close();
    }
  };

  const snapshot = snapshotOf(dataDir, copied);
  const store = new DiskStore(join(dataDir, "media"));
  const deletedSince: string[] = [];
  const media = snapshot.media();
  for (const { id, key, thumbnail } of media) {
    const keys = thumbnail ? [thumbnailKey(id), key] : [key];
    const files = keys.map((one) => ({ name: mediaName(one), path: store.resolve(one) }));
    if (!(await addAll(files))) deletedSince.push(id);
  }
  snapshot.forget(deletedSince);
  snapshot.close();
  await addAll([{ name: databaseName, path: copied }]);
  await addAll([{ name: secretName, path: join(dataDir, secretName) }]);
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

function snapshotOf(dataDir: string, copied: string) {
  try {
    return takeSnapshot(join(dataDir, databaseName), copied);
  } catch (error) {
    throw cannotUse({ dataDir }, error);
  }
}
