import { link, open, rm } from "node:fs/promises";
import { dirname, join } from "node:path";

import { CommandError } from "../commands/command.ts";
import { takeSnapshot } from "../database/snapshot.ts";
import { DiskStore } from "../media/disk-store.ts";
import { thumbnailKey } from "../media/keys.ts";
import { version } from "../operation/version.ts";
import { databaseName, manifestName, mediaName, secretName, type Manifest } from "./manifest.ts";
import { bytesOf, TarWriter } from "./tar.ts";

/**
 * Writes everything of a data folder into one archive, while the service runs: a snapshot of the database, the media it
 * knows, the generated secret, and last a manifest with the checksum of each. Under its name the archive is whole.
 * @returns how many posts it holds media of
 * @throws CommandError
 */
export async function writeBackup(dataDir: string, target: string): Promise<number> {
  const partial = `${target}.${process.pid}.partial`;
  const copied = `${target}.${process.pid}.db`;
  try {
    if (await Bun.file(target).exists()) throw new CommandError(`${target} exists already.`);
    const file = await open(partial, "wx", 0o600);
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
    for (const leftover of [partial, copied, `${copied}-journal`]) await rm(leftover, { force: true });
  }
}

async function fill(archive: TarWriter, dataDir: string, copied: string): Promise<number> {
  const manifest: Manifest = { version, made: new Date().toISOString(), files: {} };
  const add = async (name: string, path: string): Promise<boolean> => {
    const file = await open(path, "r").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw error;
    });
    if (!file) return false;
    try {
      const { size } = await file.stat();
      manifest.files[name] = { size, sha256: await archive.add(name, size, bytesOf(file)) };
      return true;
    } finally {
      await file.close();
    }
  };

  const snapshot = takeSnapshot(join(dataDir, databaseName), copied);
  const store = new DiskStore(join(dataDir, "media"));
  const deletedSince: string[] = [];
  const media = snapshot.media();
  for (const { id, key, thumbnail } of media) {
    const keys = thumbnail ? [thumbnailKey(id), key] : [key];
    for (const one of keys)
      if (!(await add(mediaName(one), store.resolve(one)))) {
        deletedSince.push(id);
        break;
      }
  }
  snapshot.forget(deletedSince);
  snapshot.close();
  await add(databaseName, copied);
  await add(secretName, join(dataDir, secretName));
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
