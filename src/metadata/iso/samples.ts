import type { Box } from "./boxes.ts";
import type { InPlaceFile } from "../in-place-file.ts";
import { NumberTable } from "./tables.ts";

/** Sound of a constant bit rate: so many samples together take so many bytes. */
export interface SoundUnit {
  readonly samples: number;
  readonly bytes: number;
}

/** A part of the file. */
export interface Extent {
  readonly offset: number;
  readonly length: number;
}

/**
 * The tables of a track that say where its samples are (`stco` or `co64`, `stsc`, `stsz` or `stz2`; ISO/IEC 14496-12
 * sections 8.6 and 8.7). They are read anew by each walk, in constant memory.
 */
export class SampleTables {
  private constructor(
    private readonly offsets: Box,
    private readonly groups: Box,
    private readonly sizes: Box,
    /** See {@link chunks}. */
    private readonly sound: SoundUnit | undefined,
  ) {}

  /** @param boxes those inside `stbl`; returns undefined where a table is missing, as in a file of fragments */
  static find(boxes: readonly Box[], sound?: SoundUnit): SampleTables | undefined {
    const box = (type: string) => boxes.find((child) => child.type === type);
    const [offsets, groups, sizes] = [box("stco") ?? box("co64"), box("stsc"), box("stsz") ?? box("stz2")];
    return offsets && groups && sizes ? new SampleTables(offsets, groups, sizes, sound) : undefined;
  }

  /**
   * Where the chunks are, in the order of the track. QuickTime counts sound in samples that may be a fraction of a
   * byte or many of them. Its table of sizes may call each of them one byte then; chunks are as long as their
   * {@link SoundUnit} says. Other sizes may be those of a sample of one channel: the longer one counts.
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
   * Where the samples are, in the order of the track.
   * @throws ApiError DAMAGED_MEDIA
   */
  *samples(file: InPlaceFile): Generator<Extent> {
    const sizes = SampleSizes.open(file, this.sizes);
    for (const chunk of this.#chunks(file)) {
      let { offset } = chunk;
      for (let index = 0; index < chunk.samples && sizes.left > 0; index++) {
        // Sizes in a table were paid for when that was opened; a fixed one has no entries.
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

  /** The number of samples in each chunk. */
  *samplesPerChunk(file: InPlaceFile): Generator<number> {
    for (const { samples } of this.#chunks(file)) yield samples;
  }

  *#chunks(file: InPlaceFile): Generator<{ offset: number; samples: number }> {
    const offsets = NumberTable.open(file, this.offsets, { bits: this.offsets.type === "stco" ? 32 : 64 });
    const groups = NumberTable.open(file, this.groups, { bits: 32, numbersEach: 3 });
    /** A group of chunks: the number of the first one, the samples in each, a description. */
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

/** The sizes of a track's samples, one after the other. However many are asked for, each entry is read once. */
class SampleSizes {
  private constructor(
    /** Of all samples, where they are the same; else 0. */
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

  /** The next size; there must be one {@link left}. */
  next(): number {
    if (this.table) return this.table.next();
    this.fixedLeft--;
    return this.fixed;
  }

  /** The next so many sizes together, or as many as there are. */
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
