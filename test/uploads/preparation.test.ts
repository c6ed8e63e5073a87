import { describe, expect, test } from "bun:test";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { deflateSync } from "node:zlib";

import { ApiError, ValidationProblems } from "../../src/errors.ts";
import { prepareMedia, type Preparation } from "../../src/uploads/preparation.ts";
import type { MediaType } from "../../src/media-types.ts";
import { blackPng, undecodableHeic, jpegPhoto } from "../support/media-samples.ts";
import { inTempFolder } from "../metadata/cleaning.ts";
import { greyJpeg, jpegSegment, pngChunk, secretExif, withSegments } from "../metadata/photo-samples.ts";

/** Prepares an upload and returns the result or the error code. */
async function prepared(
  bytes: Uint8Array,
  type: MediaType = "image/jpeg",
  maxImagePixels = 300_000_000,
): Promise<Preparation | string> {
  return inTempFolder(async (folder) => {
    const path = join(folder, "upload");
    await Bun.write(path, bytes);
    try {
      const made = await prepareMedia({ path, type, thumbnail: true, maxImagePixels });
      const expected = typeof made.thumbnail === "number" ? ["upload", "upload.thumb"] : ["upload"];
      expect((await readdir(folder)).sort()).toEqual(expected);
      return made;
    } catch (error) {
      if (error instanceof ApiError) return error.code;
      if (error instanceof ValidationProblems) return error.problems[0]?.msg ?? "";
      throw error;
    }
  });
}

/** A photo with details everywhere, including its last corner. */
const photo = async (width = 320, height = 240, progressive = false) => {
  const png = await new Bun.Image(await jpegPhoto(width, height)).png().bytes();
  return Buffer.from(await new Bun.Image(png).jpeg({ quality: 90, progressive }).bytes());
};
const endOfImage = Buffer.from([0xff, 0xd9]);
/** The photo without the end of its scan data, without and with an end marker. */
const cutTo = (jpeg: Buffer, length: number) => [
  jpeg.subarray(0, length),
  Buffer.concat([jpeg.subarray(0, length), endOfImage]),
];

describe("truncated JPEG", () => {
  test.each([false, true])(
    "truncated JPEG: is rejected for any last bytes, unlike a complete one (progressive: %p)",
    async (progressive) => {
      const whole = await photo(320, 240, progressive);
      expect(await prepared(whole)).toMatchObject({ size: { width: 320, height: 240 } });
      expect(await prepared(whole.subarray(0, -2))).toMatchObject({ size: { width: 320, height: 240 } });
      const firstScan = whole.indexOf(Buffer.from([0xff, 0xda])) + 20;
      for (const share of [0.1, 0.5, 0.8, 0.95]) {
        const length = firstScan + Math.floor((whole.length - firstScan) * share);
        for (const cut of cutTo(whole, length))
          expect([share, await prepared(cut)]).toEqual([share, "CUT_OFF_MEDIA"]);
      }
    },
  );

  test("truncated JPEG: is rejected in every orientation", async () => {
    const whole = await photo(320, 240);
    for (const orientation of [1, 2, 3, 4, 5, 6, 7, 8]) {
      const turned = withSegments(whole, jpegSegment(0xe1, "Exif\0\0", secretExif(orientation)));
      expect(await prepared(turned)).toBeObject();
      for (const cut of cutTo(turned, Math.floor(turned.length * 0.9)))
        expect(await prepared(cut)).toBe("CUT_OFF_MEDIA");
    }
  });

  test("truncated JPEG: is rejected if only the last rows of a large photo are missing", async () => {
    const whole = await photo(1600, 1200);
    for (const cut of cutTo(whole, whole.length - 1500)) expect(await prepared(cut)).toBe("CUT_OFF_MEDIA");
  });

  test.each([0, 1, 7, 20])(
    "truncated JPEG: is rejected in a grey photo with a restart marker every %d blocks, wherever it is cut",
    async (restartInterval) => {
      const whole = greyJpeg(320, 240, restartInterval);
      expect(await prepared(whole)).toBeObject();
      const scan = whole.indexOf(Buffer.from([0xff, 0xda])) + 10;
      const step = Math.ceil((whole.length - scan) / 25);
      for (let length = scan + 4; length < whole.length - 8; length += step)
        for (const cut of cutTo(whole, length))
          expect([length, await prepared(cut)]).toEqual([length, "CUT_OFF_MEDIA"]);
      // Before and after a restart marker.
      const restart = whole.lastIndexOf(Buffer.from([0xff, 0xd0]));
      if (restart > scan)
        for (const length of [restart, restart + 2])
          for (const cut of cutTo(whole, length)) expect(await prepared(cut)).toBe("CUT_OFF_MEDIA");
    },
  );

  test("truncated JPEG: is distinguished from a complete one whose last corner is grey", async () => {
    const png = pngOf(64, 64, (x) => (x < 32 ? [x * 8, 90, 200] : [128, 128, 128]));
    const whole = Buffer.from(await new Bun.Image(png).jpeg({ quality: 90 }).bytes());
    expect(await prepared(whole)).toBeObject();
    expect(await prepared(whole.subarray(0, -2))).toBeObject();
    for (const cut of cutTo(whole, whole.length - 100)) expect(await prepared(cut)).toBe("CUT_OFF_MEDIA");
  });
});

/** A PNG with hardly any compression. */
function pngOf(width: number, height: number, colour: (x: number, y: number) => number[]): Buffer {
  const rows = Array.from({ length: height }, (_, y) => [
    0,
    ...Array.from({ length: width }, (_, x) => colour(x, y)).flat(),
  ]);
  return png(width, height, 8, 2, deflateSync(Buffer.from(rows.flat())));
}

function png(width: number, height: number, bitDepth: number, colourType: number, data: Buffer): Buffer {
  const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, bitDepth, colourType, 0, 0, 0]);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  return Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    pngChunk("IHDR", header),
    pngChunk("IDAT", data),
    pngChunk("IEND"),
  ]);
}

describe("damaged end", () => {
  const source = pngOf(64, 48, (x, y) => [x * 3, y * 5, 90]);

  test("damaged end: a PNG without IEND and a JPEG with an incomplete last segment are repaired", async () => {
    expect(await prepared(source.subarray(0, -12), "image/png")).toMatchObject({ bytes: source.length });
    const whole = await photo();
    const broken = Buffer.concat([
      whole.subarray(0, -2),
      jpegSegment(0xe1, Buffer.alloc(500)).subarray(0, 100),
    ]);
    expect(await prepared(broken)).toEqual(await prepared(whole));
  });

  test("damaged end: a PNG with incomplete data is rejected with CUT_OFF_MEDIA", async () => {
    const at = source.indexOf("IDAT") - 4;
    const data = source.subarray(at + 8, source.length - 16);
    const half = Buffer.concat([source.subarray(0, at), pngChunk("IDAT", data.subarray(0, data.length / 2))]);
    expect(await prepared(half, "image/png")).toBe("CUT_OFF_MEDIA");
    expect(await prepared(source.subarray(0, -100), "image/png")).toBe("CUT_OFF_MEDIA");
    expect(await prepared(Buffer.concat([half, pngChunk("IEND")]), "image/png")).toBe("DAMAGED_MEDIA");
  });
});

/** A GIF of one colour whose codes each stand for one pixel more than the previous code (GIF89a appendix F). */
function blackGif(width: number, height: number): Buffer {
  const [clear, end, firstLonger] = [4, 5, 6];
  const data: number[] = [];
  let [waiting, waitingBits, bits] = [0, 0, 3];
  const emit = (code: number) => {
    waiting |= code << waitingBits;
    for (waitingBits += bits; waitingBits >= 8; waitingBits -= 8) {
      data.push(waiting & 255);
      waiting >>>= 8;
    }
  };
  let left = width * height;
  while (left > 0) {
    emit(clear);
    bits = 3;
    for (let length = 1; left > 0 && length <= 4000; length++) {
      const next = firstLonger + length - 1;
      const used = Math.min(length, left);
      emit(used === 1 ? 0 : firstLonger + used - 2);
      left -= used;
      if (length > 1 && next === 1 << bits) bits++;
    }
  }
  emit(end);
  data.push(waiting & 255);
  const blocks: Buffer[] = [];
  for (let at = 0; at < data.length; at += 255) {
    const part = data.slice(at, at + 255);
    blocks.push(Buffer.from([part.length, ...part]));
  }
  const head = Buffer.from("GIF89a\0\0\0\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\0\0\0\0\0\x02", "latin1");
  for (const at of [6, 24]) {
    head.writeUInt16LE(width, at);
    head.writeUInt16LE(height, at + 2);
  }
  return Buffer.concat([head, ...blocks, Buffer.from([0, 0x3b])]);
}

describe("large image", () => {
  test("large image: has a thumbnail if a worker has enough memory to decode it", async () => {
    expect(await prepared(blackPng(8192, 6144), "image/png")).toMatchObject({
      size: { width: 8192, height: 6144 },
      thumbnail: expect.any(Number),
    });
    expect(await prepared(blackPng(12_000, 9000), "image/png")).toMatchObject({
      thumbnail: expect.any(Number),
    });
    expect(await prepared(blackPng(11_000, 10_000), "image/png")).toMatchObject({
      size: { width: 11_000, height: 10_000 },
      thumbnail: null,
    });
    expect(await prepared(blackPng(30_000, 10_000), "image/png")).toMatchObject({ thumbnail: null });
  }, 60_000);

  test("large image: a PNG that is too large to decode is checked to its last row", async () => {
    const small = blackPng(64, 48);
    const header = Buffer.from(small.subarray(16, 29));
    header.writeUInt32BE(11_000, 0);
    header.writeUInt32BE(10_000, 4);
    const of = (data: Buffer) =>
      Buffer.concat([
        small.subarray(0, 8),
        pngChunk("IHDR", header),
        pngChunk("IDAT", data),
        pngChunk("IEND"),
      ]);
    expect(await prepared(of(deflateSync(Buffer.alloc(1000))), "image/png")).toBe("CUT_OFF_MEDIA");
    expect(await prepared(of(deflateSync(Buffer.alloc(1000, 5))), "image/png")).toBe("DAMAGED_MEDIA");
  });

  test("large image: a baseline JPEG of any size has a thumbnail, because it is decoded at reduced size", async () => {
    const made = await prepared(greyJpeg(20_000, 15_000));
    expect(made).toMatchObject({ size: { width: 20_000, height: 15_000 }, thumbnail: expect.any(Number) });
  }, 60_000);

  test("large image: a progressive JPEG of more than about 140 megapixels has no thumbnail", async () => {
    const whole = await photo(64, 48, true);
    const sized = (width: number, height: number) => {
      const bytes = Buffer.from(whole);
      const frame = bytes.indexOf(Buffer.from([0xff, 0xc2]));
      bytes.writeUInt16BE(height, frame + 5);
      bytes.writeUInt16BE(width, frame + 7);
      return bytes;
    };
    expect(await prepared(sized(16_000, 15_000))).toMatchObject({ thumbnail: null });
    expect(await prepared(sized(16_000, 15_000).subarray(0, -2))).toBe("CUT_OFF_MEDIA");
  });

  test("large image: a GIF that is too large to decode is checked to its last pixel", async () => {
    const whole = blackGif(12_000, 10_000);
    expect(await prepared(whole, "image/gif")).toMatchObject({
      bytes: whole.length,
      size: { width: 12_000, height: 10_000 },
      thumbnail: null,
    });
    const taller = Buffer.from(whole);
    for (const at of [8, 26]) taller.writeUInt16LE(10_001, at);
    expect(await prepared(taller, "image/gif")).toBe("CUT_OFF_MEDIA");
    expect(await prepared(whole.subarray(0, -10), "image/gif")).toBe("CUT_OFF_MEDIA");
  });

  test("HEIC: is accepted without a thumbnail if it cannot be decoded", async () => {
    expect(await prepared(undecodableHeic(), "image/heic")).toMatchObject({ thumbnail: null, missing: [] });
  });

  test("large image: is rejected above the configured number of pixels", async () => {
    const tooMany = "Value error, the image has more than 1 million pixels";
    expect(await prepared(blackPng(1000, 1000), "image/png", 1_000_000)).toBeObject();
    expect(await prepared(blackPng(1001, 1000), "image/png", 1_000_000)).toBe(tooMany);
    expect(await prepared(blackPng(20_000, 15_001), "image/png")).toBe(
      "Value error, the image has more than 300 million pixels",
    );
  });
});
