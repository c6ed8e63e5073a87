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

  /**
   * Matroska blocks, AVI chunks and MPEG packets, which are passed one by one and take no memory. Hours of video have
   * millions; one with a still picture takes 30 bytes.
   */
  readonly blocks: Allowance;

  /**
   * Entries of sample tables, which are read through small buffers, most of them twice, and samples that are walked
   * without such an entry. Ten hours at 25 samples a second have 1.8 million.
   */
  readonly tableEntries: Allowance;

  /**
   * Windows of 32 KB that are read while the file is changed in place. Reading a file from start to end takes one for
   * each 4 KB at most, however its tracks are interleaved; tables that jump across the file take one for each sample.
   */
  readonly windows: Allowance;

  /** @param fileSize in bytes */
  constructor(fileSize: number) {
    // An element that is kept takes about 100 bytes of memory, all else none.
    this.elements = new Allowance(
      Math.min(1_000_000, inProportion(fileSize, 1024, 100_000)),
      "structure elements",
    );
    this.blocks = new Allowance(inProportion(fileSize, 16, 100_000), "blocks");
    this.tableEntries = new Allowance(inProportion(fileSize, 8, 8_000_000), "sample table entries");
    this.windows = new Allowance(inProportion(fileSize, 2048, 50_000), "jumps across the file");
  }
}

/** One for every so many bytes, and this many of a small file. */
function inProportion(fileSize: number, bytesEach: number, least: number): number {
  return Math.max(least, Math.floor(fileSize / bytesEach));
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
