import { mkdir, open, type FileHandle } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

import { isManifest, mediaKeyOf, readManifest } from "../backup/manifest.ts";
import { DamagedArchive, readTarEntries, truncated, writeAt, type Entry } from "../backup/tar.ts";
import { databaseFile, secretFile } from "../data-dir.ts";
import type { FileList } from "../database/file-list.ts";
import { printable } from "../printable.ts";
import { DiskStore } from "../storage/disk-store.ts";
import { requireMediaKey } from "../storage/media-keys.ts";
import { syncToDisk } from "../storage/sync-to-disk.ts";
import type { OpenArchive } from "./backup-archive.ts";
import { checkVersion, withArchive } from "./earlier-archives.ts";
import type { Progress } from "./progress.ts";

const megabyte = 1e6;

/** Size limit of the file with the secret. */
const maxSecretBytes = 4096;

/** Where to extract a backup to. */
export interface Extraction {
  /** The folder for the secret. */
  readonly folder: string;
  /** The folder for the media; undefined: they are only checked. */
  readonly mediaFolder: string | undefined;
  /** An empty file for the database. */
  readonly database: FileHandle;
  /** An empty list, which gets every file and its place in the archives. */
  readonly found: FileList;
  /** An empty list, which gets the files of the manifest. */
  readonly listed: FileList;
  readonly progress: Progress;
}

/**
 * Extracts an archive and checks it against its manifest.
 * @throws CommandError if it is truncated, modified or not a backup
 */
export function extractArchive(archive: OpenArchive, extraction: Extraction): Promise<void> {
  return withArchive(archive.path, "cannot be restored", async () => {
    const { found, listed, progress } = extraction;
    const { write, sync } = fileWriter(extraction);
    const report = reporter(archive, progress);
    let files = 0;
    let hasManifest = false;
    for await (const entry of readTarEntries(archive.file)) {
      const { name, start } = entry;
      if (hasManifest || found.find(name))
        throw new DamagedArchive(`${printable(name)} is in it more than once`);
      if (isManifest(name)) {
        hasManifest = true;
        const list = await readManifest(entry, files, (file) => {
          if (!listed.add({ ...file, start: 0 })) throw new DamagedArchive("its manifest is damaged");
        });
        checkVersion(list);
      } else {
        found.add({ name, size: entry.size, sha256: await write(entry), start, archive: null });
        files += 1;
        report(start + entry.size);
      }
    }
    if (!hasManifest) throw new DamagedArchive("it has no manifest");
    compare(listed, found);
    await sync();
    report(archive.size);
  });
}

/**
 * Extracts the files that an archive refers to from an earlier one, and checks them.
 * @param number of the earlier one in the manifest
 * @throws CommandError
 */
export function extractEarlierMedia(
  archive: OpenArchive,
  number: number,
  extraction: Extraction,
): Promise<void> {
  return withArchive(archive.path, "cannot be restored", async () => {
    const { found, listed, progress } = extraction;
    const { write, sync } = fileWriter(extraction);
    const report = reporter(archive, progress);
    for await (const entry of readTarEntries(archive.file)) {
      const { name, size, start } = entry;
      const expected = listed.find(name);
      if (expected?.archive !== number) continue;
      requireKey(name);
      const sha256 = await write(entry);
      if (size !== expected.size || sha256 !== expected.sha256) throw changed(name);
      if (!found.add({ name, size, sha256, start, archive: number }))
        throw new DamagedArchive(`${printable(name)} is in it more than once`);
      report(start + size);
    }
    for (const { name } of listed.inArchive(number)) if (!found.find(name)) throw missing(name);
    await sync();
    report(archive.size);
  });
}

/** @returns a function that shows how much of an archive is done, given a position in it */
function reporter({ path, size }: OpenArchive, progress: Progress): (position: number) => void {
  const total = Math.ceil(size / megabyte);
  return (position) =>
    progress.update(
      `megabytes of ${basename(path)} checked`,
      position === size ? total : Math.floor(position / megabyte),
      total,
    );
}

/** @throws DamagedArchive unless the archive holds exactly the files that its manifest lists */
function compare(listed: FileList, found: FileList): void {
  for (const { name, size, sha256 } of listed.inArchive(null)) {
    const file = found.find(name);
    if (!file) throw missing(name);
    if (file.size !== size || file.sha256 !== sha256) throw changed(name);
  }
  for (const { name } of found.all())
    if (listed.find(name)?.archive !== null)
      throw new DamagedArchive(`its manifest does not list ${printable(name)}`);
  if (listed.find(databaseFile)?.archive !== null) throw new DamagedArchive("it has no database");
}

const missing = (name: string) => new DamagedArchive(`${printable(name)} is missing`);
const changed = (name: string) =>
  new DamagedArchive(`${printable(name)} was changed since the backup was made`);

/** Writes files of an archive to the places that only files of a backup have. */
function fileWriter({ folder, mediaFolder, database }: Extraction) {
  const store = mediaFolder === undefined ? undefined : new DiskStore(mediaFolder);
  const folders = new Set<string>();

  async function writeTo(path: string, entry: Entry): Promise<string> {
    folders.add(dirname(path));
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const file = await open(path, "wx", 0o600);
    try {
      const sha256 = await copy(entry, file);
      await file.sync();
      return sha256;
    } finally {
      await file.close();
    }
  }
  return {
    /**
     * @returns the file's SHA-256 in hex
     * @throws DamagedArchive for a file that no backup has
     */
    async write(entry: Entry): Promise<string> {
      const { name, size } = entry;
      if (name === databaseFile) return copy(entry, database);
      if (name === secretFile) {
        if (size > maxSecretBytes) throw new DamagedArchive(`${name} in it is too large for a secret`);
        return writeTo(join(folder, secretFile), entry);
      }
      const key = requireKey(name);
      return store ? writeTo(store.resolve(key), entry) : copy(entry);
    },
    /** Flushes the folders' entries to disk. */
    async sync(): Promise<void> {
      for (const path of folders) await syncToDisk(path);
    },
  };
}

/**
 * Reads a file of an archive.
 * @param file gets the bytes
 * @returns its SHA-256 in hex
 * @throws DamagedArchive if the archive ends before it does
 */
export async function copy(entry: Pick<Entry, "size" | "content">, file?: FileHandle): Promise<string> {
  const hash = new Bun.CryptoHasher("sha256");
  let size = 0;
  for await (const bytes of entry.content()) {
    hash.update(bytes);
    if (file) await writeAt(file, bytes, size);
    size += bytes.length;
  }
  if (size !== entry.size) throw new DamagedArchive(truncated);
  return hash.digest("hex");
}

/** @throws DamagedArchive if this is not the name of a media file */
function requireKey(name: string): string {
  const key = mediaKeyOf(name);
  try {
    if (key !== undefined) return requireMediaKey(key);
  } catch {
    // Not a media key.
  }
  throw new DamagedArchive(`${printable(name)} in it does not belong in a backup`);
}
