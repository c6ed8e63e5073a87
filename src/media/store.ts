import type { BunFile } from "bun";
import type { MediaType } from "./types.ts";

/** A file to be stored: a temp file of this process, on the same file system as the disk store's folder. */
export interface StorableFile {
  readonly file: BunFile;
  readonly contentType: MediaType | "image/webp";
  /** What it is called when somebody saves it. */
  readonly displayName: string;
  /** Size in bytes. */
  readonly bytes: number;
}

/** Where a stored file can be found. */
export interface StoredMedia {
  /** Absolute, or `/media/{key}` when this service delivers it itself or leads to it. */
  readonly url: string;
  /** The store's own id of the file (ImageKit's `fileId`), null where the key is all there is. */
  readonly storeId: string | null;
  /** A small still picture made by the store itself, null when it makes none. */
  readonly thumbnailUrl: string | null;
}

/**
 * A place for bytes. Keys are ours, chosen before the bytes move (post id + extension), so that after a crash
 * we know where to look. Every store passes the one contract suite in `test/media/store-contract.ts`.
 *
 * Every call ends when `signal` aborts, rejecting with the signal's reason. Failures reject with an `ApiError`
 * (`STORAGE_FULL`, `STORE_FAILED`, `STORE_UNAVAILABLE`, `FILE_TOO_LARGE`) that holds no secret, in its `cause`
 * neither; what is no key of ours with `NOT_FOUND`. After a rejected put the file may be there or not, and one
 * that was aborted may still arrive a moment later: look again before forgetting the key.
 */
export interface MediaStore {
  readonly name: "disk" | "imagekit" | "s3";
  /** Whether it makes small pictures itself; where it does not, they are put under keys of their own. */
  readonly makesThumbnails: boolean;
  /** Whether a put that was given up may still take effect later: its bytes may all have been on their way. */
  readonly mayCompleteLate: boolean;
  /** Puts the file under the key, durably. The same key again replaces: a repeated put never makes a second file. The disk store moves the temp file away. */
  put(key: string, file: StorableFile, signal: AbortSignal): Promise<StoredMedia>;
  /** The file under this key, or null. */
  find(key: string, signal: AbortSignal): Promise<StoredMedia | null>;
  /** Removes the file; one that is not there counts as removed. `storeId` null: looked up by key. */
  delete(key: string, storeId: string | null, signal: AbortSignal): Promise<void>;
}
