import { describe, expect, test } from "bun:test";

import { cleanProfile } from "../../src/metadata/icc.ts";
import { displayProfile } from "../support/icc-samples.ts";
import { clean, leaks, outcome, pixels } from "./cleaning.ts";
import { riffChunk, riffChunks, riffFile, secretExif, vp8x, webpImage, xmp } from "./photo-samples.ts";

const exif = (orientation: number, prefix = "") =>
  riffChunk("EXIF", Buffer.concat([Buffer.from(prefix), secretExif(orientation)]));
/** An ANMF chunk; its position must be even. */
const animationFrame = (x: number, y: number, width: number, height: number, ...chunks: Buffer[]) => {
  const head = Buffer.alloc(16, 1);
  for (const [index, value] of [x / 2, y / 2, width - 1, height - 1].entries())
    head.writeUIntLE(value, index * 3, 3);
  return riffChunk("ANMF", Buffer.concat([head, ...chunks]));
};
const types = (webp: Buffer) => riffChunks(webp.subarray(12)).map(({ type }) => type);
const flags = (webp: Buffer) => riffChunks(webp.subarray(12))[0]?.content[0];

describe("WebP", () => {
  test.each([true, false])(
    "WebP: removes EXIF, XMP and unknown chunks, and no pixel (lossless: %p)",
    async (lossless) => {
      const image = await webpImage(lossless);
      const sample = Buffer.concat([
        riffFile(
          "WEBP",
          vp8x(0x3c),
          riffChunk("ICCP", displayProfile()),
          riffChunk("junk", Buffer.from("secret")),
          image,
          exif(6, "Exif\0\0"),
          riffChunk("XMP ", xmp),
        ),
        Buffer.from("secret tail"),
      ]);
      const { bytes, facts, left } = await clean(sample, "image/webp");
      expect(leaks(bytes)).toBeFalse();
      expect(types(bytes)).toEqual(["VP8X", "ICCP", lossless ? "VP8L" : "VP8 "]);
      expect(flags(bytes)).toBe(0x20 | 0x10);
      expect(riffChunks(bytes.subarray(12))[1]?.content).toEqual(cleanProfile(displayProfile()) as Buffer);
      expect(bytes.readUInt32LE(4)).toBe(bytes.length - 8);
      expect(await pixels(bytes)).toEqual(await pixels(sample));
      // Browsers ignore the orientation in a WebP.
      expect(facts).toMatchObject({
        bytes: bytes.length,
        orientation: 1,
        size: { width: 48, height: 32 },
        decodedPixels: 32 * 48,
        hasPicture: true,
      });
      expect(left).toEqual(["upload"]);
    },
  );

  test("WebP: does not change a file without metadata", async () => {
    const simple = riffFile("WEBP", await webpImage(false));
    const { bytes, facts } = await clean(simple, "image/webp");
    expect(bytes).toEqual(simple);
    expect(facts.size).toEqual({ width: 48, height: 32 });
    expect((await clean(riffFile("WEBP", await webpImage(true)), "image/webp")).facts.size).toEqual({
      width: 48,
      height: 32,
    });
  });

  test("WebP: keeps frames, timing and looping of an animation, and no unknown chunks in a frame", async () => {
    const image = await webpImage(false);
    const alpha = riffChunk("ALPH", Buffer.from("odd"));
    const animation = riffChunk("ANIM", Buffer.alloc(6, 2));
    const frame = (...chunks: Buffer[]) => animationFrame(2, 4, 48, 32, ...chunks);
    const sample = riffFile(
      "WEBP",
      vp8x(0x12 | 0x04, 50, 36),
      animation,
      frame(alpha, image, riffChunk("XMP ", xmp)),
      riffChunk("XMP ", xmp),
      frame(image),
    );
    const { bytes, facts } = await clean(sample, "image/webp");
    expect(bytes).toEqual(riffFile("WEBP", vp8x(0x12, 50, 36), animation, frame(alpha, image), frame(image)));
    expect(facts).toMatchObject({ size: { width: 50, height: 36 }, decodedPixels: 50 * 36 });
  });

  test("WebP: removes bytes after the content of ANIM, reserved bits of frames, and alpha next to a lossless image", async () => {
    const [lossless, lossy] = [await webpImage(true), await webpImage(false)];
    const alpha = riffChunk("ALPH", Buffer.from("secret"));
    const animation = (tail: string) => riffChunk("ANIM", Buffer.from(`123456${tail}`));
    const frame = (flags: number, ...chunks: Buffer[]) => {
      const bytes = animationFrame(0, 0, 48, 32, ...chunks);
      bytes.writeUInt8(flags, 8 + 15);
      return bytes;
    };
    const moving = (tail: string, ...frames: Buffer[]) =>
      riffFile("WEBP", vp8x(0x02), animation(tail), ...frames);
    const { bytes } = await clean(
      moving("secret", frame(0xff, alpha, lossless), frame(2, lossy)),
      "image/webp",
    );
    expect(bytes).toEqual(moving("", frame(3, lossless), frame(2, lossy)));
    const still = riffFile("WEBP", vp8x(0x10), alpha, lossless);
    expect((await clean(still, "image/webp")).bytes).toEqual(riffFile("WEBP", vp8x(0x10), lossless));
    expect(
      await outcome(riffFile("WEBP", vp8x(0x02), riffChunk("ANIM", Buffer.alloc(4))), "image/webp"),
    ).toBe("DAMAGED_MEDIA");
  });

  test("WebP: removes a colour profile that decoders ignore", async () => {
    const image = await webpImage(true);
    const sample = riffFile("WEBP", vp8x(0x20), riffChunk("ICCP", Buffer.alloc(200, "profile")), image);
    const { bytes } = await clean(sample, "image/webp");
    expect(bytes).toEqual(riffFile("WEBP", vp8x(0), image));
  });

  test("WebP: drops an incomplete chunk after the picture", async () => {
    const image = await webpImage(true);
    const sample = riffFile("WEBP", vp8x(0x0c), image, exif(6), riffChunk("XMP ", xmp));
    for (const length of [sample.length - 5, sample.length - xmp.length - 30])
      expect((await clean(sample.subarray(0, length), "image/webp")).bytes).toEqual(
        riffFile("WEBP", vp8x(0), image),
      );
  });

  test("WebP: drops an incomplete later frame, and rejects an incomplete first frame with CUT_OFF_MEDIA", async () => {
    const image = await webpImage(false);
    const animation = riffChunk("ANIM", Buffer.alloc(6));
    const frame = animationFrame(0, 0, 48, 32, image);
    const whole = riffFile("WEBP", vp8x(0x02), animation, frame, frame);
    for (const cut of [2, 100, frame.length - 8])
      expect((await clean(whole.subarray(0, -cut), "image/webp")).bytes).toEqual(
        riffFile("WEBP", vp8x(0x02), animation, frame),
      );
    expect(await outcome(whole.subarray(0, -frame.length - 2), "image/webp")).toBe("CUT_OFF_MEDIA");
  });

  test("WebP: rejects a truncated file, and adds a missing last padding byte", async () => {
    const whole = riffFile("WEBP", vp8x(0), await webpImage(true));
    for (const share of [0.2, 0.5, 0.9])
      expect(await outcome(whole.subarray(0, whole.length * share), "image/webp")).toBe("CUT_OFF_MEDIA");
    // The same error for any number of missing bytes.
    for (const lossless of [false, true]) {
      const simple = riffFile("WEBP", await webpImage(lossless));
      const padding = riffChunks(simple.subarray(12))[0]!.content.length % 2;
      for (const missing of [1, 2, 3, 4])
        expect(await outcome(simple.subarray(0, -padding - missing), "image/webp")).toBe("CUT_OFF_MEDIA");
    }
    const odd = riffFile("WEBP", riffChunk("VP8L", Buffer.from("\x2f\x2f\xc0\x07\x00ab", "latin1")));
    expect((await clean(odd.subarray(0, -1), "image/webp")).bytes).toEqual(odd);
  });

  test.each([
    ["beside its canvas", [2, 0, 48, 32]],
    ["below its canvas", [0, 2, 48, 32]],
    ["larger than its canvas", [0, 0, 16_000_000, 16_000_000]],
    ["of another size than the image in it", [0, 0, 47, 32]],
    ["smaller than the image in it", [0, 0, 1, 1]],
  ] as const)("WebP: rejects a frame %s", async (_name, [x, y, width, height]) => {
    for (const lossless of [false, true]) {
      const whole = (...place: [number, number, number, number]) => animationFrame(...place, image);
      const image = await webpImage(lossless);
      const sample = (frame: Buffer) =>
        riffFile("WEBP", vp8x(0x02), riffChunk("ANIM", Buffer.alloc(6)), whole(0, 0, 48, 32), frame);
      expect(await outcome(sample(whole(0, 0, 48, 32)), "image/webp")).toBe("cleaned");
      expect(await outcome(sample(whole(x, y, width, height)), "image/webp")).toBe("DAMAGED_MEDIA");
    }
  });

  test("WebP: rejects an image that does not have the size of the canvas or is not a key frame", async () => {
    for (const lossless of [false, true]) {
      const image = await webpImage(lossless);
      const alpha = riffChunk("ALPH", Buffer.from("alpha!"));
      const sample = (width: number, height: number) =>
        riffFile("WEBP", vp8x(0x10, width, height), alpha, image);
      expect(await outcome(sample(48, 32), "image/webp")).toBe("cleaned");
      for (const [width, height] of [
        [47, 32],
        [48, 33],
        [1, 1],
        [20_000, 20_000],
      ] as const)
        expect(await outcome(sample(width, height), "image/webp")).toBe("DAMAGED_MEDIA");
      const broken = Buffer.from(riffFile("WEBP", image));
      broken.writeUInt8(0xff, lossless ? 20 : 23);
      expect(await outcome(broken, "image/webp")).toBe("DAMAGED_MEDIA");
    }
  });

  test("WebP: rejects a first VP8 partition that does not fit its chunk, and an unknown version", async () => {
    const lossy = riffFile("WEBP", await webpImage(false));
    const tag = lossy.readUIntLE(20, 3);
    for (const [changed, expected] of [
      [tag, "cleaned"],
      [(tag & 31) | ((lossy.length - 30) << 5), "cleaned"],
      [(tag & 31) | ((lossy.length - 29) << 5), "DAMAGED_MEDIA"],
      [tag & 31, "DAMAGED_MEDIA"],
      [tag | (4 << 1), "DAMAGED_MEDIA"],
    ] as const) {
      const sample = Buffer.from(lossy);
      sample.writeUIntLE(changed, 20, 3);
      expect([changed, await outcome(sample, "image/webp")]).toEqual([changed, expected]);
    }
    const lossless = riffFile("WEBP", await webpImage(true));
    lossless.writeUInt8(lossless.readUInt8(24) | 0x20, 24);
    expect(await outcome(lossless, "image/webp")).toBe("DAMAGED_MEDIA");
  });
});
