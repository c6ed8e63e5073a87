import { open, rm, type FileHandle } from "node:fs/promises";

import { diskError } from "./disk-failures.ts";

/**
 * Bytes that are written at once. Aligned to no power of two on purpose: on ext4 in a virtual machine that took a third
 * of the kernel's time, likely because Linux caches aligned writes in large blocks, which the host has to back first.
 */
const pieceBytes = 500_000;
/** Pieces that may wait for the disk before whoever brings more has to wait as well. */
const mostWaiting = 2;
/** Pieces that are kept for the next files, by all together: fresh memory costs as much as a third of the writing. */
const mostSpare = 8;
const spare: Uint8Array<ArrayBuffer>[] = [];
/** Flushed while more come in: a large file would otherwise wait long for its last flush. */
const syncedBytes = 16 * 1024 ** 2;

/**
 * A fresh file that grows by large pieces while the next bytes come in. It holds two megabytes or so at most, in
 * however small chunks they come.
 */
export class WriteBehindFile {
  #piece: Uint8Array<ArrayBuffer> | undefined;
  #filled = 0;
  #handle: FileHandle | undefined;
  /** Each waits for the one before; the failure of one is that of all after it. */
  #writes: Promise<void>[] = [];
  #unsynced = 0;
  #syncing: Promise<void> | undefined;
  /** The system tells of bytes that it could not keep only once. */
  #lost: unknown;

  constructor(readonly path: string) {}

  /** Takes a copy of the bytes. */
  append(bytes: Uint8Array): void {
    for (let taken = 0; taken < bytes.length;) {
      this.#piece ??= spare.pop() ?? Buffer.allocUnsafeSlow(pieceBytes);
      const fitting = bytes.subarray(taken, taken + pieceBytes - this.#filled);
      this.#piece.set(fitting, this.#filled);
      this.#filled += fitting.length;
      taken += fitting.length;
      if (this.#filled === pieceBytes) this.#writePiece();
    }
  }

  /**
   * Waits until the disk has nearly caught up, and tells what it could not do.
   * @throws ApiError STORAGE_FULL, STORE_UNAVAILABLE
   */
  async keepUp(): Promise<void> {
    while (this.#writes.length > mostWaiting) await this.#writes.shift();
    if (this.#lost) throw this.#lost;
  }

  /**
   * Writes what is left and closes the file.
   * @throws ApiError STORAGE_FULL, STORE_UNAVAILABLE
   */
  async end(): Promise<void> {
    if (this.#piece) this.#writePiece();
    await this.#writes.at(-1);
    await this.#syncing;
    if (this.#lost) throw this.#lost;
    await this.#close();
  }

  /** Leaves nothing. A file that cannot be removed goes with its folder, at the next start. */
  async discard(): Promise<void> {
    await this.#writes.at(-1)?.catch(() => {});
    await this.#syncing;
    await this.#close();
    if (this.#piece) giveBack(this.#piece);
    this.#piece = undefined;
    await rm(this.path, { force: true }).catch(() => {});
  }

  #writePiece(): void {
    const write = this.#write(this.#piece!, this.#filled, this.#writes.at(-1));
    this.#piece = undefined;
    this.#filled = 0;
    // Looked at when more bytes are due: until then a failure is nobody's unhandled rejection.
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
      this.#handle ??= await open(this.path, "wx", 0o600);
      for (let written = 0; written < bytes;)
        written += (await this.#handle.write(piece, written, bytes - written)).bytesWritten;
    } catch (error) {
      throw diskError(error);
    }
    giveBack(piece);
    this.#unsynced += bytes;
    if (!this.#syncing && this.#unsynced >= syncedBytes) this.#syncing = this.#sync(this.#handle);
  }

  async #sync(handle: FileHandle): Promise<void> {
    this.#unsynced = 0;
    try {
      await handle.datasync();
    } catch (error) {
      this.#lost = diskError(error);
    }
    this.#syncing = undefined;
  }

  async #close(): Promise<void> {
    await this.#handle?.close();
    this.#handle = undefined;
  }
}

/** What is not kept is freed here and now: the garbage collector would let many of them lie. */
function giveBack(piece: Uint8Array<ArrayBuffer>): void {
  if (spare.length < mostSpare) spare.push(piece);
  else piece.buffer.transfer(0);
}
