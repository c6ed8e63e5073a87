import { open, type FileHandle } from "node:fs/promises";

import { damaged } from "./damaged.ts";
import { StructureBudget } from "./structure-budget.ts";

/** Minimum size of a read, so that walking small structures does not need a system call for each. */
const minReadBytes = 16 * 1024;
/** Size of a read for {@link ByteSource.readSome}. */
const walkReadBytes = 128 * 1024;
/** Limit on one read: real structures are smaller. */
export const maxReadBytes = 16 * 1024 * 1024;

/** Random access to a file that may be far larger than memory. */
export class ByteSource {
  /** Shared by all readers of this file's structure. */
  readonly budget: StructureBudget;
  #window: Buffer = Buffer.alloc(0);
  #windowOffset = 0;

  private constructor(
    private readonly handle: FileHandle,
    /** Size in bytes. */
    readonly size: number,
    /** Position in the opened file, for a file embedded in another one. */
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
   * Returns a view of an embedded file. It shares the budget, and becomes unusable when this source is closed.
   * @throws ApiError DAMAGED_MEDIA for a range outside the file
   */
  part(offset: number, length: number): ByteSource {
    if (offset < 0 || length < 0 || offset + length > this.size)
      throw damaged(`no ${length} bytes at ${offset}`);
    return new ByteSource(this.handle, length, this.start + offset, this.budget);
  }

  /**
   * Returns `length` bytes from `offset`. The buffer is read-only.
   * @throws ApiError DAMAGED_MEDIA for a range outside the file, or longer than {@link maxReadBytes}
   */
  async read(offset: number, length: number): Promise<Buffer> {
    const end = offset + length;
    if (offset < 0 || length < 0 || end > this.size) throw damaged(`no ${length} bytes at ${offset}`);
    if (offset < this.#windowOffset || end > this.#windowOffset + this.#window.length) {
      const bufferBytes = Math.min(Math.max(length, minReadBytes), this.size - offset);
      if (length > maxReadBytes) throw damaged(`a structure of ${length} bytes at ${offset}`);
      const buffer = Buffer.allocUnsafe(bufferBytes);
      this.#window = buffer.subarray(0, await fill(buffer, this.handle, this.start + offset));
      this.#windowOffset = offset;
      if (this.#window.length < length) throw damaged(`the file ended at ${offset}`);
    }
    return this.#window.subarray(offset - this.#windowOffset, end - this.#windowOffset);
  }

  /** Like {@link read}, but returns fewer bytes at the end of the file. */
  async readUpTo(offset: number, length: number): Promise<Buffer> {
    return this.read(offset, Math.max(0, Math.min(length, this.size - offset)));
  }

  /** Returns all buffered bytes from `offset` on: at least one, except at the end of the file. For walking byte by byte. */
  async readSome(offset: number): Promise<Buffer> {
    const position = offset - this.#windowOffset;
    if (position < 0 || position >= this.#window.length) await this.readUpTo(offset, walkReadBytes);
    return this.#window.subarray(offset - this.#windowOffset);
  }

  /**
   * Fills the buffer with the bytes from `offset`. Short reads go through the window, because a file may consist of a
   * hundred thousand small parts.
   * @throws ApiError DAMAGED_MEDIA for a range outside the file
   */
  async readInto(buffer: Buffer, offset: number): Promise<void> {
    if (buffer.length <= minReadBytes) buffer.set(await this.read(offset, buffer.length));
    else if ((await fill(buffer, this.handle, this.start + offset)) < buffer.length)
      throw damaged(`the file ended at ${offset}`);
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}

/** Reads until the buffer is full or the file ends, and returns the number of bytes read. */
async function fill(buffer: Buffer, handle: FileHandle, offset: number): Promise<number> {
  let filled = 0;
  while (filled < buffer.length) {
    const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return filled;
}
