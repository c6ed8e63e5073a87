import { expect, test } from "bun:test";
import { RecentFiles } from "../../src/media/recent-files.ts";

const kilobytes = (count: number) => new Blob([new Uint8Array(count * 1024)]);

test("a small file is kept, a large one is not", () => {
  const recent = new RecentFiles();
  const file = kilobytes(128);
  recent.add("small", file);
  recent.add("large", kilobytes(129));
  expect(recent.get("small")).toBe(file);
  expect(recent.get("large")).toBeUndefined();
});

test("of more than 16 MB those longest unused are forgotten", () => {
  const recent = new RecentFiles();
  for (let i = 0; i < 128; i++) recent.add(String(i), kilobytes(128));
  expect(recent.get("0")).toBeDefined();
  recent.add("one more", kilobytes(100));
  expect(recent.get("1")).toBeUndefined();
  recent.add("another", kilobytes(28));
  for (const kept of ["0", "2", "127", "one more", "another"]) expect(recent.get(kept)).toBeDefined();
});
