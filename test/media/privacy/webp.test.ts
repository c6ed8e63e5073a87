import { describe, expect, test } from "bun:test";

import { clean, leaks, outcome, pixels } from "./cleaning.ts";
import {
  profile,
  riffChunk,
  riffChunks,
  riffFile,
  secretExif,
  vp8x,
  webpImage,
  xmp,
} from "./photo-samples.ts";

const exif = (orientation: number, prefix = "") =>
  riffChunk("EXIF", Buffer.concat([Buffer.from(prefix), secretExif(orientation)]));
const types = (webp: Buffer) => riffChunks(webp.subarray(12)).map(({ type }) => type);
const flags = (webp: Buffer) => riffChunks(webp.subarray(12))[0]?.content[0];

describe("a WebP", () => {
  test.each([true, false])(
    "loses EXIF, XMP and unknown chunks, and no pixel (lossless: %p)",
    async (lossless) => {
      const image = await webpImage(lossless);
      const sample = Buffer.concat([
        riffFile(
          "WEBP",
          vp8x(0x3c),
          riffChunk("ICCP", profile),
          riffChunk("junk", Buffer.from("secret")),
          image,
          exif(6, "Exif\0\0"),
          riffChunk("XMP ", xmp),
        ),
        Buffer.from("secret tail"),
      ]);
      const { bytes, facts, left } = await clean(sample, "image/webp");
      expect(leaks(bytes)).toBeFalse();
      expect(types(bytes)).toEqual(["VP8X", "ICCP", lossless ? "VP8L" : "VP8 ", "EXIF"]);
      expect(flags(bytes)).toBe(0x20 | 0x10 | 0x08);
      expect(bytes.readUInt32LE(4)).toBe(bytes.length - 8);
      expect(await pixels(bytes)).toEqual(await pixels(sample));
      expect(facts).toEqual({
        bytes: bytes.length,
        orientation: 6,
        size: { width: 32, height: 48 },
        hasPicture: true,
      });
      expect(left).toEqual(["upload"]);
    },
  );

  test("without metadata stays as it is, down to the last byte", async () => {
    const simple = riffFile("WEBP", await webpImage(false));
    const { bytes, facts } = await clean(simple, "image/webp");
    expect(bytes).toEqual(simple);
    expect(facts.size).toEqual({ width: 48, height: 32 });
    expect((await clean(riffFile("WEBP", await webpImage(true)), "image/webp")).facts.size).toEqual({
      width: 48,
      height: 32,
    });
  });

  test("that moves keeps its frames, timing and looping, and no stowaway in a frame", async () => {
    const place = Buffer.alloc(16, 1);
    const image = await webpImage(false);
    const alpha = riffChunk("ALPH", Buffer.from("odd"));
    const animation = riffChunk("ANIM", Buffer.alloc(6, 2));
    const frame = (...chunks: Buffer[]) => riffChunk("ANMF", Buffer.concat([place, ...chunks]));
    const sample = riffFile(
      "WEBP",
      vp8x(0x12 | 0x04),
      animation,
      frame(alpha, image, riffChunk("XMP ", xmp)),
      riffChunk("XMP ", xmp),
      frame(image),
    );
    const { bytes } = await clean(sample, "image/webp");
    expect(bytes).toEqual(riffFile("WEBP", vp8x(0x12), animation, frame(alpha, image), frame(image)));
  });

  test("that is cut is refused; a forgotten last padding byte is added", async () => {
    const whole = riffFile("WEBP", vp8x(0), await webpImage(true));
    for (const share of [0.2, 0.5, 0.9])
      expect(await outcome(whole.subarray(0, whole.length * share), "image/webp")).toBe("DAMAGED_MEDIA");
    const odd = riffFile("WEBP", riffChunk("VP8L", Buffer.from("\x2f\x2f\xc0\x07\x00ab", "latin1")));
    expect((await clean(odd.subarray(0, -1), "image/webp")).bytes).toEqual(odd);
  });
});
