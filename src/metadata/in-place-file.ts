import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";

import { maxReadBytes } from "./byte-source.ts";
import { damaged } from "./damaged.ts";
import type { StructureBudget } from "./structure-budget.ts";

/** Size of the buffered part of the file. */
const windowBytes = 32 * 1024;
/** Longer changes bypass the buffer. */
const maxBufferedBytes = 4 * 1024;
const zeroBytes = Buffer.alloc(256 * 1024);

const firstSearchBytes = 256;

/**
 * Splits a range into windows for a search, small ones first because matches are usually near.
 * @param overlap bytes that each window shares with the previous one
 */
export function* searchWindows(
  from: number,
  to: number,
  overlap: number,
): Generator<{ readonly from: number; readonly length: number }> {
  let size = firstSearchBytes;
  for (
    let offset = from;
    offset + overlap < to;
    offset += size - overlap, size = Math.min(size * 4, windowBytes)
  )
    yield { from: offset, length: Math.min(size, to - offset) };
}

/**
 * A file that is read and changed in place, in constant memory. Nearby changes are written together, and reads see all
 * earlier changes.
 *
 * Calls are synchronous, because the thread belongs to a media worker: a small write takes about 1 µs and awaiting one
 * about 20 µs, and the data track of a dashcam needs hundreds of thousands.
 */
export class InPlaceFile {
  readonly #file: number;
  readonly #buffer = Buffer.allocUnsafeSlow(windowBytes);
  /** The filled part of the buffer. */
  #window = this.#buffer.subarray(0, 0);
  #windowOffset = 0;
  /** The range of the window that is not written yet. */
  #dirtyFrom = 0;
  #dirtyEnd = 0;
  #size: number;

  private constructor(
    file: number,
    /** Limits how much structure may be read from the file. */
    readonly budget: StructureBudget,
  ) {
    this.#file = file;
    this.#size = fstatSync(file).size;
  }

  /**
   * Opens the file at `path`, calls `work` and returns its result.
   * @throws file system errors, and those of `work`; the file is only partly changed then
   */
  static edit<T>(path: string, budget: StructureBudget, work: (file: InPlaceFile) => T): T {
    const descriptor = openSync(path, "r+");
    try {
      const file = new InPlaceFile(descriptor, budget);
      const result = work(file);
      file.#flush();
      return result;
    } finally {
      closeSync(descriptor);
    }
  }

  /** Size of the file in bytes. */
  get size(): number {
    return this.#size;
  }

  /**
   * Returns `length` bytes from `offset`. The buffer is read-only and valid until the next method call.
   * @throws ApiError DAMAGED_MEDIA for a range outside the file
   */
  read(offset: number, length: number): Buffer {
    this.#requireInside(offset, length);
    if (length > windowBytes) {
      if (length > maxReadBytes) throw damaged(`a structure of ${length} bytes at ${offset}`);
      const bytes = Buffer.allocUnsafe(length);
      this.readInto(bytes, offset);
      return bytes;
    }
    if (!this.#isLoaded(offset, length)) this.#load(offset);
    const from = offset - this.#windowOffset;
    return this.#window.subarray(from, from + length);
  }

  /**
   * Returns the big-endian number in the `length` bytes (1 to 6) from `offset`, without the cost of a buffer.
   * @throws ApiError DAMAGED_MEDIA for a range outside the file
   */
  readUInt(offset: number, length: number): number {
    this.#requireInside(offset, length);
    if (!this.#isLoaded(offset, length)) this.#load(offset);
    return this.#window.readUIntBE(offset - this.#windowOffset, length);
  }

  /** Like {@link read}, but returns fewer bytes at the end of the file. */
  readUpTo(offset: number, length: number): Buffer {
    return this.read(offset, Math.max(0, Math.min(length, this.#size - offset)));
  }

  /**
   * Returns the offset of the first occurrence of `bytes` between `from` and `to`, or undefined.
   * @throws ApiError DAMAGED_MEDIA for a range outside the file
   */
  indexOf(bytes: Uint8Array, from: number, to: number): number | undefined {
    for (const window of searchWindows(from, to, bytes.length - 1)) {
      const at = this.read(window.from, window.length).indexOf(bytes);
      if (at !== -1) return window.from + at;
    }
    return undefined;
  }

  /**
   * Fills the buffer with the bytes from `offset`.
   * @throws ApiError DAMAGED_MEDIA for a range outside the file
   */
  readInto(buffer: Buffer, offset: number): void {
    this.#requireInside(offset, buffer.length);
    this.#flush();
    this.#fill(buffer, offset);
  }

  /**
   * Fills the range from `offset` up to `end` with one byte, zero by default.
   * @throws ApiError DAMAGED_MEDIA for a range outside the file
   */
  wipe(offset: number, end: number, byte = 0): void {
    const length = end - offset;
    this.#requireInside(offset, length);
    if (this.#markDirty(offset, length)) {
      this.#window.fill(byte, offset - this.#windowOffset, end - this.#windowOffset);
      return;
    }
    this.#discardWindow();
    const bytes = byte === 0 ? zeroBytes : Buffer.alloc(Math.min(length, zeroBytes.length), byte);
    for (let done = 0; done < length; done += bytes.length)
      this.#writeAll(bytes.subarray(0, length - done), offset + done);
  }

  /** @throws ApiError DAMAGED_MEDIA for bytes outside the file */
  write(offset: number, bytes: Uint8Array): void {
    this.#requireInside(offset, bytes.length);
    if (this.#markDirty(offset, bytes.length)) this.#window.set(bytes, offset - this.#windowOffset);
    else {
      this.#discardWindow();
      this.#writeAll(bytes, offset);
    }
  }

  /** Shortens the file to `size` bytes; does nothing if it is not longer. */
  truncate(size: number): void {
    if (size >= this.#size) return;
    this.#discardWindow();
    ftruncateSync(this.#file, size);
    this.#size = size;
  }

  /** Loads a range and marks it as changed; returns false for a range too long for the window. */
  #markDirty(offset: number, length: number): boolean {
    if (!this.#isLoaded(offset, length)) {
      if (length > maxBufferedBytes) return false;
      this.#load(offset);
    }
    const from = offset - this.#windowOffset;
    const isClean = this.#dirtyEnd === this.#dirtyFrom;
    this.#dirtyFrom = isClean ? from : Math.min(this.#dirtyFrom, from);
    this.#dirtyEnd = isClean ? from + length : Math.max(this.#dirtyEnd, from + length);
    return true;
  }

  #isLoaded(offset: number, length: number): boolean {
    const from = offset - this.#windowOffset;
    return from >= 0 && from + length <= this.#window.length;
  }

  #load(offset: number): void {
    this.budget.windows.spend();
    this.#flush();
    this.#window = this.#buffer.subarray(0, Math.min(windowBytes, this.#size - offset));
    this.#windowOffset = offset;
    this.#fill(this.#window, offset);
  }

  #flush(): void {
    const { length } = this.#window.subarray(this.#dirtyFrom, this.#dirtyEnd);
    if (length === 0) return;
    this.#writeAll(
      this.#window.subarray(this.#dirtyFrom, this.#dirtyEnd),
      this.#windowOffset + this.#dirtyFrom,
    );
    this.#dirtyFrom = this.#dirtyEnd = 0;
  }

  #discardWindow(): void {
    this.#flush();
    this.#window = this.#buffer.subarray(0, 0);
  }

  #fill(buffer: Buffer, offset: number): void {
    for (let filled = 0; filled < buffer.length;) {
      const read = readSync(this.#file, buffer, filled, buffer.length - filled, offset + filled);
      if (read === 0) throw damaged(`the file ended at ${offset + filled}`);
      filled += read;
    }
  }

  #writeAll(bytes: Uint8Array, offset: number): void {
    for (let done = 0; done < bytes.length;)
      done += writeSync(this.#file, bytes, done, bytes.length - done, offset + done);
  }

  #requireInside(offset: number, length: number): void {
    if (!(offset >= 0 && length >= 0 && offset + length <= this.#size))
      throw damaged(`no ${length} bytes at ${offset}`);
  }
}
