import { describe, expect, test } from "bun:test";

import { clean, leaks, outcome, pixels } from "./cleaning.ts";
import { u32 } from "./container-samples.ts";
import { plainPng, pngChunk, pngChunks, secretExif, xmp } from "./photo-samples.ts";

const text = [
  pngChunk("tEXt", "Comment\0secret"),
  pngChunk("zTXt", "Title\0\0secret"),
  pngChunk("iTXt", Buffer.concat([Buffer.from("XML:com.adobe.xmp\0\0\0\0\0"), xmp])),
  pngChunk("tIME", Buffer.from([7, 0xe4, 1, 2, 3, 4, 5])),
  pngChunk("prVt", "secret"),
];
const frameControl = (x: number, y: number, width: number, height: number) =>
  pngChunk("fcTL", Buffer.concat([u32(0, width, height, x, y), Buffer.alloc(6)]));
const types = (png: Buffer) => pngChunks(png).map(({ type }) => type);

describe("a PNG", () => {
  test("loses its texts, times and EXIF before, behind and after its data, and no pixel", async () => {
    const sample = plainPng([...text, pngChunk("eXIf", secretExif(6))], text, "secret tail");
    const { bytes, facts, left } = await clean(sample, "image/png");
    expect(leaks(bytes)).toBeFalse();
    expect(types(bytes)).toEqual(["IHDR", "eXIf", "IDAT", "IEND"]);
    expect(await pixels(bytes)).toEqual(await pixels(plainPng()));
    expect(facts).toEqual({
      bytes: bytes.length,
      orientation: 6,
      size: { width: 32, height: 48 },
      decodedPixels: 32 * 48,
      hasPicture: true,
    });
    expect(left).toEqual(["upload"]);
  });

  test.each(["", "Exif\0\0"])(
    "keeps its orientation right behind IHDR, with a checksum (prefix %p)",
    async (prefix) => {
      const exif = pngChunk("eXIf", Buffer.concat([Buffer.from(prefix), secretExif(3, "MM")]));
      const { bytes, facts } = await clean(plainPng([], [exif]), "image/png");
      const written = pngChunks(bytes)[1];
      expect(written?.type).toBe("eXIf");
      expect(written?.content).toHaveLength(26);
      expect(written?.bytes).toEqual(pngChunk("eXIf", written?.content));
      expect(facts.orientation).toBe(3);
    },
  );

  test("keeps what makes its colours, density and animation, in order", async () => {
    const before = ["gAMA", "cHRM", "sRGB", "iCCP", "cICP", "sBIT", "pHYs", "acTL"].map((type) =>
      pngChunk(type, `${type} content`),
    );
    before.push(frameControl(0, 0, 48, 32));
    const after = [frameControl(1, 2, 47, 30), pngChunk("fdAT", "fdAT content")];
    const plain = plainPng(before, after);
    const mixed = plainPng([...text, ...before], [...after, ...text]);
    expect((await clean(plain, "image/png")).bytes).toEqual(plain);
    expect((await clean(mixed, "image/png")).bytes).toEqual(plain);
  });

  test("that is cut, has no picture or needs an unknown chunk is refused", async () => {
    const plain = plainPng();
    for (const cut of [1, 12, 13, 200])
      expect(await outcome(plain.subarray(0, -cut), "image/png")).toBe("DAMAGED_MEDIA");
    const withoutData = Buffer.concat([plain.subarray(0, 33), pngChunk("IEND")]);
    expect(await outcome(withoutData, "image/png")).toBe("DAMAGED_MEDIA");
    expect(await outcome(plainPng([pngChunk("CgBI", "1234")]), "image/png")).toBe("DAMAGED_MEDIA");
  });

  test("that claims values which PNG does not have is refused", async () => {
    const withHeader = (at: number, value: number) => {
      const header = Buffer.from([0, 0, 0, 48, 0, 0, 0, 32, 8, 6, 0, 0, 0]);
      header.writeUInt8(value, at);
      const plain = plainPng();
      return Buffer.concat([plain.subarray(0, 8), pngChunk("IHDR", header), plain.subarray(33)]);
    };
    const bitDepthAt = 8;
    expect(await outcome(withHeader(bitDepthAt, 16), "image/png")).toBe("cleaned");
    for (const [at, value] of [
      [0, 0x80],
      [4, 0xff],
      [3, 0],
      [7, 0],
      [bitDepthAt, 0],
      [bitDepthAt, 3],
      [bitDepthAt, 4],
      [bitDepthAt, 32],
      [9, 1],
      [9, 5],
      [9, 7],
      [10, 1],
      [11, 1],
      [12, 2],
    ] as const)
      expect([at, value, await outcome(withHeader(at, value), "image/png")]).toEqual([
        at,
        value,
        "DAMAGED_MEDIA",
      ]);
  });

  test.each([
    ["beside its canvas", [1, 0, 48, 32]],
    ["below its canvas", [0, 1, 48, 32]],
    ["larger than its canvas", [0, 0, 20_000, 20_000]],
    ["at a place that overflows 32 bits", [0xffff_ffff, 0, 48, 32]],
    ["without pixels", [0, 0, 0, 32]],
  ] as const)("with a frame %s is refused", async (_name, [x, y, width, height]) => {
    const sample = plainPng([], [frameControl(x, y, width, height), pngChunk("fdAT", "data")]);
    expect(await outcome(sample, "image/png")).toBe("DAMAGED_MEDIA");
  });
});
