import { describe, expect, test } from "bun:test";

import { RangeSet } from "../../src/metadata/range-set.ts";

const listed = (ranges: Iterable<{ start: number; end: number }>) =>
  [...ranges].map(({ start, end }) => [start, end]);

describe("range set", () => {
  test("range set: merges ranges that overlap, touch or repeat, in any order", () => {
    const set = new RangeSet();
    for (const [start, end] of [
      [50, 60],
      [10, 20],
      [20, 25],
      [15, 18],
      [55, 70],
      [10, 20],
      [90, 90],
    ] as const)
      set.add(start, end);
    expect(listed(set.gaps(0, 100))).toEqual([
      [0, 10],
      [25, 50],
      [70, 100],
    ]);
    expect(listed(set.gaps(12, 55))).toEqual([[25, 50]]);
    expect(listed(set.gaps(12, 20))).toEqual([]);
  });

  test("range set: returns the end of the last range between two positions", () => {
    const set = new RangeSet();
    set.add(10, 20);
    set.add(30, 40);
    expect(set.lastEnd(0, 100)).toBe(40);
    expect(set.lastEnd(0, 35)).toBe(35);
    expect(set.lastEnd(0, 30)).toBe(20);
    expect(set.lastEnd(20, 30)).toBeUndefined();
    expect(set.lastEnd(40, 50)).toBeUndefined();
  });

  test.each([1_000, 5_000, 60_000])("range set: matches a map of every byte for %i ranges", (count) => {
    let random = count;
    const below = (most: number) => {
      random = (random * 48_271) % 0x7fff_ffff;
      return random % most;
    };
    const bytes = Buffer.alloc(500_000);
    const set = new RangeSet();
    // Two tracks one after the other, each in order, then random ranges.
    for (let index = 0; index < count; index++) {
      const isOrdered = index < (count * 2) / 3;
      const start = isOrdered ? ((index * 7) % (count * 2)) * 4 + (index % 2) : below(499_000);
      const end = start + below(6);
      set.add(start, end);
      bytes.fill(1, start, end);
    }
    const expected: number[][] = [];
    for (let at = bytes.indexOf(0); at !== -1 && at < bytes.length;) {
      const next = bytes.indexOf(1, at);
      expected.push([at, next === -1 ? bytes.length : next]);
      at = next === -1 ? -1 : bytes.indexOf(0, next);
    }
    expect(listed(set.gaps(0, bytes.length))).toEqual(expected);
  });

  test.each([700, 1_500, 9_000])(
    "range set: merges two interleaved tracks of %i ranges added one after the other",
    (count) => {
      const set = new RangeSet();
      for (let index = 0; index < count; index++) set.add(index * 20, index * 20 + 8);
      for (let index = 0; index < count; index++) set.add(index * 20 + 10, index * 20 + 15);
      const gaps = listed(set.gaps(0, count * 20));
      expect(gaps).toHaveLength(count * 2);
      expect(
        gaps.every(([start = 0, end = 0], index) => end - start === (index % 2 === 0 ? 2 : 5)),
      ).toBeTrue();
    },
  );

  test("range set: refuses more than four million separate ranges", () => {
    const set = new RangeSet();
    expect(() => {
      for (let index = 0; index < 4_000_001; index++) set.add(index * 2, index * 2 + 1);
    }).toThrow(expect.objectContaining({ code: "DAMAGED_MEDIA" }));
  });
});
