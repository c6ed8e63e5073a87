import { damaged } from "./damaged.ts";

/** Ranges that stay apart when all are known: 64 MB of memory. A film has one for each part that is not wiped. */
const maxRanges = 4_000_000;

/**
 * A set of bytes of a file, kept as the ranges that they form. Ranges may be added in any order and may overlap;
 * those that follow each other take no memory.
 */
export class RangeSet {
  #starts = new Float64Array(1024);
  #ends = new Float64Array(1024);
  #count = 0;
  #isSorted = true;

  /**
   * Adds the bytes from `start` up to `end`.
   * @throws ApiError DAMAGED_MEDIA for a file in too many parts
   */
  add(start: number, end: number): void {
    if (end <= start) return;
    const last = this.#count - 1;
    const [lastStart = -1, lastEnd = -1] = [this.#starts[last], this.#ends[last]];
    if (start >= lastStart && start <= lastEnd) {
      if (end > lastEnd) this.#ends[last] = end;
      return;
    }
    if (this.#count === this.#starts.length) this.#makeRoom();
    if (start < (this.#ends[this.#count - 1] ?? 0)) this.#isSorted = false;
    this.#starts[this.#count] = start;
    this.#ends[this.#count] = end;
    this.#count++;
  }

  /** The ranges between `from` and `to` that are not in the set, in ascending order. */
  *gaps(from: number, to: number): Generator<{ readonly start: number; readonly end: number }> {
    this.#join();
    let start = from;
    for (let index = this.#firstEndingBehind(from); index < this.#count; index++) {
      const rangeStart = this.#starts[index] as number;
      if (rangeStart >= to) break;
      if (rangeStart > start) yield { start, end: rangeStart };
      start = this.#ends[index] as number;
    }
    if (start < to) yield { start, end: to };
  }

  /** The set itself, as ranges in ascending order that do not touch. */
  *ranges(): Generator<{ readonly start: number; readonly end: number }> {
    this.#join();
    for (let index = 0; index < this.#count; index++)
      yield { start: this.#starts[index] as number, end: this.#ends[index] as number };
  }

  /** Where the last bytes of the set between `from` and `to` end; undefined where there are none. */
  lastEnd(from: number, to: number): number | undefined {
    this.#join();
    const index = this.#firstEndingBehind(to - 1);
    const start = this.#starts[index];
    if (index < this.#count && start !== undefined && start < to) return to;
    const end = index > 0 ? this.#ends[index - 1] : undefined;
    return end !== undefined && end > from ? end : undefined;
  }

  /** The index of the first range, of joined ones, that ends behind `offset`. */
  #firstEndingBehind(offset: number): number {
    let low = 0;
    for (let high = this.#count; low < high;) {
      const middle = (low + high) >>> 1;
      if ((this.#ends[middle] as number) <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Joins the ranges that overlap or touch, and grows where that was not enough. */
  #makeRoom(): void {
    this.#join();
    if (this.#count <= this.#starts.length / 2) return;
    if (this.#starts.length >= maxRanges) throw damaged("media data in too many parts");
    this.#starts = grown(this.#starts);
    this.#ends = grown(this.#ends);
  }

  /**
   * Sorts starts and ends, each by themselves: the bytes up to an end belong to the set as long as more ranges have
   * started than ended.
   */
  #join(): void {
    if (this.#isSorted) return;
    const [starts, ends] = [this.#starts, this.#ends];
    starts.subarray(0, this.#count).sort();
    ends.subarray(0, this.#count).sort();
    let joined = 0;
    let start = starts[0] as number;
    for (let index = 0; index < this.#count; index++) {
      const end = ends[index] as number;
      const next = starts[index + 1] as number;
      if (index + 1 < this.#count && next <= end) continue;
      starts[joined] = start;
      ends[joined] = end;
      joined++;
      start = next;
    }
    this.#count = joined;
    this.#isSorted = true;
  }
}

function grown(numbers: Float64Array): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(Math.min(numbers.length * 2, maxRanges));
  larger.set(numbers);
  return larger;
}
