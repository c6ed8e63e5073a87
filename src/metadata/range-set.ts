import { damaged } from "./damaged.ts";

/** Limit on ranges that do not touch: 64 MB of memory. A real video has one for each stretch of kept data. */
const maxRanges = 4_000_000;

/**
 * A set of byte positions, stored as ranges. Ranges may be added in any order and may overlap; a range that continues the
 * previous one takes no memory.
 */
export class RangeSet {
  #starts = new Float64Array(1024);
  #ends = new Float64Array(1024);
  #count = 0;
  #isSorted = true;

  /**
   * Adds the bytes from `start` up to `end`.
   * @throws ApiError DAMAGED_MEDIA for too many separate ranges
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

  /** Yields the ranges between `from` and `to` that are not in the set, in ascending order. */
  *gaps(from: number, to: number): Generator<{ readonly start: number; readonly end: number }> {
    this.#merge();
    let start = from;
    for (let index = this.#firstEndingAfter(from); index < this.#count; index++) {
      const rangeStart = this.#starts[index] as number;
      if (rangeStart >= to) break;
      if (rangeStart > start) yield { start, end: rangeStart };
      start = this.#ends[index] as number;
    }
    if (start < to) yield { start, end: to };
  }

  /** Returns the end of the last range between `from` and `to`, clipped to `to`; undefined if there is none. */
  lastEnd(from: number, to: number): number | undefined {
    this.#merge();
    const index = this.#firstEndingAfter(to - 1);
    const start = this.#starts[index];
    if (index < this.#count && start !== undefined && start < to) return to;
    const end = index > 0 ? this.#ends[index - 1] : undefined;
    return end !== undefined && end > from ? end : undefined;
  }

  /** Returns the index of the first merged range that ends after `offset`. */
  #firstEndingAfter(offset: number): number {
    let low = 0;
    for (let high = this.#count; low < high;) {
      const middle = (low + high) >>> 1;
      if ((this.#ends[middle] as number) <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Merges ranges that overlap or touch, and grows the arrays if they are still more than half full. */
  #makeRoom(): void {
    this.#merge();
    if (this.#count <= this.#starts.length / 2) return;
    if (this.#starts.length >= maxRanges) throw damaged("media data in too many parts");
    this.#starts = grown(this.#starts);
    this.#ends = grown(this.#ends);
  }

  /**
   * Merges the ranges. Starts and ends may be sorted independently: a merged range ends where as many ranges have ended as
   * started.
   */
  #merge(): void {
    if (this.#isSorted) return;
    const [starts, ends] = [this.#starts, this.#ends];
    starts.subarray(0, this.#count).sort();
    ends.subarray(0, this.#count).sort();
    let merged = 0;
    let start = starts[0] as number;
    for (let index = 0; index < this.#count; index++) {
      const end = ends[index] as number;
      const next = starts[index + 1] as number;
      if (index + 1 < this.#count && next <= end) continue;
      starts[merged] = start;
      ends[merged] = end;
      merged++;
      start = next;
    }
    this.#count = merged;
    this.#isSorted = true;
  }
}

function grown(numbers: Float64Array): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(Math.min(numbers.length * 2, maxRanges));
  larger.set(numbers);
  return larger;
}
