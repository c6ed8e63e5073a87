import { expect, test } from "bun:test";

import { justifiedRows } from "../../src/web/page/justified-rows.ts";
import { clock } from "../../src/web/page/times.ts";
import { seededRandom } from "../support/seeded-random.ts";

const options = { width: 1248, gap: 12, maxHeight: 270 };

test("rows: each but the last fills the width, with one height and the pictures' proportions", () => {
  const ratios = [1.5, 0.75, 1.78, 1, 1.33, 3, 0.8, 1.5, 1.5];
  const rows = justifiedRows(ratios, options);
  expect(rows.flatMap(({ from, to }) => ratios.slice(from, to))).toEqual(ratios);
  for (const [i, { from, to, height, widths }] of rows.entries()) {
    expect(height).toBeLessThanOrEqual(options.maxHeight);
    const width = widths.reduce((sum, one) => sum + one, 0) + options.gap * (to - from - 1);
    expect(width).toBeLessThanOrEqual(options.width);
    if (i < rows.length - 1) expect(width).toBeGreaterThan(options.width - 1);
    for (const [k, one] of widths.entries()) expect(one / height).toBeCloseTo(ratios[from + k]!, 2);
  }
});

test("rows: more pictures at the end change no row but the last", () => {
  const random = seededRandom(7);
  const ratios = Array.from({ length: 100 }, () => 0.5 + random.integer(200) / 100);
  const before = justifiedRows(ratios.slice(0, 70), options);
  expect(justifiedRows(ratios, options).slice(0, before.length - 1)).toEqual(before.slice(0, -1));
});

test("rows: very tall and very wide pictures keep a size that people can see", () => {
  const [tall, wide] = [0.01, 100].map((ratio) => justifiedRows([ratio], options)[0]!);
  expect(tall!.widths[0]).toBe(151.875);
  expect(wide!.height).toBe(104);
});

test("rows: a narrow list has one column with the pictures' proportions", () => {
  const rows = justifiedRows([1.5, 0.5, 0.1], { ...options, width: 360 });
  expect(rows.map(({ height }) => height)).toEqual([240, 720, 900]);
  expect(rows.map(({ widths }) => widths)).toEqual([[360], [360], [360]]);
});

test("rows: no pictures make no rows", () => {
  expect(justifiedRows([], options)).toEqual([]);
});

test.each([
  [0.4, "0:00"],
  [7, "0:07"],
  [59.6, "1:00"],
  [754, "12:34"],
  [3_723, "1:02:03"],
])("times: a video of %d seconds has the length %s", (seconds, shown) => {
  expect(clock(seconds)).toBe(shown);
});
