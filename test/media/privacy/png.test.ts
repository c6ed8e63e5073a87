import { describe, expect, test } from "bun:test";
import { deflateSync, inflateSync } from "node:zlib";

import { cleanProfile } from "../../../src/media/privacy/icc.ts";
import { displayProfile } from "../../support/icc-samples.ts";
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
    expect(facts).toMatchObject({
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
      const { bytes, facts } = await clean(plainPng([exif]), "image/png");
      const written = pngChunks(bytes)[1];
      expect(written?.type).toBe("eXIf");
      expect(written?.content).toHaveLength(26);
      expect(written?.bytes).toEqual(pngChunk("eXIf", written?.content));
      expect(facts.orientation).toBe(3);
    },
  );

  test("keeps an orientation behind its data where it is: browsers do not follow it there", async () => {
    const exif = pngChunk("eXIf", secretExif(6));
    const { bytes, facts } = await clean(plainPng([], [...text, exif]), "image/png");
    expect(leaks(bytes)).toBeFalse();
    expect(types(bytes)).toEqual(["IHDR", "IDAT", "eXIf", "IEND"]);
    expect(facts).toMatchObject({ orientation: 1, size: { width: 48, height: 32 } });
    const both = await clean(plainPng([pngChunk("eXIf", secretExif(3))], [exif]), "image/png");
    expect(types(both.bytes)).toEqual(["IHDR", "eXIf", "IDAT", "IEND"]);
    expect(both.facts.orientation).toBe(3);
  });

  const compressed = (profile: Buffer, name = "secret name") =>
    pngChunk("iCCP", Buffer.concat([Buffer.from(`${name}\0\0`), deflateSync(profile)]));
  test("keeps of its colour profile what colours need, without its name", async () => {
    const { bytes, facts } = await clean(plainPng([compressed(displayProfile())]), "image/png");
    const [, chunk] = pngChunks(bytes);
    expect(chunk?.content.toString("latin1", 0, 5)).toBe("icc\0\0");
    const written = inflateSync(chunk!.content.subarray(5));
    expect(written).toEqual(cleanProfile(displayProfile()) as Buffer<ArrayBuffer>);
    expect(chunk?.bytes).toEqual(pngChunk("iCCP", chunk?.content));
    expect(facts.decoding?.colours).toEqual({ profile: written });
  });

  test("loses a colour profile that decoders ignore, and one that unfolds endlessly", async () => {
    const endless = pngChunk(
      "iCCP",
      Buffer.concat([Buffer.from("a\0\0"), deflateSync(Buffer.alloc(20_000_000))]),
    );
    for (const chunk of [
      compressed(Buffer.alloc(200)),
      pngChunk("iCCP", "no end"),
      pngChunk("iCCP", "a\0\0junk"),
      endless,
    ])
      expect(types((await clean(plainPng([chunk]), "image/png")).bytes)).toEqual(["IHDR", "IDAT", "IEND"]);
  });

  test("keeps what makes its colours, density and animation, in order", async () => {
    const before = ["gAMA", "cHRM", "sRGB", "cICP", "sBIT", "pHYs", "acTL"].map((type) =>
      pngChunk(type, `${type} content`),
    );
    before.push(frameControl(0, 0, 48, 32));
    const after = [frameControl(1, 2, 47, 30), pngChunk("fdAT", "fdAT content")];
    const plain = plainPng(before, after);
    const mixed = plainPng([...text, ...before], [...after, ...text]);
    expect((await clean(plain, "image/png")).bytes).toEqual(plain);
    expect((await clean(mixed, "image/png")).bytes).toEqual(plain);
  });

  test("that has no picture or needs an unknown chunk is refused", async () => {
    const plain = plainPng();
    const withoutData = Buffer.concat([plain.subarray(0, 33), pngChunk("IEND")]);
    expect(await outcome(withoutData, "image/png")).toBe("DAMAGED_MEDIA");
    expect(await outcome(plainPng([pngChunk("CgBI", "1234")]), "image/png")).toBe("DAMAGED_MEDIA");
  });

  test("that is cut in front of the end of its picture is cut off", async () => {
    const plain = plainPng();
    for (const cut of [13, 16, 200])
      expect(await outcome(plain.subarray(0, -cut), "image/png")).toBe("CUT_OFF_MEDIA");
    expect(await outcome(plain.subarray(0, 33), "image/png")).toBe("CUT_OFF_MEDIA");
    expect(await outcome(plain.subarray(0, 40), "image/png")).toBe("CUT_OFF_MEDIA");
  });

  test("without IEND, or with an end that is damaged, gets a new one", async () => {
    const plain = plainPng();
    const body = plain.subarray(0, -12);
    const ends = [
      ...[0, 1, 4, 8, 11].map((length) => plain.subarray(-12).subarray(0, length)),
      pngChunk("tEXt", "secret".repeat(20)).subarray(0, 40),
      Buffer.alloc(100),
    ];
    for (const end of ends) {
      const { bytes, facts } = await clean(Buffer.concat([body, end]), "image/png");
      expect(bytes).toEqual(plain);
      expect(facts.decoding?.mustBeChecked).toBe("no end");
    }
  });

  test("that moves and ends in a later frame loses that frame, and counts those it has", async () => {
    const control = (sequence: number) =>
      pngChunk("fcTL", Buffer.concat([u32(sequence, 48, 32, 0, 0), Buffer.alloc(6)]));
    const data = pngChunk("fdAT", Buffer.concat([u32(1), Buffer.alloc(50)]));
    const animation = (frames: number) => pngChunk("acTL", u32(frames, 0));
    const end = plainPng().subarray(-12);
    const whole = plainPng([animation(3), control(0)], [control(1), data, control(3), data]);
    expect((await clean(whole, "image/png")).bytes).toEqual(whole);
    const two = plainPng([animation(2), control(0)], [control(1), data]);
    for (const cut of [end.length + 1, end.length + 60])
      expect((await clean(whole.subarray(0, -cut), "image/png")).bytes).toEqual(two);
    expect((await clean(whole.subarray(0, -end.length), "image/png")).bytes).toEqual(whole);
    const one = plainPng([animation(1), control(0)]);
    const early = whole.subarray(0, one.length - end.length + control(1).length + 20);
    expect((await clean(early, "image/png")).bytes).toEqual(one);
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
