import type { FileIndex } from "../database/file-index.ts";
import type { ListedFile } from "../storage/imagekit-listing.ts";
import type { ImportTarget } from "./import-target.ts";

/** Where an import reports what it does. */
export interface ImportOutput {
  /** Names a row that was left out or changed. */
  problem(line: string): void;
  progress(step: string, done: number, total: number): void;
}

export interface ImportOptions {
  /** The only place where files may be; null for the account of the first file on ImageKit's own host. */
  readonly urlEndpoint: string | null;
  /** All files of the ImageKit account; undefined if they are not to be looked up. */
  readonly files: FileIndex<ListedFile> | undefined;
  readonly target: ImportTarget;
  readonly output: ImportOutput;
  /** Ends the import after the rows that are being written. */
  readonly signal: AbortSignal;
}
