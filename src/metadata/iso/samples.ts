import type { Box } from "./boxes.ts";
import type { InPlaceFile } from "../in-place-file.ts";
import { NumberTable } from "./tables.ts";

/** Sound with a constant bit rate: this number of samples takes this number of bytes. */
export interface SoundUnit {
  readonly samples: number;
  readonly bytes: number;
}

/** A byte range of the file. */
export interface Extent {
  readonly offset: number;
  readonly length: number;
}

/**
 * The tables that locate a track's samples (`stco` or `co64`, `stsc`, `stsz` or `stz2`; ISO/IEC 14496-12 sections 8.6 and
 * 8.7). Each iteration reads them again, in constant memory.
 */
export class SampleTables {
  private constructor(
    private readonly offsets: Box,
    private readonly groups: Box,
    private readonly sizes: Box,
    /** See {@link chunks}. */
    private readonly sound: SoundUnit | undefined,
  ) {}

  /**
   * @param boxes the children of `stbl`
   * @returns undefined where a table is missing, as in a fragmented file
   */
  static find(boxes: readonly Box[], sound?: SoundUnit): SampleTables | undefined {
    const box = (type: string) => boxes.find((child) => child.type === type);
    const [offsets, groups, sizes] = [box("stco") ?? box("co64"), box("stsc"), box("stsz") ?? box("stz2")];
    return offsets && groups && sizes ? new SampleTables(offsets, groups, sizes, sound) : undefined;
  }

  /**
   * Yields the chunks in track order. QuickTime counts sound in samples that take a fraction of a byte or many bytes. If
   * its size table declares 1 byte for each, the {@link SoundUnit} determines the chunk's length. Any other size may be
   * that of one channel only, so the longer of the two lengths counts.
   * @throws ApiError DAMAGED_MEDIA
   */
  *chunks(file: InPlaceFile): Generator<Extent> {
    const sizes = SampleSizes.open(file, this.sizes);
    const { sound } = this;
    for (const { offset, samples } of this.#chunks(file)) {
      const length = sizes.sum(samples);
      if (!sound || sizes.fixed === 0) yield { offset, length };
      else {
        const units = Math.ceil(samples / sound.samples) * sound.bytes;
        yield { offset, length: sizes.fixed === 1 ? units : Math.max(length, units) };
      }
    }
  }

  /**
   * Yields the samples in track order.
   * @throws ApiError DAMAGED_MEDIA
   */
  *samples(file: InPlaceFile): Generator<Extent> {
    const sizes = SampleSizes.open(file, this.sizes);
    for (const chunk of this.#chunks(file)) {
      let { offset } = chunk;
      for (let index = 0; index < chunk.samples && sizes.left > 0; index++) {
        // Opening a size table spends for each of its entries; a fixed size has none.
        if (sizes.fixed > 0) file.budget.tableEntries.spend();
        const length = sizes.next();
        yield { offset, length };
        offset += length;
        if (offset > file.size) {
          sizes.sum(chunk.samples - index - 1);
          break;
        }
      }
    }
  }

  /** Yields the number of samples in each chunk. */
  *samplesPerChunk(file: InPlaceFile): Generator<number> {
    for (const { samples } of this.#chunks(file)) yield samples;
  }

  *#chunks(file: InPlaceFile): Generator<{ offset: number; samples: number }> {
    const offsets = NumberTable.open(file, this.offsets, { bits: this.offsets.type === "stco" ? 32 : 64 });
    const groups = NumberTable.open(file, this.groups, { bits: 32, numbersPerEntry: 3 });
    /** Reads a group of chunks. The third number, the index of the sample description, is skipped. */
    const nextGroup = () => {
      if (groups.left === 0) return undefined;
      const [firstChunk, samples] = [groups.next(), groups.next()];
      groups.next();
      return { firstChunk, samples };
    };
    let group = nextGroup();
    let following = nextGroup();
    for (let chunk = 1; group && offsets.left > 0; chunk++) {
      while (following && following.firstChunk <= chunk) {
        group = following;
        following = nextGroup();
      }
      yield { offset: offsets.next(), samples: group.samples };
    }
  }
}

/** Reads the sizes of a track's samples in order, each entry once. */
class SampleSizes {
  private constructor(
    /** The size of all samples if they have the same; otherwise 0. */
    readonly fixed: number,
    private fixedLeft: number,
    private readonly table: NumberTable | undefined,
  ) {}

  static open(file: InPlaceFile, box: Box): SampleSizes {
    const head = file.read(box.body, Math.min(12, box.end - box.body));
    const fixed = box.type === "stsz" ? head.readUInt32BE(4) : 0;
    if (fixed > 0) return new SampleSizes(fixed, head.readUInt32BE(8), undefined);
    const bits = box.type === "stsz" ? 32 : head.readUInt8(7);
    return new SampleSizes(0, 0, NumberTable.open(file, box, { bits, countAt: 8 }));
  }

  get left(): number {
    return this.table ? this.table.left : this.fixedLeft;
  }

  /** Returns the next size. Requires {@link left} > 0. */
  next(): number {
    if (this.table) return this.table.next();
    this.fixedLeft--;
    return this.fixed;
  }

  /** Returns the total of up to `samples` further sizes. */
  sum(samples: number): number {
    const counted = Math.min(samples, this.left);
    if (!this.table) {
      this.fixedLeft -= counted;
      return counted * this.fixed;
    }
    let sum = 0;
    for (let index = 0; index < counted; index++) sum += this.table.next();
    return sum;
  }
}
