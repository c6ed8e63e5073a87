import { damaged } from "../damaged.ts";
import type { Box } from "./boxes.ts";
import type { InPlaceFile } from "../in-place-file.ts";

const bufferBytes = 32 * 1024;

export interface TableShape {
  /** Of each number. */
  readonly bits: number;
  /** Numbers that make an entry; 1 unless given. */
  readonly numbersEach?: number;
  /** Where in the box's content the number of entries stands, right before them; 4 unless given. */
  readonly countAt?: number;
}

/** The numbers of a sample table, read one after the other in constant memory, however long the table is. */
export class NumberTable {
  #buffer = Buffer.alloc(0);
  #read = 0;
  readonly #bits: number;

  private constructor(
    private readonly file: InPlaceFile,
    private offset: number,
    /** Numbers that were not read yet. */
    public left: number,
    bits: number,
  ) {
    this.#bits = bits;
  }

  /** @throws ApiError DAMAGED_MEDIA for a table that its box cannot hold, or that is too long together with others */
  static open(file: InPlaceFile, box: Box, { bits, numbersEach = 1, countAt = 4 }: TableShape): NumberTable {
    if (![4, 8, 16, 32, 64].includes(bits)) throw damaged(`numbers of ${bits} bits in ${box.type}`);
    const start = countAt + 4;
    if (box.body + start > box.end) throw damaged(`a short ${box.type}`);
    const entries = file.read(box.body, start).readUInt32BE(countAt);
    if (box.body + start + Math.ceil((entries * numbersEach * bits) / 8) > box.end)
      throw damaged(`no ${entries} entries in ${box.type}`);
    file.budget.tableEntries.spend(entries);
    return new NumberTable(file, box.body + start, entries * numbersEach, bits);
  }

  /** The next number; there must be one {@link left}. */
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
