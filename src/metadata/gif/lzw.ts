const maxCodes = 4096;
const maxCodeBits = 12;

/**
 * Finds out where the compressed data of an image in a GIF ends (GIF89a appendix F). Pixels are counted, not decoded: of
 * each code only the number of pixels that it stands for is known. Memory is constant.
 */
export class LzwCounter {
  /** The data holds all pixels of the image. */
  hasAllPixels = false;
  readonly #minimumBits: number;
  readonly #clear: number;
  /** Pixels that each code stands for. */
  readonly #lengths: Uint32Array;
  #bits: number;
  #next: number;
  #previous = -1;
  #counted = 0;
  #waiting = 0;
  #waitingBits = 0;
  #fedBytes = 0;
  #isDone = false;
  /** Bytes up to the last pixel, or up to the end of the data. */
  #usedBytes: number | undefined;

  /** @param minimumCodeBits as the byte in front of the data says: 1 to 11 */
  constructor(
    minimumCodeBits: number,
    private readonly pixels: number,
  ) {
    this.#minimumBits = minimumCodeBits;
    this.#clear = 1 << minimumCodeBits;
    this.#lengths = new Uint32Array(maxCodes).fill(1, 0, this.#clear);
    this.#bits = minimumCodeBits + 1;
    this.#next = this.#clear + 2;
  }

  /**
   * Bytes of the data that decoders need: up to the code that ends it, to the last pixel where another code follows, or to
   * an impossible code.
   */
  get usedBytes(): number {
    return this.#usedBytes ?? this.#fedBytes;
  }

  /** Takes the next bytes of the data. */
  take(data: Buffer, from: number, to: number): void {
    const end = this.#clear + 1;
    for (let at = from; at < to && !this.#isDone; at++) {
      this.#waiting |= (data[at] as number) << this.#waitingBits;
      this.#waitingBits += 8;
      while (this.#waitingBits >= this.#bits && !this.#isDone) {
        const code = this.#waiting & ((1 << this.#bits) - 1);
        this.#waiting >>>= this.#bits;
        this.#waitingBits -= this.#bits;
        if (code === this.#clear) this.#startAnew();
        else if (this.hasAllPixels) {
          if (code === end) this.#usedBytes = this.#fedBytes + at - from + 1;
          this.#isDone = true;
        } else if (code === end || !this.#count(code)) {
          this.#usedBytes = this.#fedBytes + at - from + 1;
          this.#isDone = true;
        } else if (this.#counted >= this.pixels) {
          this.hasAllPixels = true;
          this.#usedBytes = this.#fedBytes + at - from + 1;
        }
      }
    }
    this.#fedBytes += to - from;
  }

  #startAnew(): void {
    this.#bits = this.#minimumBits + 1;
    this.#next = this.#clear + 2;
    this.#previous = -1;
  }

  /** Counts the pixels of a code; false for an impossible one. */
  #count(code: number): boolean {
    const isFirst = this.#previous === -1;
    if (code > this.#next || (isFirst && code >= this.#clear)) return false;
    if (!isFirst && this.#next < maxCodes) {
      this.#lengths[this.#next++] = (this.#lengths[this.#previous] as number) + 1;
      if (this.#next === 1 << this.#bits && this.#bits < maxCodeBits) this.#bits++;
    }
    this.#counted += this.#lengths[code] as number;
    this.#previous = code;
    return true;
  }
}
