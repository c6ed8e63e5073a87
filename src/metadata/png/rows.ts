/** Samples per pixel by colour type (PNG third edition, section 11.2.1). */
const samplesPerPixel: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

/** The passes of Adam7 interlacing: first column, first row, column step, row step (section 8.1). */
const passes = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

/** The largest filter type of a row (section 9.2). */
const maxFilterType = 4;

interface Pass {
  /** The number of rows. */
  readonly count: number;
  /** Bytes of a row without its filter type. */
  readonly bytes: number;
}

/** Counts the inflated rows of a picture and checks their filter types. */
export class RowChecker {
  /** Bytes of all rows together. */
  readonly bytes: number;
  hasBadFilter = false;
  readonly #passes: readonly Pass[];
  #pass = 0;
  #rows = 0;
  /** Bytes of the current row that are still to come; 0 if the next byte is a filter type. */
  #missing = 0;

  /** @param header content of IHDR, or its equivalent for a frame */
  constructor(header: Buffer) {
    this.#passes = passesOf(header);
    this.bytes = this.#passes.reduce((sum, { count, bytes }) => sum + count * (1 + bytes), 0);
  }

  /** Whether all rows were taken. */
  get isDone(): boolean {
    return this.#pass === this.#passes.length;
  }

  /** Takes the next inflated bytes. Those after the last row are ignored. */
  take(bytes: Buffer): void {
    for (let at = 0; at < bytes.length && !this.isDone;) {
      const { count, bytes: length } = this.#passes[this.#pass]!;
      if (this.#missing === 0) {
        if (bytes[at]! > maxFilterType) this.hasBadFilter = true;
        this.#missing = length;
        at += 1;
      }
      const taken = Math.min(this.#missing, bytes.length - at);
      this.#missing -= taken;
      at += taken;
      if (this.#missing > 0 || ++this.#rows < count) continue;
      this.#rows = 0;
      this.#pass += 1;
    }
  }
}

function passesOf(header: Buffer): Pass[] {
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  const bits = header.readUInt8(8) * (samplesPerPixel[header.readUInt8(9)] ?? 4);
  const bytesOf = (pixels: number) => Math.ceil((pixels * bits) / 8);
  if (header.readUInt8(12) === 0) return [{ count: height, bytes: bytesOf(width) }];
  return passes
    .map(([x, y, across, down]) => ({
      pixels: Math.ceil((width - x) / across),
      count: Math.ceil((height - y) / down),
    }))
    .filter(({ pixels, count }) => pixels > 0 && count > 0)
    .map(({ pixels, count }) => ({ count, bytes: bytesOf(pixels) }));
}
