import { open, type FileHandle } from "node:fs/promises";

import { damaged } from "./damaged.ts";
import { StructureBudget } from "./structure-budget.ts";

/** Bytes fetched at least per read, so that walking small structures is no system call each. */
const window = 16 * 1024;
/** Bytes fetched where a walk goes on. */
const walked = 128 * 1024;
/** Bytes that one read may ask for: a structure that wants more is hostile. */
const mostAtOnce = 16 * 1024 * 1024;

/** Random access to a file that may be far larger than memory. */
export class ByteSource {
  /** Spent by every reader of this file's structure. */
  readonly budget: StructureBudget;
  #window: Buffer = Buffer.alloc(0);
  #windowOffset = 0;

  private constructor(
    private readonly handle: FileHandle,
    /** Bytes of the file. */
    readonly size: number,
    /** Where it starts: other files may hold it. */
    private readonly start = 0,
    budget = new StructureBudget(size),
  ) {
    this.budget = budget;
  }

  static async open(path: string): Promise<ByteSource> {
    const handle = await open(path, "r");
    try {
      return new ByteSource(handle, (await handle.stat()).size);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /**
   * A part of this file as a file of its own, for one that is held by another. It spends the same budget, and ends with
   * this one.
   * @throws ApiError DAMAGED_MEDIA where the file has no such bytes
   */
  part(offset: number, length: number): ByteSource {
    if (offset < 0 || length < 0 || offset + length > this.size)
      throw damaged(`no ${length} bytes at ${offset}`);
    return new ByteSource(this.handle, length, this.start + offset, this.budget);
  }

  /**
   * `length` bytes from `offset`. Not to be written to.
   * @throws ApiError DAMAGED_MEDIA where the file has no such bytes
   */
  async read(offset: number, length: number): Promise<Buffer> {
    const end = offset + length;
    if (offset < 0 || length < 0 || end > this.size) throw damaged(`no ${length} bytes at ${offset}`);
    if (offset < this.#windowOffset || end > this.#windowOffset + this.#window.length) {
      const wanted = Math.min(Math.max(length, window), this.size - offset);
      if (length > mostAtOnce) throw damaged(`a structure of ${length} bytes at ${offset}`);
      const buffer = Buffer.allocUnsafe(wanted);
      this.#window = buffer.subarray(0, await fill(buffer, this.handle, this.start + offset));
      this.#windowOffset = offset;
      if (this.#window.length < length) throw damaged(`the file ended at ${offset}`);
    }
    return this.#window.subarray(offset - this.#windowOffset, end - this.#windowOffset);
  }

  /** Up to `length` bytes from `offset`: fewer at the end of the file. */
  async readUpTo(offset: number, length: number): Promise<Buffer> {
    return this.read(offset, Math.max(0, Math.min(length, this.size - offset)));
  }

  /** One byte or more from `offset`, as many as come without effort: for walking byte by byte. None at the end. */
  async readSome(offset: number): Promise<Buffer> {
    const past = offset - this.#windowOffset;
    if (past < 0 || past >= this.#window.length) await this.readUpTo(offset, walked);
    return this.#window.subarray(offset - this.#windowOffset);
  }

  /**
   * Fills the buffer with the bytes from `offset`. Of many, nothing is kept here; few are read together with those after
   * them, as they come in files of a hundred thousand small parts.
   * @throws ApiError DAMAGED_MEDIA where the file has no such bytes
   */
  async readInto(buffer: Buffer, offset: number): Promise<void> {
    if (buffer.length <= window) buffer.set(await this.read(offset, buffer.length));
    else if ((await fill(buffer, this.handle, this.start + offset)) < buffer.length)
      throw damaged(`the file ended at ${offset}`);
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}

/** Reads until the buffer is full or the file ends, and tells how many bytes came. */
async function fill(buffer: Buffer, handle: FileHandle, offset: number): Promise<number> {
  let filled = 0;
  while (filled < buffer.length) {
    const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return filled;
}
