import { describe, expect, test } from "bun:test";
import { deflateSync } from "node:zlib";

import { clean } from "./cleaning.ts";

function chunk(type: string, content: Uint8Array): Buffer {
  const bytes = Buffer.alloc(12 + content.length);
  bytes.writeUInt32BE(content.length);
  bytes.write(type, 4, "latin1");
  bytes.set(content, 8);
  bytes.writeUInt32BE(Bun.hash.crc32(bytes.subarray(4, 8 + content.length)), 8 + content.length);
  return bytes;
}

/** A PNG of 13 × 11 pixels with this uncompressed data. */
function png(data: Uint8Array, { depth = 8, colour = 2, interlaced = 0, pieces = 1 } = {}): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(13, 0);
  header.writeUInt32BE(11, 4);
  header.set([depth, colour, 0, 0, interlaced], 8);
  const packed = deflateSync(data);
  const step = Math.ceil(packed.length / pieces);
  const parts = Array.from({ length: pieces }, (_, i) =>
    chunk("IDAT", packed.subarray(i * step, (i + 1) * step)),
  );
  const signature = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");
  return Buffer.concat([signature, chunk("IHDR", header), ...parts, chunk("IEND", new Uint8Array())]);
}

const problemOf = async (file: Uint8Array) => (await clean(file, "image/png")).facts.decoding?.dataProblem;

/** Rows of 13 RGB pixels, each with this filter. */
const rows = (count: number, filter = 0) =>
  Buffer.concat(
    Array.from({ length: count }, () => Buffer.concat([Buffer.from([filter]), Buffer.alloc(39, 7)])),
  );

describe("rows of a PNG", () => {
  test("png: finds no problem in a picture with all rows in any number of chunks", async () => {
    expect(await problemOf(png(rows(11)))).toBeUndefined();
    expect(await problemOf(png(rows(11, 4), { pieces: 7 }))).toBeUndefined();
  });

  test("png: counts the rows of one-bit and interlaced pictures", async () => {
    expect(await problemOf(png(Buffer.alloc(11 * 3), { depth: 1, colour: 0 }))).toBeUndefined();
    const passBytes = [
      2 * (1 + 6),
      2 * (1 + 6),
      1 * (1 + 12),
      3 * (1 + 9),
      3 * (1 + 21),
      6 * (1 + 18),
      5 * (1 + 39),
    ];
    const all = passBytes.reduce((sum, bytes) => sum + bytes);
    expect(await problemOf(png(Buffer.alloc(all), { interlaced: 1 }))).toBeUndefined();
    expect(await problemOf(png(Buffer.alloc(all - 1), { interlaced: 1 }))).toBe("cut off");
  });

  test("png: finds that rows are missing", async () => {
    expect(await problemOf(png(rows(10)))).toBe("cut off");
  });

  test("png: finds data that does not inflate, and unknown filter types", async () => {
    const broken = png(rows(11));
    broken.fill(0xaa, broken.indexOf("IDAT") + 6, broken.indexOf("IDAT") + 14);
    expect(await problemOf(broken)).toBe("damaged");
    expect(await problemOf(png(rows(11, 5)))).toBe("damaged");
  });
});
