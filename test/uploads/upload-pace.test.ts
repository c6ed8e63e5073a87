import { expect, test } from "bun:test";

import { Pace } from "../../src/uploads/upload-pace.ts";

/** The second in which an upload with these rates becomes too slow; undefined if it does not within ten minutes. */
function tooSlowAfter(bytesIn: (second: number) => number): number | undefined {
  const pace = new Pace();
  for (let second = 1; second <= 600; second++) if (pace.isTooSlow(bytesIn(second))) return second;
  return undefined;
}

test.each<[string, (second: number) => number, number | undefined]>([
  ["nothing at all", () => 0, 21],
  ["a byte a second", () => 1, 21],
  ["just too little", () => 999, 21],
  ["just enough", () => 1000, undefined],
  ["a weak link", () => 8000, undefined],
  ["a weak link that fails for 25 of every 60 seconds", (s) => (s % 60 < 35 ? 8000 : 0), undefined],
  ["a hundred megabytes, then nothing", (s) => (s <= 10 ? 10_000_000 : 0), 40],
  ["a hundred megabytes, then a byte a second", (s) => (s <= 10 ? 10_000_000 : 1), 50],
])("upload pace: checks %s", (_, bytesIn, expected) => {
  expect(tooSlowAfter(bytesIn)).toBe(expected as number);
});
