import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";

import { damaged } from "./damaged.ts";
import type { StructureBudget } from "./structure-budget.ts";

/** Bytes that are read, and written again if they were changed, at once. */
const windowBytes = 32 * 1024;
/** Longer ranges are zeroed without being read. */
const smallBytes = 4 * 1024;
/** Bytes that one read may ask for: a structure that wants more is hostile. */
const maxReadBytes = 16 * 1024 * 1024;
const zeroBytes = Buffer.alloc(256 * 1024);

const firstSearchedBytes = 256;

/**
 * Parts of a range to search one after the other: small ones first, because what is searched is mostly near.
 * @param overlap bytes that each part shares with the one before
 */
export function* searchWindows(
  from: number,
  to: number,
  overlap: number,
): Generator<{ readonly from: number; readonly length: number }> {
  let size = firstSearchedBytes;
  for (
    let offset = from;
    offset + overlap < to;
    offset += size - overlap, size = Math.min(size * 4, windowBytes)
  )
    yield { from: offset, length: Math.min(size, to - offset) };
}

/**
 * A file that is changed in place while it is read, in constant memory. Changes that lie close together are written
 * together; a read sees every change made before it.
 *
 * It blocks the thread, which belongs to a media worker: a small write takes a microsecond, waiting for one twenty, and
 * a dashcam's data track has hundreds of thousands of them.
 */
export class InPlaceFile {
  readonly #file: number;
  readonly #buffer = Buffer.allocUnsafeSlow(windowBytes);
  /** The part of the buffer that holds bytes of the file. */
  #window = this.#buffer.subarray(0, 0);
  #windowOffset = 0;
  /** Bytes of the window that must still be written. */
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
   * Calls `work` with the file at `path`, and returns what that returns.
   * @throws the file system's errors, and those of `work`: the file is then not to be used
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

  /** Bytes of the file. */
  get size(): number {
    return this.#size;
  }

  /**
   * `length` bytes from `offset`: not to be written to, and valid until the next call of any method.
   * @throws ApiError DAMAGED_MEDIA where the file has no such bytes
   */
  read(offset: number, length: number): Buffer {
    this.#requireInside(offset, length);
    if (length > windowBytes) {
      if (length > maxReadBytes) throw damaged(`a structure of ${length} bytes at ${offset}`);
      const bytes = Buffer.allocUnsafe(length);
      this.readInto(bytes, offset);
      return bytes;
    }
    if (!this.#holds(offset, length)) this.#load(offset);
    const from = offset - this.#windowOffset;
    return this.#window.subarray(from, from + length);
  }

  /** Up to `length` bytes from `offset`, as {@link read} returns them: fewer at the end of the file. */
  readUpTo(offset: number, length: number): Buffer {
    return this.read(offset, Math.max(0, Math.min(length, this.#size - offset)));
  }

  /**
   * Where these bytes are next, from `from` on; undefined where they do not end before `to`.
   * @throws ApiError DAMAGED_MEDIA where the file has no such range
   */
  indexOf(bytes: Uint8Array, from: number, to: number): number | undefined {
    for (const offset of searchWindows(from, to, bytes.length - 1)) {
      const at = this.read(offset.from, offset.length).indexOf(bytes);
      if (at !== -1) return offset.from + at;
    }
    return undefined;
  }

  /**
   * Fills the buffer with the bytes from `offset`.
   * @throws ApiError DAMAGED_MEDIA where the file has no such bytes
   */
  readInto(buffer: Buffer, offset: number): void {
    this.#requireInside(offset, buffer.length);
    this.#flush();
    this.#fill(buffer, offset);
  }

  /**
   * Fills the range from `offset` up to `end` with one byte, zeros unless told.
   * @throws ApiError DAMAGED_MEDIA for a range outside the file
   */
  wipe(offset: number, end: number, byte = 0): void {
    const length = end - offset;
    this.#requireInside(offset, length);
    if (this.#take(offset, length)) {
      this.#window.fill(byte, offset - this.#windowOffset, end - this.#windowOffset);
      return;
    }
    this.#forget();
    const bytes = byte === 0 ? zeroBytes : Buffer.alloc(Math.min(length, zeroBytes.length), byte);
    for (let done = 0; done < length; done += bytes.length)
      this.#writeAll(bytes.subarray(0, length - done), offset + done);
  }

  /** @throws ApiError DAMAGED_MEDIA for bytes outside the file */
  write(offset: number, bytes: Uint8Array): void {
    this.#requireInside(offset, bytes.length);
    if (this.#take(offset, bytes.length)) this.#window.set(bytes, offset - this.#windowOffset);
    else {
      this.#forget();
      this.#writeAll(bytes, offset);
    }
  }

  /** Cuts everything from `size` on off the file. */
  truncate(size: number): void {
    if (size >= this.#size) return;
    this.#forget();
    ftruncateSync(this.#file, size);
    this.#size = size;
  }

  /** Makes the window hold a range that is about to be changed there; false for one that is too long for that. */
  #take(offset: number, length: number): boolean {
    if (!this.#holds(offset, length)) {
      if (length > smallBytes) return false;
      this.#load(offset);
    }
    const from = offset - this.#windowOffset;
    const isClean = this.#dirtyEnd === this.#dirtyFrom;
    this.#dirtyFrom = isClean ? from : Math.min(this.#dirtyFrom, from);
    this.#dirtyEnd = isClean ? from + length : Math.max(this.#dirtyEnd, from + length);
    return true;
  }

  #holds(offset: number, length: number): boolean {
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

  #forget(): void {
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
