import type { Stats } from "node:fs";
import { basename, join } from "node:path";

import { findMovieTime } from "../metadata/iso/movie-date.ts";
import { dateInName } from "./date-in-name.ts";
import { ExportFacts } from "./export-facts.ts";
import { hasVideoExtension, ignoredFile, ignoredFolder, stemOf, type IgnoredKind } from "./file-names.ts";
import { byTakenTime, type FoundFile } from "./found-file.ts";
import { SourceError, type SourceFolder } from "./source-folder.ts";
import type { TakenTimes } from "./taken-times.ts";

/** Files inspected in one turn, which signals and progress wait for. */
const filesPerTurn = 100;

/** Receives what a scan finds besides the files to import. */
export interface ScanListener {
  /** @param files how many were found so far */
  found(files: number): void;
  ignored(kind: IgnoredKind, path: string): void;
  /** @param why a sentence */
  refused(path: string, why: string): void;
}

/**
 * Finds the files to import in a folder and the folders in it, without following links.
 * @returns the files in the order in which they were taken; they take less than 1 kB of memory each
 * @throws SourceError when the folder itself cannot be read; the signal's reason
 */
export async function scan(
  source: SourceFolder,
  takenTimes: TakenTimes,
  listener: ScanListener,
  signal: AbortSignal,
): Promise<FoundFile[]> {
  const files: FoundFile[] = [];
  const folders = [""];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const names = namesIn(source, folder, listener);
    const scanned = new ScannedFolder(source, folder, names, listener);
    for (let start = 0; start < names.length; start += filesPerTurn) {
      const turn = scanned.inspect(names.slice(start, start + filesPerTurn));
      folders.push(...turn.folders);
      for (const file of await scanned.date(turn.files, takenTimes)) files.push(file);
      listener.found(files.length);
      await new Promise(setImmediate);
      signal.throwIfAborted();
    }
  }
  return files.sort(byTakenTime);
}

function namesIn(source: SourceFolder, folder: string, listener: ScanListener): string[] {
  try {
    return source.list(folder);
  } catch (error) {
    if (!(error instanceof SourceError) || folder === "") throw error;
    listener.refused(folder, error.message);
    return [];
  }
}

/** A file to import whose date may not be known yet. */
interface UndatedFile extends Omit<FoundFile, "takenAt"> {
  readonly name: string;
  readonly takenAt: number | undefined;
  readonly changedAt: number;
}

/** One folder during a scan. */
class ScannedFolder {
  readonly #facts: ExportFacts;
  /** When photos were taken, by their names without the extension, for the short videos that belong to them. */
  readonly #photoTimes = new Map<string, number>();

  constructor(
    private readonly source: SourceFolder,
    private readonly folder: string,
    names: readonly string[],
    private readonly listener: ScanListener,
  ) {
    this.#facts = new ExportFacts(source, folder, names, (path, why) => listener.refused(path, why));
  }

  /** Separates the folders and the files to import from the rest. */
  inspect(names: readonly string[]): { folders: string[]; files: UndatedFile[] } {
    const paths = names.map((name) => join(this.folder, name));
    const folders: string[] = [];
    const files: UndatedFile[] = [];
    for (const [index, facts] of this.source.inspect(paths).entries()) {
      const [name, path] = [names[index]!, paths[index]!];
      if (facts instanceof SourceError) this.listener.refused(path, facts.message);
      else if (facts.isDirectory()) {
        const ignored = ignoredFolder(name, basename(this.folder || this.source.root));
        if (ignored) this.listener.ignored(ignored, path);
        else folders.push(path);
      } else {
        const file = this.#fileOf(name, path, facts);
        if (typeof file === "string") this.listener.ignored(file, path);
        else files.push(file);
      }
    }
    return { folders, files };
  }

  #fileOf(name: string, path: string, facts: Stats): UndatedFile | IgnoredKind {
    const ignored = ignoredFile(name) ?? (facts.isFile() ? undefined : "link");
    if (ignored) return ignored;
    const { takenAt, caption = "", isDeleted } = this.#facts.of(name);
    if (isDeleted) return "deleted";
    return { name, path, bytes: facts.size, caption, takenAt, changedAt: facts.mtimeMs };
  }

  /**
   * Completes the dates: those of the export come first, then those in photos and videos, then those in names, then the times
   * at which the files were changed.
   */
  async date(files: readonly UndatedFile[], takenTimes: TakenTimes): Promise<FoundFile[]> {
    const isUnknown = ({ name, takenAt }: UndatedFile) => takenAt === undefined && !hasVideoExtension(name);
    const times = await takenTimes(files.filter(isUnknown).map(({ path }) => path));
    for (const { name, path } of files) {
      const time = times.get(path);
      if (time !== undefined) this.#photoTimes.set(stemOf(name), time);
    }
    return files.map(({ name, path, bytes, caption, takenAt, changedAt }) => ({
      path,
      bytes,
      caption,
      takenAt:
        takenAt ??
        times.get(path) ??
        this.#photoTimes.get(stemOf(name)) ??
        this.#recordedAt(name, path) ??
        dateInName(name) ??
        changedAt,
    }));
  }

  #recordedAt(name: string, path: string): number | undefined {
    return hasVideoExtension(name) ? this.source.readParts(path, (read) => findMovieTime(read)) : undefined;
  }
}
