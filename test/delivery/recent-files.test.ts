import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { maxPartBytes, RecentFiles } from "../../src/delivery/recent-files.ts";

let folder: string;
let recent: RecentFiles;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "recent-files-"));
  recent = new RecentFiles();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, bytes: Uint8Array | string): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

test("recent files: a part is read once and never confused with another part", async () => {
  const [a, b] = [file("a", "0123456789"), file("b", "abcdefghij")];
  const parts = [
    [a, 0, 10, "0123456789"],
    [b, 0, 10, "abcdefghij"],
    [a, 0, 1, "0"],
    [a, 1, 10, "123456789"],
  ] as const;
  for (const [path, start, end, text] of parts) expect(await recent.part(path, start, end).text()).toBe(text);
  rmSync(folder, { recursive: true });
  for (const [path, start, end, text] of parts) expect(await recent.part(path, start, end).text()).toBe(text);
});

test("recent files: an uncached part of a missing file throws ENOENT", () => {
  expect(() => recent.part(join(folder, "missing"), 0, 1)).toThrow("ENOENT");
});

test("recent files: parts with their names use at most 16 MB, and the least recently used go first", () => {
  const path = file("a", new Uint8Array(maxPartBytes + 200));
  const isCached = (start: number, bytes = maxPartBytes - 1024) => {
    rmSync(path, { force: true });
    try {
      return recent.part(path, start, start + bytes).size === bytes;
    } catch {
      return false;
    } finally {
      file("a", new Uint8Array(maxPartBytes + 200));
    }
  };
  // Each takes 128 kB with its name.
  for (let i = 0; i < 128; i++) recent.part(path, i, i + maxPartBytes - 1024);
  expect(isCached(0)).toBe(true);
  recent.part(path, 128, 128 + maxPartBytes - 1024);
  expect([0, 1, 2, 127, 128].map((start) => isCached(start))).toEqual([true, false, true, true, true]);
});

test("recent files: single bytes are cached only as far as their names fit, too", () => {
  const path = file("a", new Uint8Array(17_000));
  for (let i = 0; i < 17_000; i++) recent.part(path, i, i + 1);
  rmSync(path);
  expect(() => recent.part(path, 0, 1)).toThrow("ENOENT");
  expect(recent.part(path, 16_999, 17_000).size).toBe(1);
});

test("recent files: a size is looked up once, and the size of a missing file every time", () => {
  const path = join(folder, "file");
  expect(recent.sizeOf(path)).toBeUndefined();
  file("file", "seven b");
  expect(recent.sizeOf(path)).toBe(7);
  rmSync(path);
  expect(recent.sizeOf(path)).toBe(7);
});

test("recent files: the sizes of the five thousand most recently used files are cached", () => {
  const paths = Array.from({ length: 5_001 }, (_, i) => file(String(i), "x"));
  for (const path of paths) expect(recent.sizeOf(path)).toBe(1);
  rmSync(folder, { recursive: true });
  expect(recent.sizeOf(paths[0]!)).toBeUndefined();
  for (const path of paths.slice(1)) expect(recent.sizeOf(path)).toBe(1);
});
