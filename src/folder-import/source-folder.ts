import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  type Stats,
} from "node:fs";
import { join } from "node:path";

import { codeOf } from "../disk-errors.ts";

/** Links are not followed. A pipe is opened without waiting for its writer, and then rejected. */
const openFlags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** A file or folder of the source cannot be read. The message is a sentence for the operator. */
export class SourceError extends Error {
  override readonly name = "SourceError";
}

/**
 * Reads the folder of an import. Every method is synchronous, because reading may need other rights than the data folder
 * does, and rights apply to the whole process.
 */
export class SourceFolder {
  /**
   * @param root absolute path
   * @param withRights runs work with the rights to read the folder
   */
  constructor(
    readonly root: string,
    private readonly withRights: <T>(work: () => T) => T,
  ) {}

  /** The names in a folder, in order. @throws SourceError */
  list(folder: string): string[] {
    return this.#read(() => readdirSync(join(this.root, folder)).sort());
  }

  /** Facts about each path, or why they cannot be read. Links are not followed. */
  inspect(paths: readonly string[]): (Stats | SourceError)[] {
    return this.withRights(() =>
      paths.map((path) => {
        try {
          return lstatSync(join(this.root, path));
        } catch (error) {
          return unreadable(error);
        }
      }),
    );
  }

  /** Reads a whole text. @throws SourceError, also for more than `maxBytes` */
  readText(path: string, maxBytes: number): string {
    return this.#read(() => {
      const file = this.#openFile(path);
      try {
        if (fstatSync(file).size > maxBytes) throw new SourceError("It is too large.");
        return readFileSync(file, "utf8");
      } finally {
        closeSync(file);
      }
    });
  }

  /** Reads the first bytes of a file into a buffer. @returns their number; 0 when the file cannot be read */
  readStart(path: string, buffer: Uint8Array): number {
    return this.#readIfPossible(path, (file) => readSync(file, buffer, 0, buffer.length, 0)) ?? 0;
  }

  /** Lets a function read parts of a file. @returns its result; undefined when the file cannot be read */
  readParts<T>(path: string, use: (read: (offset: number, length: number) => Buffer) => T): T | undefined {
    return this.#readIfPossible(path, (file) =>
      use((offset, length) => {
        const buffer = Buffer.alloc(length);
        return buffer.subarray(0, readSync(file, buffer, 0, length, offset));
      }),
    );
  }

  /**
   * Opens files.
   * @returns for each path a descriptor that the caller must close, or why the file cannot be read
   */
  open(paths: readonly string[]): (number | SourceError)[] {
    return this.withRights(() =>
      paths.map((path) => {
        try {
          return this.#openFile(path);
        } catch (error) {
          return unreadable(error);
        }
      }),
    );
  }

  /** @throws SourceError unless the path is that of a file in the folder; system errors */
  #openFile(path: string): number {
    const place = join(this.root, path);
    const file = openSync(place, openFlags);
    if (fstatSync(file).isFile() && isAt(file, place)) return file;
    closeSync(file);
    throw new SourceError("It is not a file any more.");
  }

  #readIfPossible<T>(path: string, work: (file: number) => T): T | undefined {
    return this.withRights(() => {
      try {
        const file = this.#openFile(path);
        try {
          return work(file);
        } finally {
          closeSync(file);
        }
      } catch {
        // Importing the file reports the error.
        return undefined;
      }
    });
  }

  #read<T>(work: () => T): T {
    return this.withRights(() => {
      try {
        return work();
      } catch (error) {
        throw unreadable(error);
      }
    });
  }
}

/**
 * Whether an open file has this path. It has another if a folder on the way was replaced by a link, with which its owner could
 * make root read other files. Known on Linux only; true elsewhere.
 */
function isAt(file: number, path: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${file}`) === path;
  } catch {
    return true;
  }
}

/** The error for a failed read of the source; any other error is returned as it is. */
export function unreadable(error: unknown): SourceError {
  if (error instanceof SourceError) return error;
  const code = codeOf(error);
  if (code === "") throw error;
  if (code === "ENOENT") return new SourceError("It is gone, or its name is not valid UTF-8.");
  if (code === "EACCES" || code === "EPERM")
    return new SourceError("It may not be read by this user (EACCES).");
  return new SourceError(`It cannot be read (${code}).`);
}
