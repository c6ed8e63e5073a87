import { describe, expect, test } from "bun:test";

import { cleanProfile } from "../../src/metadata/icc.ts";
import { displayProfile } from "../support/icc-samples.ts";
import { clean, leaks, outcome, pixels } from "./cleaning.ts";
import { gifOfManyCodes, gifParts } from "./photo-samples.ts";

const { screen, control, image, trailer, loop, comment, xmp } = gifParts;
const frame = Buffer.concat([control, image]);
const looping = (name: string, content: string) => Buffer.from(`!\xff\x0b${name}${content}\0`, "latin1");
const application = (name: string) => Buffer.from(`!\xff\x0b${name}\x03abc\0`, "latin1");

describe("GIF", () => {
  test("GIF: removes comments, XMP, unknown extensions and trailing bytes, and nothing else", async () => {
    const plainText = Buffer.from("!\x01\x0c123456789012\x06secret\0", "latin1");
    const sample = Buffer.concat([
      screen,
      comment,
      loop,
      application("secretAPP12"),
      frame,
      xmp,
      plainText,
      frame,
      comment,
      trailer,
      Buffer.from("secret tail"),
    ]);
    const { bytes, facts, left } = await clean(sample, "image/gif");
    expect(bytes).toEqual(Buffer.concat([screen, loop, frame, frame, trailer]));
    expect(facts).toMatchObject({
      bytes: bytes.length,
      orientation: 1,
      size: { width: 3, height: 2 },
      decodedPixels: 6,
      hasPicture: true,
    });
    expect(left).toEqual(["upload"]);
  });

  test("GIF: keeps the looping extension under both of its names", async () => {
    const sample = Buffer.concat([screen, loop, looping("ANIMEXTS1.0", "\x03\x01\x07\0"), frame, trailer]);
    expect((await clean(sample, "image/gif")).bytes).toEqual(sample);
  });

  test("GIF: keeps only the number of repetitions of a looping extension", async () => {
    const plain = Buffer.concat([screen, looping("NETSCAPE2.0", "\x03\x01\x07\0"), frame, trailer]);
    for (const content of [
      "\x03\x01\x07\0\x06secret",
      "\x09\x01\x07\0secret",
      "\x03\x41\x07\0\x05\x02\0\0\0\0",
    ]) {
      const sample = Buffer.concat([screen, looping("NETSCAPE2.0", content), frame, trailer]);
      expect((await clean(sample, "image/gif")).bytes).toEqual(plain);
    }
    for (const content of ["", "\x06secret", "\x02\x01\x07"]) {
      const sample = Buffer.concat([screen, looping("NETSCAPE2.0", content), frame, trailer]);
      expect((await clean(sample, "image/gif")).bytes).toEqual(Buffer.concat([screen, frame, trailer]));
    }
  });

  test("GIF: keeps only the last graphic control extension of an image, and its four bytes", async () => {
    const plain = Buffer.concat([screen, loop, frame, frame, trailer]);
    const [other, long] = [
      Buffer.from(control),
      Buffer.from("!\xf9\x0a\xe5\x14\0\0secret\x06secret\0", "latin1"),
    ];
    other.writeUInt16LE(999, 4);
    const short = Buffer.from("!\xf9\x03abc\0", "latin1");
    const sample = Buffer.concat([
      screen,
      other,
      loop,
      long,
      image,
      other,
      control,
      short,
      image,
      control,
      trailer,
    ]);
    expect((await clean(sample, "image/gif")).bytes).toEqual(Buffer.concat([plain.subarray(0, -1), trailer]));
  });

  /** Splits bytes into sub-blocks of this size. */
  const inSubBlocks = (content: Buffer, size: number) => {
    const blocks: Buffer[] = [];
    for (let at = 0; at < content.length; at += size) {
      const part = content.subarray(at, at + size);
      blocks.push(Buffer.from([part.length]), part);
    }
    return Buffer.concat([...blocks, Buffer.alloc(1)]);
  };

  test("GIF: rebuilds the colour profile from the tags that colours need", async () => {
    const head = Buffer.from("!\xff\x0bICCRGBG1012", "latin1");
    const sample = (profile: Buffer, size: number) =>
      Buffer.concat([screen, head, inSubBlocks(profile, size), frame, trailer]);
    const { bytes } = await clean(sample(displayProfile(), 100), "image/gif");
    expect(leaks(bytes)).toBeFalse();
    expect(bytes).toEqual(sample(cleanProfile(displayProfile()) as Buffer, 255));
    const without = await clean(sample(Buffer.alloc(200), 255), "image/gif");
    expect(without.bytes).toEqual(Buffer.concat([screen, frame, trailer]));
  });

  test("GIF: adds a missing trailer and drops an incomplete last frame", async () => {
    const whole = Buffer.concat([screen, frame, frame, trailer]);
    expect((await clean(whole.subarray(0, -1), "image/gif")).bytes).toEqual(whole);
    for (let cut = 5; cut <= frame.length + 1; cut++)
      expect((await clean(whole.subarray(0, -cut), "image/gif")).bytes).toEqual(
        Buffer.concat([screen, frame, trailer]),
      );
    expect(await outcome(Buffer.concat([screen, trailer]), "image/gif")).toBe("DAMAGED_MEDIA");
  });

  test("GIF: drops an incomplete extension at the end", async () => {
    const whole = Buffer.concat([screen, loop, frame, comment]);
    for (const cut of [1, 5, comment.length - 1])
      expect((await clean(whole.subarray(0, -cut), "image/gif")).bytes).toEqual(
        Buffer.concat([screen, loop, frame, trailer]),
      );
    expect(await outcome(Buffer.concat([screen, loop.subarray(0, -3)]), "image/gif")).toBe("CUT_OFF_MEDIA");
  });

  /** A picture of 320 × 200 in one frame, by an independent encoder. */
  const photo = () => Buffer.from(gifOfManyCodes());
  test("GIF: adds a missing terminator if the picture has all pixels, and else rejects it with CUT_OFF_MEDIA", async () => {
    const whole = (await clean(photo(), "image/gif")).bytes;
    const data = whole.length - 2;
    for (const length of [data, data + 1]) {
      const mended = (await clean(whole.subarray(0, length), "image/gif")).bytes;
      expect(mended).toEqual(whole);
    }
    for (const missing of [4, 10, 100, 1000, whole.length - 900])
      expect(await outcome(whole.subarray(0, data - missing), "image/gif")).toBe("CUT_OFF_MEDIA");
  });

  /** The photo with the data of its image changed, in sub-blocks of this size. */
  const withData = (change: (data: Buffer) => Buffer, size = 255) => {
    const whole = photo();
    const start = 13 + 48 + 11;
    const data: Buffer[] = [];
    for (let at = start; whole[at]! > 0; at += 1 + whole[at]!)
      data.push(whole.subarray(at + 1, at + 1 + whole[at]!));
    return Buffer.concat([whole.subarray(0, start), inSubBlocks(change(Buffer.concat(data)), size), trailer]);
  };

  test("GIF: removes image data after the end code, and no pixel", async () => {
    expect((await clean(photo(), "image/gif")).bytes).toEqual(photo());
    const secret = Buffer.from("secret".repeat(100));
    for (const size of [1, 100, 255]) {
      const plain = withData((data) => data, size);
      expect((await clean(plain, "image/gif")).bytes).toEqual(plain);
      const { bytes } = await clean(
        withData((data) => Buffer.concat([data, secret]), size),
        "image/gif",
      );
      expect(leaks(bytes)).toBeFalse();
      expect(await pixels(bytes)).toEqual(await pixels(photo()));
      expect(bytes.length).toBeLessThanOrEqual(plain.length);
    }
  });

  test("GIF: cuts image data without an end code after the last pixel", async () => {
    const secret = Buffer.from("secret".repeat(100));
    const sample = withData((data) => Buffer.concat([data.subarray(0, -3), Buffer.alloc(3), secret]));
    expect(leaks((await clean(sample, "image/gif")).bytes)).toBeFalse();
    const ended = withData((data) => Buffer.concat([data.subarray(0, -1), secret]));
    expect(leaks((await clean(ended, "image/gif")).bytes)).toBeFalse();
  });

  test("GIF: reports missing pixels in the first image, and rejects an invalid code size", async () => {
    expect((await clean(photo(), "image/gif")).facts.decoding?.mustBeChecked).toBeUndefined();
    const half = withData((data) => data.subarray(0, data.length / 2));
    expect((await clean(half, "image/gif")).facts.decoding?.mustBeChecked).toBe("no end");
    for (const bits of [0, 12, 255]) {
      const sample = photo();
      sample.writeUInt8(bits, 13 + 48 + 10);
      expect(await outcome(sample, "image/gif")).toBe("DAMAGED_MEDIA");
    }
  });

  /** An image of this size and position with the data of a single pixel. */
  const imageAt = (x: number, y: number, width: number, height: number) => {
    const bytes = Buffer.from(image);
    for (const [index, value] of [x, y, width, height].entries()) bytes.writeUInt16LE(value, 1 + index * 2);
    return bytes;
  };
  const screenOf = (width: number, height: number) => {
    const bytes = Buffer.from(screen);
    bytes.writeUInt16LE(width, 6);
    bytes.writeUInt16LE(height, 8);
    return bytes;
  };

  test.each([
    ["larger than its screen", [0, 0, 20_000, 20_000]],
    ["beside its screen", [1, 0, 3, 2]],
    ["below its screen", [0, 1, 3, 2]],
    ["far outside", [65_535, 65_535, 1, 1]],
  ] as const)("GIF: rejects an image %s, at any position", async (_name, [x, y, width, height]) => {
    const outside = imageAt(x, y, width, height);
    for (const images of [[outside], [image, outside], [outside, image]]) {
      const sample = Buffer.concat([screen, ...images, trailer]);
      expect(await outcome(sample, "image/gif")).toBe("DAMAGED_MEDIA");
    }
  });

  test("GIF: takes the size of an empty screen from the first image, which later images must fit", async () => {
    for (const empty of [screenOf(0, 0), screenOf(500, 0), screenOf(0, 500)]) {
      const sample = Buffer.concat([empty, imageAt(0, 0, 40, 30), imageAt(1, 1, 39, 29), trailer]);
      const { facts } = await clean(sample, "image/gif");
      expect(facts).toMatchObject({ size: { width: 40, height: 30 }, decodedPixels: 1200 });
      const larger = Buffer.concat([empty, imageAt(0, 0, 40, 30), imageAt(0, 0, 41, 30), trailer]);
      expect(await outcome(larger, "image/gif")).toBe("DAMAGED_MEDIA");
    }
  });

  test("GIF: accepts 30,000 frames and rejects frames with too many pixels together", async () => {
    const long = (count: number, size: number) =>
      Buffer.concat([
        screenOf(size, size),
        loop,
        ...Array.from({ length: count }, () => [control, imageAt(0, 0, size, size)]).flat(),
        trailer,
      ]);
    expect(await outcome(long(30_000, 1000), "image/gif")).toBe("cleaned");
    expect(await outcome(long(30_000, 2000), "image/gif")).toBe("DAMAGED_MEDIA");
  });
});
