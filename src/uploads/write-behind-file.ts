import { constants, open, rm, type FileHandle } from "node:fs/promises";

import { diskError } from "../disk-errors.ts";

const newFile = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
const anyFile = constants.O_WRONLY | constants.O_CREAT;

/** Bytes per write. Not a power of two: on ext4 in a virtual machine, 512 KiB halved the speed of a large upload. */
const pieceBytes = 500_000;
/** Full pieces that may wait for the disk before {@link WriteBehindFile.keepUp} waits as well. */
const maxWaitingPieces = 2;
/** Bytes after which the file is flushed while more arrive, because one flush of a large file at the end takes long. */
const syncedBytes = 16 * 1024 ** 2;
/** The same for a file that grows with each request. Less, because every request waits at its end for a flush. */
const syncedBytesOfGrowing = 1024 ** 2;

/**
 * A file that is written in large pieces while more bytes arrive. It holds at most about two megabytes, however small the
 * chunks are, as long as the caller awaits {@link keepUp} between them.
 */
export class WriteBehindFile {
  #piece: Uint8Array<ArrayBuffer> | undefined;
  #filled = 0;
  #handle: FileHandle | undefined;
  /** Each write waits for the one before it, and fails if that one failed. */
  #writes: Promise<void>[] = [];
  #written = 0;
  #durable = 0;
  #syncing: Promise<void> | undefined;
  /** The error of a failed flush. The system reports lost bytes only once, so a later flush may succeed. */
  #syncError: unknown;
  readonly #syncedBytes: number;

  /** @param offset where the bytes go in a file that may exist; undefined for a new file */
  constructor(
    readonly path: string,
    private readonly offset?: number,
  ) {
    this.#syncedBytes = offset === undefined ? syncedBytes : syncedBytesOfGrowing;
  }

  /** Bytes that are certainly on disk, of those that were appended. */
  get durableBytes(): number {
    return this.#durable;
  }

  /** Copies the bytes; the caller may reuse its buffer. */
  append(bytes: Uint8Array): void {
    for (let taken = 0; taken < bytes.length;) {
      this.#piece ??= Buffer.allocUnsafeSlow(pieceBytes);
      const fitting = bytes.subarray(taken, taken + pieceBytes - this.#filled);
      this.#piece.set(fitting, this.#filled);
      this.#filled += fitting.length;
      taken += fitting.length;
      if (this.#filled === pieceBytes) this.#writePiece();
    }
  }

  /**
   * Back-pressure: waits until the disk has nearly caught up. Reports the failure of earlier writes and flushes.
   * @throws ApiError STORAGE_FULL, STORE_UNAVAILABLE
   */
  async keepUp(): Promise<void> {
    while (this.#writes.length > maxWaitingPieces) await this.#writes.shift();
    if (this.#syncError) throw this.#syncError;
  }

  /**
   * Writes what is left and closes the file.
   * @throws ApiError STORAGE_FULL, STORE_UNAVAILABLE
   */
  async end(): Promise<void> {
    await this.#writeRest();
    if (this.#syncError) throw this.#syncError;
    await this.#close();
  }

  /**
   * Writes what is left, and waits until all of it is on disk.
   * @throws ApiError STORAGE_FULL, STORE_UNAVAILABLE
   */
  async flush(): Promise<void> {
    await this.#writeRest();
    if (this.#handle && this.#durable < this.#written) await this.#sync(this.#handle);
    if (this.#syncError) throw this.#syncError;
  }

  /** Closes the file, which the caller has flushed or gives up; what was not written is lost. */
  async close(): Promise<void> {
    await this.#writes.at(-1)?.catch(() => {});
    await this.#syncing;
    this.#piece = undefined;
    await this.#close();
  }

  /** Closes and removes the file. If it cannot be removed, the next start removes it with its folder. */
  async discard(): Promise<void> {
    await this.close();
    await rm(this.path, { force: true }).catch(() => {});
  }

  async #writeRest(): Promise<void> {
    if (this.#piece) this.#writePiece();
    await this.#writes.at(-1);
    await this.#syncing;
  }

  #writePiece(): void {
    const write = this.#write(this.#piece!, this.#filled, this.#writes.at(-1));
    this.#piece = undefined;
    this.#filled = 0;
    // keepUp and end report the failure; until then it must not count as an unhandled rejection.
    write.catch(() => {});
    this.#writes.push(write);
  }

  async #write(
    piece: Uint8Array<ArrayBuffer>,
    bytes: number,
    previous: Promise<void> | undefined,
  ): Promise<void> {
    await previous;
    try {
      this.#handle ??= await open(this.path, this.offset === undefined ? newFile : anyFile, 0o600);
      const position = (this.offset ?? 0) + this.#written;
      for (let written = 0; written < bytes;)
        written += (await this.#handle.write(piece, written, bytes - written, position + written))
          .bytesWritten;
    } catch (error) {
      throw diskError(error);
    }
    // Frees the memory now; the garbage collector would let about 50 MB of pieces pile up.
    piece.buffer.transfer(0);
    this.#written += bytes;
    if (!this.#syncing && this.#written - this.#durable >= this.#syncedBytes)
      this.#syncing = this.#sync(this.#handle);
  }

  async #sync(handle: FileHandle): Promise<void> {
    const written = this.#written;
    try {
      await handle.datasync();
      this.#durable = written;
    } catch (error) {
      this.#syncError = diskError(error);
    }
    this.#syncing = undefined;
  }

  async #close(): Promise<void> {
    await this.#handle?.close();
    this.#handle = undefined;
  }
}
