import { closeSync, openSync, rmSync, statSync } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { dirname, resolve } from "node:path";

import { openFileList, type FileList } from "../database/file-list.ts";
import { moveWithoutReplacing } from "../storage/move-without-replacing.ts";
import { syncFolder } from "../storage/sync-folder.ts";
import { CommandError } from "./command-error.ts";

/** The files that a backup writes: the archive, under another name until it is complete, and temporary ones beside it. */
export interface BackupFiles {
  readonly archive: FileHandle;
  /** An empty file for the copy of the database. */
  readonly copy: FileHandle;
  readonly copyPath: string;
  /** Empty lists: see `BackupParts`. */
  readonly known: FileList;
  readonly listed: FileList;
  close(): Promise<void>;
}

/** The places of {@link BackupFiles}. */
export class BackupPlaces {
  readonly #path: string;
  readonly #paths: Readonly<Record<"archive" | "copy" | "known" | "listed", string>>;

  /** @param target the path of the archive, as the operator gave it */
  constructor(private readonly target: string) {
    this.#path = resolve(target);
    const beside = (ending: string) => `${this.#path}.${process.pid}.${ending}`;
    this.#paths = {
      archive: beside("partial"),
      copy: beside("db"),
      known: beside("known"),
      listed: beside("files"),
    };
  }

  /** @throws CommandError when the folder of the target does not let a file be created */
  async create(): Promise<BackupFiles> {
    const { archive, copy, known, listed } = this.#paths;
    const opened: { close(): unknown }[] = [];
    const opening = async <T extends { close(): unknown }>(file: T | Promise<T>): Promise<T> => {
      opened.push(await file);
      return file;
    };
    const close = async () => {
      for (const file of opened.reverse()) await file.close();
    };
    try {
      for (const path of [archive, copy, known, listed]) this.#createEmpty(path);
      return {
        archive: await opening(open(archive, "r+")),
        copy: await opening(open(copy, "r+")),
        copyPath: copy,
        known: await opening(openFileList(known)),
        listed: await opening(openFileList(listed)),
        close,
      };
    } catch (error) {
      await close();
      throw error;
    }
  }

  /** Synchronously, because a file that is being created while a termination signal arrives would stay behind. */
  #createEmpty(path: string): void {
    try {
      closeSync(openSync(path, "wx", 0o600));
    } catch (error) {
      throw this.#cannotBeWritten((error as NodeJS.ErrnoException).code);
    }
  }

  /** Gives the complete archive its name. @throws CommandError if a file has it */
  publish(): void {
    try {
      moveWithoutReplacing(this.#paths.archive, this.#path);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw code === "EEXIST" ? alreadyExists(this.target) : this.#cannotBeWritten(code);
    }
    syncFolder(dirname(this.#path));
  }

  /** Removes all temporary files. */
  remove(): void {
    for (const path of Object.values(this.#paths)) rmSync(path, { force: true });
  }

  #cannotBeWritten(code = ""): CommandError {
    const reason = {
      EACCES: ": this user may not create files in its folder",
      EPERM: ": this user may not create files in its folder",
      EROFS: ": its file system is read-only",
    }[code];
    return new CommandError(`${this.target} cannot be written${reason ?? ` (${code})`}.`);
  }
}

/** The error for an archive whose path is taken. */
export const alreadyExists = (target: string) => new CommandError(`${target} already exists.`);

/** @throws CommandError unless the path is that of a folder */
export function requireFolder(path: string): void {
  let isFolder = false;
  try {
    isFolder = statSync(path).isDirectory();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") throw new CommandError(`The folder ${path} does not exist. Create it first.`);
    if (code !== "ENOTDIR") throw new CommandError(`The folder ${path} cannot be used (${code}).`);
  }
  if (!isFolder) throw new CommandError(`${path} is not a folder.`);
}
