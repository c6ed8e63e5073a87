import { describe, expect, test } from "bun:test";

import { clean, outcome } from "./cleaning.ts";
import { gifParts } from "./photo-samples.ts";

const { screen, control, image, trailer, loop, comment, xmp } = gifParts;
const frame = Buffer.concat([control, image]);
const application = (name: string) => Buffer.from(`!\xff\x0b${name}\x03abc\0`, "latin1");

describe("a GIF", () => {
  test("loses comments, XMP, unknown extensions and what follows its end, and nothing else", async () => {
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
    expect(facts).toEqual({
      bytes: bytes.length,
      orientation: 1,
      size: { width: 3, height: 2 },
      hasPicture: true,
    });
    expect(left).toEqual(["upload"]);
  });

  test("keeps looping under both names and its colour profile", async () => {
    const sample = Buffer.concat([
      screen,
      loop,
      application("ANIMEXTS1.0"),
      application("ICCRGBG1012"),
      frame,
      trailer,
    ]);
    expect((await clean(sample, "image/gif")).bytes).toEqual(sample);
  });

  test("without a trailer gets one; one cut within an image is refused", async () => {
    const whole = Buffer.concat([screen, frame, frame, trailer]);
    expect((await clean(whole.subarray(0, -1), "image/gif")).bytes).toEqual(whole);
    expect(await outcome(whole.subarray(0, -3), "image/gif")).toBe("DAMAGED_MEDIA");
    expect(await outcome(Buffer.concat([screen, trailer]), "image/gif")).toBe("DAMAGED_MEDIA");
  });
});
