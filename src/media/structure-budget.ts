import { damaged } from "./damaged.ts";

/**
 * How much structure is read from one file, whatever that file claims. The budget belongs to the file and not to a
 * box or list in it, so that nesting and repetition gain an attacker nothing. It grows with the size of the file,
 * because every element of a real file comes with content: small files are refused at once, hours of video pass.
 */
export class StructureBudget {
  /**
   * Boxes, EBML elements, segments, chunks, GIF blocks, HEIF items with their extents, properties and references.
   * An animation of 30,000 GIF frames has 60,000; an hour of video in one-second fragments has up to 50,000.
   */
  readonly elements: Allowance;

  /** Matroska blocks in clusters of unknown size, which are passed over one by one. Hours of live video have millions. */
  readonly blocks: Allowance;

  /** Entries of sample tables, which are read through small buffers. Ten hours at 25 samples a second have 1.8 million. */
  readonly tableEntries = new Allowance(4_000_000, "sample table entries");

  /** @param fileSize in bytes */
  constructor(fileSize: number) {
    // An element that is kept takes about 100 bytes of memory, a block none.
    this.elements = new Allowance(inProportion(fileSize, 1024, 1_000_000), "structure elements");
    this.blocks = new Allowance(inProportion(fileSize, 32, 3_000_000), "blocks");
  }
}

/** 100,000 of a small file, then one for every so many bytes. */
function inProportion(fileSize: number, bytesEach: number, most: number): number {
  return Math.min(most, Math.max(100_000, Math.floor(fileSize / bytesEach)));
}

class Allowance {
  constructor(
    private left: number,
    private readonly what: string,
  ) {}

  /** @throws ApiError DAMAGED_MEDIA once the file has used up what it may have */
  spend(count = 1): void {
    this.left -= count;
    if (this.left < 0) throw damaged(`too many ${this.what}`);
  }
}
