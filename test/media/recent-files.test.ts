import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { RecentFiles } from "../../src/media/recent-files.ts";

const kilobytes = (count: number) => new Blob([new Uint8Array(count * 1024)]);
const never = (): Blob => {
  throw new Error("read again");
};

test("a part is read once, and no other is taken for it", () => {
  const recent = new RecentFiles();
  const part = kilobytes(128);
  expect(recent.part("a", 0, 10, () => part)).toBe(part);
  expect(recent.part("a", 0, 10, never)).toBe(part);
  for (const [path, start, end] of [
    ["b", 0, 10],
    ["a", 0, 1],
    ["a", 1, 10],
  ] as const)
    expect(() => recent.part(path, start, end, never)).toThrow("read again");
});

test("of more than 16 MB, names included, those longest unused are forgotten", () => {
  const recent = new RecentFiles();
  const add = (path: string, size: number) => recent.part(path, 0, 1, () => kilobytes(size));
  const isKept = (path: string) => recent.part(path, 0, 1, never).size > 0;
  for (let i = 0; i < 128; i++) add(String(i), 127);
  expect(isKept("0")).toBe(true);
  add("one more", 100);
  expect(() => isKept("1")).toThrow("read again");
  add("another", 25);
  for (const path of ["0", "2", "127", "one more", "another"]) expect(isKept(path)).toBe(true);
});

test("of single bytes no more are kept than have room with their names", () => {
  const recent = new RecentFiles();
  const byte = new Blob(["x"]);
  for (let i = 0; i < 17_000; i++) recent.part("a", i, i + 1, () => byte);
  expect(() => recent.part("a", 0, 1, never)).toThrow("read again");
  expect(recent.part("a", 16_999, 17_000, never)).toBe(byte);
});

test("a size is looked up once, and what is missing each time", () => {
  const folder = mkdtempSync(join(tmpdir(), "recent-files-"));
  const path = join(folder, "file");
  const recent = new RecentFiles();
  expect(recent.sizeOf(path)).toBeUndefined();
  writeFileSync(path, "seven b");
  expect(recent.sizeOf(path)).toBe(7);
  rmSync(folder, { recursive: true });
  expect(recent.sizeOf(path)).toBe(7);
});

test("sizes of the last five thousand files are kept, of ten thousand others the first is forgotten", () => {
  const folder = mkdtempSync(join(tmpdir(), "recent-files-"));
  const recent = new RecentFiles();
  const paths = Array.from({ length: 10_001 }, (_, i) => join(folder, String(i)));
  for (const path of paths) writeFileSync(path, "x");
  for (const path of paths) expect(recent.sizeOf(path)).toBe(1);
  rmSync(folder, { recursive: true });
  expect(recent.sizeOf(paths[0]!)).toBeUndefined();
  for (const path of paths.slice(-5_000)) expect(recent.sizeOf(path)).toBe(1);
});
