import { expect, test } from "bun:test";
import { deadlineFor } from "../../src/config/upload-deadline.ts";

test("a store gets half a minute and a second for every megabyte, or what the setting says", () => {
  expect(deadlineFor(0, null)).toBe(30);
  expect(deadlineFor(25_000_000, null)).toBe(55);
  expect(deadlineFor(500 * 1024 * 1024, null)).toBeLessThan(900);
  expect(deadlineFor(500_000_000, 7)).toBe(7);
});
