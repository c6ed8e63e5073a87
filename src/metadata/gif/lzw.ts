const maxCodes = 4096;
const maxCodeBits = 12;

/**
 * Finds the end of the compressed data of a GIF image (GIF89a appendix F). It counts pixels instead of decoding them:
 * the table holds only the number of pixels of each code. Memory is constant.
 */
export class LzwCounter {
  /** Whether the data holds all pixels of the image. */
  hasAllPixels = false;
  readonly #minimumBits: number;
  readonly #clear: number;
  /** The number of pixels that each code stands for. */
  readonly #lengths: Uint32Array;
  #bits: number;
  #next: number;
  #previous = -1;
  #counted = 0;
  #waiting = 0;
  #waitingBits = 0;
  #fedBytes = 0;
  #isDone = false;
  /** Bytes up to the last pixel or the end of the data; undefined until that is reached. */
  #usedBytes: number | undefined;

  /** @param minimumCodeBits the byte before the data: 1 to 11 */
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
   * The number of bytes that decoders need: up to the end code, to the last pixel if another code follows it, or to an
   * invalid code.
   */
  get usedBytes(): number {
    return this.#usedBytes ?? this.#fedBytes;
  }

  /** Processes the next bytes of the data. */
  take(data: Buffer, from: number, to: number): void {
    const end = this.#clear + 1;
    for (let at = from; at < to && !this.#isDone; at++) {
      this.#waiting |= (data[at] as number) << this.#waitingBits;
      this.#waitingBits += 8;
      while (this.#waitingBits >= this.#bits && !this.#isDone) {
        const code = this.#waiting & ((1 << this.#bits) - 1);
        this.#waiting >>>= this.#bits;
        this.#waitingBits -= this.#bits;
        if (code === this.#clear) this.#clearTable();
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

  #clearTable(): void {
    this.#bits = this.#minimumBits + 1;
    this.#next = this.#clear + 2;
    this.#previous = -1;
  }

  /** Counts the pixels of a code; returns false for an invalid one. */
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
