import type { FileHandle } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";

import {
  isArchiveName,
  isManifest,
  maxEarlierArchives,
  mediaKeyOf,
  readManifest,
  type EarlierArchive,
  type Manifest,
  type ManifestFile,
} from "../backup/manifest.ts";
import { DamagedArchive, readTarEntries } from "../backup/tar.ts";
import type { FileList } from "../database/file-list.ts";
import { printable } from "../printable.ts";
import { version } from "../version.ts";
import { openArchive, type OpenArchive } from "./backup-archive.ts";
import { CommandError } from "./command-error.ts";

/** Runs work on an archive. @throws CommandError in place of DamagedArchive */
export async function withArchive<T>(path: string, problem: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof DamagedArchive ? new CommandError(`${path} ${problem}: ${error.message}.`) : error;
  }
}

/**
 * Finds the manifest of an archive without reading the other files.
 * @param use is called with each file that it lists
 * @returns undefined if there is none
 * @throws DamagedArchive
 */
async function scanManifest(
  archive: FileHandle,
  use: (file: ManifestFile) => void = () => {},
): Promise<(Manifest & { sha256: string }) | undefined> {
  let files = 0;
  for await (const entry of readTarEntries(archive)) {
    if (isManifest(entry.name)) return checkVersion(await readManifest(entry, files, use));
    files += 1;
  }
  return undefined;
}

/** @throws DamagedArchive if the backup was made by a newer version */
export function checkVersion<M extends Manifest>(manifest: M): M {
  if (Bun.semver.order(manifest.version, version) > 0)
    throw new DamagedArchive(
      `it was made by version ${manifest.version} of this program, which is newer than this one (${version})`,
    );
  return manifest;
}

/**
 * Lists the media that a backup need not repeat: those in the archive at `path` and in the archives that it refers to.
 * @param known gets them
 * @returns the archives, by the numbers that the list has
 * @throws CommandError
 */
export async function listEarlierMedia(path: string, known: FileList): Promise<EarlierArchive[]> {
  if (!isArchiveName(basename(path)))
    throw new CommandError(
      `Another backup cannot refer to ${printable(path)}: its name has control characters. Rename it.`,
    );
  const { file } = await openArchive(path);
  try {
    const problem = "is no backup that another one can build on";
    const manifest = await withArchive(path, problem, () =>
      scanManifest(file, ({ name, size, sha256, archive }) => {
        if (mediaKeyOf(name) !== undefined)
          known.add({ name, size, sha256, start: 0, archive: archive === null ? 0 : archive + 1 });
      }),
    );
    if (!manifest) throw new CommandError(`${path} ${problem}: it has no manifest.`);
    if (manifest.archives.length >= maxEarlierArchives)
      throw new CommandError(
        `${path} refers to ${manifest.archives.length} other archives, and no more are possible. Make a backup without --since.`,
      );
    return [{ archive: basename(path), manifest: manifest.sha256 }, ...manifest.archives];
  } finally {
    await file.close();
  }
}

/**
 * Opens the archives that the one at `path` refers to, which must be in the same folder.
 * @returns them, in the order of its manifest; the caller closes them
 * @throws CommandError if one is missing or another one than it was
 */
export async function openEarlierArchives({ path, file }: OpenArchive): Promise<OpenArchive[]> {
  const manifest = await withArchive(path, "cannot be restored", () => scanManifest(file));
  const opened: OpenArchive[] = [];
  try {
    for (const { archive, manifest: sha256 } of manifest?.archives ?? []) {
      const folder = dirname(resolve(path));
      const needed = `${path} needs the archive ${printable(archive)}`;
      const earlier = await openArchive(join(folder, archive)).catch((error: unknown) => {
        throw new CommandError(
          `${needed}, which holds media that it does not repeat. Put it into ${folder}. (${(error as Error).message})`,
        );
      });
      opened.push(earlier);
      const found = await withArchive(earlier.path, "cannot be restored", () => scanManifest(earlier.file));
      if (found?.sha256 !== sha256)
        throw new CommandError(
          `${needed}, but the file of this name in ${folder} is another backup, or was changed.`,
        );
    }
    return opened;
  } catch (error) {
    for (const earlier of opened) await earlier.file.close();
    throw error;
  }
}
