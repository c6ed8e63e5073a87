import { describe, expect, test } from "bun:test";
import { join } from "node:path";

import { InPlaceFile } from "../../src/metadata/in-place-file.ts";
import { StructureBudget } from "../../src/metadata/structure-budget.ts";
import { inTempFolder } from "./cleaning.ts";

const fileSize = 300_000;
const original = () => Buffer.from(Uint8Array.from({ length: fileSize }, (_, index) => 1 + (index % 251)));

/** Edits a file with the original bytes, and returns the result. */
function edit(work: (file: InPlaceFile) => void): Promise<Buffer> {
  return inTempFolder(async (folder) => {
    const path = join(folder, "upload");
    await Bun.write(path, original());
    InPlaceFile.edit(path, new StructureBudget(fileSize), work);
    return Buffer.from(await Bun.file(path).bytes());
  });
}

describe("in-place file", () => {
  test("in-place file: reads see all earlier changes in any order", async () => {
    let random = 7;
    const below = (most: number) => {
      random = (random * 48_271) % 0x7fff_ffff;
      return random % most;
    };
    const expected = original();
    const bytes = await edit((file) => {
      for (let round = 0; round < 20_000; round++) {
        const length = [1, 4, 80, 4096, 4097, 40_000][below(6)] ?? 1;
        const offset = below(3) === 0 ? below(fileSize - length) : (round * 13) % (fileSize - length);
        if (below(2) === 0)
          expect(file.read(offset, length).equals(expected.subarray(offset, offset + length))).toBeTrue();
        else if (below(2) === 0) {
          const byte = below(256);
          file.wipe(offset, offset + length, byte);
          expected.fill(byte, offset, offset + length);
        } else {
          const own = Buffer.alloc(length, `${round},`);
          file.write(offset, own);
          own.copy(expected, offset);
        }
      }
    });
    expect(bytes.equals(expected)).toBeTrue();
  });

  test("in-place file: truncation keeps earlier changes, and the removed bytes cannot be read", async () => {
    const bytes = await edit((file) => {
      file.write(999, Buffer.from("ab"));
      file.truncate(1000);
      expect(file.size).toBe(1000);
      expect(file.read(999, 1).toString()).toBe("a");
      expect(() => file.read(999, 2)).toThrow(expect.objectContaining({ code: "DAMAGED_MEDIA" }));
      expect(file.readUpTo(999, 2).toString()).toBe("a");
      file.truncate(2000);
    });
    expect(bytes.toString("latin1")).toBe(`${original().toString("latin1", 0, 999)}a`);
  });

  test("in-place file: refuses reads and writes outside the file", async () => {
    const refused = expect.objectContaining({ code: "DAMAGED_MEDIA" });
    const bytes = await edit((file) => {
      expect(() => file.read(-1, 2)).toThrow(refused);
      expect(() => file.read(0, -1)).toThrow(refused);
      expect(() => file.read(Number.NaN, 1)).toThrow(refused);
      expect(() => file.wipe(fileSize - 1, fileSize + 1)).toThrow(refused);
      expect(() => file.write(fileSize, Buffer.from("x"))).toThrow(refused);
    });
    expect(bytes.equals(original())).toBeTrue();
  });

  test("in-place file: allows reading in order, and refuses a great number of jumps across the file", async () => {
    await edit((file) => {
      for (let offset = 0; offset < fileSize; offset++) file.read(offset, 1);
      const jump = () => {
        for (let round = 0; round < 25_000; round++) {
          file.read(0, 1);
          file.read(fileSize - 1, 1);
        }
      };
      expect(jump).toThrow(expect.objectContaining({ code: "DAMAGED_MEDIA" }));
    });
  });
});
