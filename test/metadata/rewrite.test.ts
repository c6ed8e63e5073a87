import { expect, spyOn, test } from "bun:test";
import { mkdir, open, readdir, truncate } from "node:fs/promises";
import { join } from "node:path";

import { ByteSource } from "../../src/metadata/byte-source.ts";
import type { Piece } from "../../src/metadata/plan.ts";
import { rewrite } from "../../src/metadata/rewrite.ts";
import { inTempFolder } from "./cleaning.ts";

/** Every four bytes are different. */
const original = Buffer.from(Uint32Array.from({ length: 750_000 }, (_, i) => i).buffer);

/** Rewrites a file with the original bytes, and closes it also after a failure. */
async function rewriteOriginal(path: string, pieces: readonly Piece[], opened = async () => {}) {
  await Bun.write(path, original);
  const source = await ByteSource.open(path);
  try {
    await opened();
    return await rewrite(path, source, pieces);
  } finally {
    await source.close();
  }
}

test("rewrite: writes pieces of all sizes in order", () =>
  inTempFolder(async (folder) => {
    const path = join(folder, "upload");
    const pieces: Piece[] = [
      { offset: 1_000_001, length: 1_999_999 },
      Buffer.from("our own"),
      Buffer.alloc(0),
    ];
    for (const length of [0, 1, 16_383, 16_384, 16_385, 1_048_576, 2_500_000])
      pieces.push({ offset: 3, length }, { offset: 70_001, length }, Buffer.alloc(length, "own"));
    const expected = Buffer.concat(
      pieces.map((piece) =>
        piece instanceof Uint8Array ? piece : original.subarray(piece.offset, piece.offset + piece.length),
      ),
    );
    expect(await rewriteOriginal(path, pieces)).toBe(expected.length);
    expect(expected.equals(await Bun.file(path).bytes())).toBeTrue();
    expect(await readdir(folder)).toEqual(["upload"]);
  }));

test("rewrite: reads small pieces together", () =>
  inTempFolder(async (folder) => {
    const path = join(folder, "upload");
    const pieces = Array.from({ length: 100_000 }, (_, i) => ({ offset: i * 24, length: 12 }));
    const handle = await open(import.meta.path);
    const reads = spyOn(Object.getPrototypeOf(handle), "read");
    try {
      await rewriteOriginal(path, pieces);
      expect(reads.mock.calls.length).toBeWithin(100, 200);
    } finally {
      reads.mockRestore();
      await handle.close();
    }
  }));

test("rewrite: refuses a file that became shorter, and leaves it unchanged", () =>
  inTempFolder(async (folder) => {
    const path = join(folder, "upload");
    for (const length of [500, 2_000_000]) {
      const pieces = [{ offset: 900_000, length }];
      const shorter = () => truncate(path, 900_100);
      await expect(rewriteOriginal(path, pieces, shorter)).rejects.toMatchObject({ code: "DAMAGED_MEDIA" });
      expect(original.subarray(0, 900_100).equals(await Bun.file(path).bytes())).toBeTrue();
      expect(await readdir(folder)).toEqual(["upload"]);
    }
  }));

test("rewrite: reports the original error if the new file was not created", () =>
  inTempFolder(async (folder) => {
    const path = join(folder, "upload");
    // A directory at the path: creating and deleting the new file both fail.
    await mkdir(`${path}.clean`);
    const pieces = [{ offset: 1, length: 5 }];
    await expect(rewriteOriginal(path, pieces)).rejects.toMatchObject({ code: "EEXIST" });
    expect(original.equals(await Bun.file(path).bytes())).toBeTrue();
  }));
