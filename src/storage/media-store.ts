import type { BunFile } from "bun";
import type { MediaStoreName } from "../config/config.ts";
import type { MediaType } from "../media-types.ts";

/** A file to store: a temp file of this process, on the same file system as the disk store's folder. */
export interface StorableFile {
  readonly file: BunFile;
  readonly contentType: MediaType;
  /** The name that a download is saved under. */
  readonly displayName: string;
  /** Size in bytes. */
  readonly bytes: number;
  /** Reads the bytes of `file`, for stores that send them elsewhere; omitted: the file's own stream. */
  readonly stream?: () => ReadableStream<Uint8Array<ArrayBuffer>>;
}

/** Reads the bytes of a file to send. */
export const streamOf = ({ file, stream }: StorableFile): ReadableStream<Uint8Array<ArrayBuffer>> =>
  stream ? stream() : file.stream();

/** Addresses of renditions that a store makes itself. */
export interface StoreRenditions {
  readonly thumbnailUrl: string;
  /** A rendition that every current browser can show at a large size. */
  readonly displayUrl: string;
}

/** The location of a stored file. */
export interface StoredMedia {
  /** Absolute, or `/media/{key}` when this service delivers the file or redirects to it. */
  readonly url: string;
  /** The store's own id of the file (ImageKit's `fileId`); null for stores that use the key alone. */
  readonly storeId: string | null;
  /** Renditions that the store makes itself, when they are requested; null when it makes none. */
  readonly renditions: StoreRenditions | null;
}

/** A stored file that was opened for reading. */
export interface StoredContent {
  /** The bytes, read no faster than they are consumed. Must be read to its end or cancelled. */
  readonly stream: ReadableStream<Uint8Array>;
  /** Length of the stream in bytes; null when the store does not report it. */
  readonly bytes: number | null;
}

/**
 * Stores files by key. The service chooses the key (post id + extension) before any bytes move, so that it knows where
 * to look after a crash. Every store passes the contract suite in `test/storage/store-contract.ts`.
 *
 * When `signal` aborts, every call rejects with the signal's reason. Other failures reject with an `ApiError`:
 * `STORAGE_FULL`, `STORE_FAILED`, `STORE_UNAVAILABLE` or `FILE_TOO_LARGE`, or `NOT_FOUND` for a malformed key. Neither the
 * error nor its `cause` contains a secret. After a rejected put the file may or may not be stored, and an aborted put may
 * still complete a moment later, so callers must check again before they forget the key.
 */
export interface MediaStore {
  readonly name: MediaStoreName;
  /** Whether the store makes renditions itself. Otherwise the service makes them, and stores each under its own key. */
  readonly makesRenditions: boolean;
  /** Whether everybody who has the address of a file can read it, even if its post is hidden. */
  readonly isPublic: boolean;
  /** Whether an aborted put may still take effect, because all its bytes may already have been sent. */
  readonly mayCompleteLate: boolean;
  /** Stores the file durably, replacing any file with the same key. The disk store moves the temp file. */
  put(key: string, file: StorableFile, signal: AbortSignal): Promise<StoredMedia>;
  /** Returns the file with this key, or null. */
  find(key: string, signal: AbortSignal): Promise<StoredMedia | null>;
  /**
   * Opens the file with this key, or returns null. When the signal aborts, the stream fails with the signal's reason, also
   * after the call has returned.
   * @param storeId the store's own id of the file, for files that are not under their key
   */
  read(key: string, signal: AbortSignal, storeId?: string | null): Promise<StoredContent | null>;
  /**
   * Returns the MD5 in hex that the store reports for the file with this key, or null when it reports none. Omitted by stores
   * that never do. The MD5 of other bytes, such as encrypted ones, does not prove that the file is different.
   */
  md5?(key: string, signal: AbortSignal): Promise<string | null>;
  /** Deletes the file; a missing file counts as deleted. When `storeId` is null, the store looks the file up by its key. */
  delete(key: string, storeId: string | null, signal: AbortSignal): Promise<void>;
}
