import { open, rm, type FileHandle } from "node:fs/promises";

import { diskError } from "./disk-store.ts";

/**
 * Bytes that are written at once. Aligned to no power of two on purpose: Linux would cache those in large blocks of
 * memory, which a virtual machine often has to get from its host first (a third of the time on ext4, where that is so).
 */
const pieceBytes = 500_000;
/** Pieces that may wait for the disk before whoever brings more has to wait as well. */
const mostWaiting = 2;
/** Flushed while more come in: a large file would otherwise wait long for its last flush. */
const syncedBytes = 16 * 1024 ** 2;

/**
 * A fresh file that grows by large pieces while the next bytes come in. It holds two megabytes or so at most, in
 * however small chunks they come.
 */
export class WriteBehindFile {
  #piece: Uint8Array<ArrayBuffer> | undefined;
  #filled = 0;
  readonly #written: Uint8Array<ArrayBuffer>[] = [];
  #handle: FileHandle | undefined;
  /** Each waits for the one before; the failure of one is that of all after it. */
  #writes: Promise<void>[] = [];
  #unsynced = 0;
  #syncing: Promise<void> | undefined;

  constructor(readonly path: string) {}

  /** Takes a copy of the bytes. */
  append(bytes: Uint8Array): void {
    for (let taken = 0; taken < bytes.length;) {
      this.#piece ??= this.#written.pop() ?? Buffer.allocUnsafeSlow(pieceBytes);
      const fitting = bytes.subarray(taken, taken + pieceBytes - this.#filled);
      this.#piece.set(fitting, this.#filled);
      this.#filled += fitting.length;
      taken += fitting.length;
      if (this.#filled === pieceBytes) this.#writePiece();
    }
  }

  /**
   * Waits until the disk has nearly caught up.
   * @throws ApiError STORAGE_FULL, STORE_UNAVAILABLE
   */
  async keepUp(): Promise<void> {
    while (this.#writes.length > mostWaiting) await this.#writes.shift();
  }

  /**
   * Writes what is left and closes the file.
   * @throws ApiError STORAGE_FULL, STORE_UNAVAILABLE
   */
  async end(): Promise<void> {
    if (this.#piece) this.#writePiece();
    await this.#writes.at(-1);
    await this.#syncing;
    await this.#close();
  }

  async discard(): Promise<void> {
    await Promise.allSettled([this.#writes.at(-1), this.#syncing]);
    await this.#close();
    await rm(this.path, { force: true });
  }

  #writePiece(): void {
    const write = this.#write(this.#piece!, this.#filled, this.#writes.at(-1));
    this.#piece = undefined;
    this.#filled = 0;
    this.#writes.push(heardLater(write));
  }

  async #write(
    piece: Uint8Array<ArrayBuffer>,
    bytes: number,
    previous: Promise<void> | undefined,
  ): Promise<void> {
    await previous;
    try {
      this.#handle ??= await open(this.path, "wx", 0o600);
      for (let written = 0; written < bytes;)
        written += (await this.#handle.write(piece, written, bytes - written)).bytesWritten;
    } catch (error) {
      throw diskError(error);
    }
    this.#written.push(piece);
    this.#unsynced += bytes;
    if (!this.#syncing && this.#unsynced >= syncedBytes) this.#syncing = heardLater(this.#sync(this.#handle));
  }

  async #sync(handle: FileHandle): Promise<void> {
    this.#unsynced = 0;
    try {
      await handle.datasync();
    } catch (error) {
      // Stays where it is found: the system tells of bytes that were lost only once.
      throw diskError(error);
    }
    this.#syncing = undefined;
  }

  async #close(): Promise<void> {
    await this.#handle?.close();
    this.#handle = undefined;
    // Freed here and now: the garbage collector would let many of them lie.
    for (const piece of this.#written.splice(0)) piece.buffer.transfer(0);
  }
}

/** Until its failure is looked at, it is nobody's unhandled rejection. */
function heardLater(work: Promise<void>): Promise<void> {
  work.catch(() => {});
  return work;
}
