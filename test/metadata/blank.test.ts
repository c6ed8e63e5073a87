import { describe, expect, test } from "bun:test";
import { join } from "node:path";

import { ByteSource } from "../../src/metadata/byte-source.ts";
import { blank } from "../../src/metadata/blank.ts";
import { Patches } from "../../src/metadata/plan.ts";
import { inTempFolder } from "./cleaning.ts";

const fileSize = 3_000_000;
/** Contains no zero byte. */
const original = Buffer.from(Uint8Array.from({ length: fileSize }, (_, i) => 1 + (i % 251)));

/** Applies patches to a file with the original bytes, and returns the result. */
async function apply(patch: (patches: Patches) => void): Promise<Buffer> {
  return inTempFolder(async (folder) => {
    const path = join(folder, "upload");
    await Bun.write(path, original);
    const source = await ByteSource.open(path);
    try {
      const patches = new Patches(source);
      patch(patches);
      blank(path, patches, [], source.budget);
    } finally {
      await source.close();
    }
    return Buffer.from(await Bun.file(path).bytes());
  });
}

describe("blanking a file", () => {
  test.each([
    ["close together", [10, 20, 30, 31, 100, 4000]],
    ["one buffer apart, and one byte more", [0, 1, 4097, 4098, 8195, 8196]],
    ["far apart", [0, 5, 1_000_000, 1_000_010, 2_999_990, fileSize]],
    ["longer than one write", [5, 1_500_000, 1_500_010, 1_500_020, 1_500_100, 2_999_999]],
    ["in great number", Array.from({ length: 20_000 }, (_, i) => i * 50 + (i % 2) * 13)],
    ["touching", [100, 200, 200, 300, 300, 301]],
    ["out of order", [2000, 3000, 1000, 1500, 100, 101]],
    ["overlapping", [1000, 2000, 1500, 2500, 1000, 1001]],
  ])("blanking: zeros exactly the ranges %s", async (_name, ends) => {
    const expected = Buffer.from(original);
    for (let at = 0; at < ends.length; at += 2) expected.fill(0, ends[at], ends[at + 1]);
    const bytes = await apply((patches) => {
      for (let at = 0; at < ends.length; at += 2) patches.wipe(ends[at]!, ends[at + 1]!);
    });
    expect(bytes.equals(expected)).toBeTrue();
  });

  test("blanking: lets writes win over zeros in any order", async () => {
    const bytes = await apply((patches) => {
      patches.write(100, Buffer.from("free"));
      patches.wipe(90, 200);
      patches.write(150, Buffer.from("JUNK"));
    });
    const expected = Buffer.from(original);
    expected.fill(0, 90, 200).write("free", 100);
    expected.write("JUNK", 150);
    expect(bytes.equals(expected)).toBeTrue();
  });

  test("blanking: refuses ranges outside the file, and the same bytes many times", async () => {
    const refused = { code: "DAMAGED_MEDIA" };
    const wiping = (...ends: [number, number][]) =>
      apply((patches) => ends.forEach(([offset, end]) => patches.wipe(offset, end)));
    await expect(wiping([fileSize - 1, fileSize + 1])).rejects.toMatchObject(refused);
    await expect(wiping([-1, 1])).rejects.toMatchObject(refused);
    await expect(wiping([20, 10])).rejects.toMatchObject(refused);
    await expect(wiping([0, fileSize], [0, fileSize], [0, 1])).rejects.toMatchObject(refused);
    await expect(apply((patches) => patches.write(fileSize, Buffer.from("x")))).rejects.toMatchObject(
      refused,
    );
  });

  test("blanking: spends budget for ranges out of order only", async () => {
    const wiping = (offset: (index: number) => number) =>
      apply((patches) => {
        for (let index = 0; index < 250_000; index++) patches.wipe(offset(index), offset(index) + 1);
      });
    const bytes = await wiping((index) => index * 4);
    expect([bytes[0], bytes[1], bytes[999_996], bytes[1_000_000]]).toEqual([
      0,
      original[1],
      0,
      original[1_000_000],
    ]);
    await expect(wiping((index) => (250_000 - index) * 4)).rejects.toMatchObject({ code: "DAMAGED_MEDIA" });
  });
});
