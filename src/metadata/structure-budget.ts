import { damaged } from "./damaged.ts";

/**
 * Limits how much structure is parsed from one file. The budget applies to the whole file rather than to a box or list, so
 * that nesting and repetition gain an attacker nothing. It grows with the file size, because in real files every element
 * comes with content: a small hostile file is refused early, and hours of video pass.
 */
export class StructureBudget {
  /**
   * Boxes, EBML elements, segments, chunks, GIF blocks, HEIF items with their extents, properties and references.
   * An animation of 30,000 GIF frames has 60,000; an hour of video in one-second fragments has up to 50,000.
   */
  readonly elements: Allowance;

  /**
   * Matroska blocks, AVI chunks and MPEG packets, which are processed one by one and take no memory. Hours of video have
   * millions; a block of a still picture takes 30 bytes.
   */
  readonly blocks: Allowance;

  /**
   * Entries of sample tables, most of which are read twice through small buffers, and samples without a table entry. Ten
   * hours at 25 samples per second have 1.8 million.
   */
  readonly tableEntries: Allowance;

  /**
   * Windows of 32 KB that are read while the file is changed in place. Reading a file from start to end takes one for
   * each 4 KB at most, however its tracks are interleaved; tables that jump across the file take one for each sample.
   */
  readonly windows: Allowance;

  /** @param fileSize in bytes */
  constructor(fileSize: number) {
    // An element takes about 100 bytes of memory; blocks, entries and windows take none.
    this.elements = new Allowance(
      Math.min(1_000_000, inProportion(fileSize, 1024, 100_000)),
      "structure elements",
    );
    this.blocks = new Allowance(inProportion(fileSize, 16, 100_000), "blocks");
    this.tableEntries = new Allowance(inProportion(fileSize, 8, 8_000_000), "sample table entries");
    this.windows = new Allowance(inProportion(fileSize, 2048, 50_000), "jumps across the file");
  }
}

/** Returns one for every `bytesPerUnit` bytes of the file, and at least `min`. */
function inProportion(fileSize: number, bytesPerUnit: number, min: number): number {
  return Math.max(min, Math.floor(fileSize / bytesPerUnit));
}

class Allowance {
  constructor(
    private left: number,
    private readonly units: string,
  ) {}

  /** @throws ApiError DAMAGED_MEDIA when the allowance is used up */
  spend(count = 1): void {
    this.left -= count;
    if (this.left < 0) throw damaged(`too many ${this.units}`);
  }
}
