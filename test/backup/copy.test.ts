import { expect, test } from "bun:test";
import type { FileHandle } from "node:fs/promises";

import { copy } from "../../src/commands/restore-archive.ts";

/** A file that takes at most three bytes of a write, as one on an almost full disk may. */
function fileOfShortWrites() {
  const stored: number[] = [];
  const write = async (bytes: Uint8Array, from: number, length: number, at: number) => {
    const taken = Math.min(3, length);
    for (let i = 0; i < taken; i++) stored[at + i] = bytes[from + i]!;
    return { bytesWritten: taken, buffer: bytes };
  };
  return { file: { write } as unknown as FileHandle, stored };
}

test("restore: writes all bytes of a file when each write takes only a part of them", async () => {
  const { file, stored } = fileOfShortWrites();
  async function* content() {
    yield Buffer.from("0123456");
    yield Buffer.from("789");
  }
  const sha256 = await copy({ size: 10, content }, file);
  expect(Buffer.from(stored).toString()).toBe("0123456789");
  expect(sha256).toBe(new Bun.CryptoHasher("sha256").update("0123456789").digest("hex"));
});
