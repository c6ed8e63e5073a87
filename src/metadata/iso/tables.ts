import { damaged } from "../damaged.ts";
import type { Box } from "./boxes.ts";
import type { InPlaceFile } from "../in-place-file.ts";

const bufferBytes = 32 * 1024;

export interface TableShape {
  /** Size of each number. */
  readonly bits: number;
  /** Defaults to 1. */
  readonly numbersPerEntry?: number;
  /** Offset of the entry count in the box's content, directly before the entries. Defaults to 4. */
  readonly countAt?: number;
}

/** Reads the numbers of a sample table in order, in constant memory. */
export class NumberTable {
  #buffer = Buffer.alloc(0);
  #read = 0;
  readonly #bits: number;

  private constructor(
    private readonly file: InPlaceFile,
    private offset: number,
    /** Numbers not read yet. */
    public left: number,
    bits: number,
  ) {
    this.#bits = bits;
  }

  /** @throws ApiError DAMAGED_MEDIA for a table that exceeds its box or the file's budget of table entries */
  static open(
    file: InPlaceFile,
    box: Box,
    { bits, numbersPerEntry = 1, countAt = 4 }: TableShape,
  ): NumberTable {
    if (![4, 8, 16, 32, 64].includes(bits)) throw damaged(`numbers of ${bits} bits in ${box.type}`);
    const start = countAt + 4;
    if (box.body + start > box.end) throw damaged(`a short ${box.type}`);
    const entries = file.read(box.body, start).readUInt32BE(countAt);
    if (box.body + start + Math.ceil((entries * numbersPerEntry * bits) / 8) > box.end)
      throw damaged(`no ${entries} entries in ${box.type}`);
    file.budget.tableEntries.spend(entries);
    return new NumberTable(file, box.body + start, entries * numbersPerEntry, bits);
  }

  /** Returns the next number. Requires {@link left} > 0. */
  next(): number {
    if (this.#read * this.#bits >= this.#buffer.length * 8) this.#fill();
    const index = this.#read++;
    this.left--;
    if (this.#bits === 32) return this.#buffer.readUInt32BE(index * 4);
    if (this.#bits === 64) return Number(this.#buffer.readBigUInt64BE(index * 8));
    if (this.#bits >= 8) return this.#buffer.readUIntBE((index * this.#bits) / 8, this.#bits / 8);
    const pair = this.#buffer.readUInt8(index >> 1);
    return index % 2 === 0 ? pair >> 4 : pair & 15;
  }

  #fill(): void {
    const length = Math.min(bufferBytes, Math.ceil((this.left * this.#bits) / 8));
    if (this.#buffer.length !== length) this.#buffer = Buffer.alloc(length);
    this.file.readInto(this.#buffer, this.offset);
    this.offset += length;
    this.#read = 0;
  }
}
