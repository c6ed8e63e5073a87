import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { deflateSync } from "node:zlib";

import { removeMetadata } from "../../src/metadata/remove-metadata.ts";
import { RawPicture } from "../../src/renditions/raw-picture.ts";
import { makePictures } from "../../src/renditions/pictures.ts";
import type { MediaType } from "../../src/media-types.ts";
import { displayProfile, gamma, greyProfile, printerProfiles, srgbProfile } from "../support/icc-samples.ts";
import { undecodableHeic, jpegPhoto } from "../support/media-samples.ts";
import { rawPixels } from "../support/raw-pixels.ts";
import { inTempFolder } from "../metadata/cleaning.ts";
import {
  gifParts,
  inkJpeg,
  jpegSegment,
  pngChunk,
  riffChunk,
  riffFile,
  secretExif,
  vp8x,
  withSegments,
} from "../metadata/photo-samples.ts";

/** Makes the thumbnail of a file like an upload does. */
async function thumbnailOf(bytes: Uint8Array, type: MediaType): Promise<Uint8Array> {
  return inTempFolder(async (folder) => {
    const path = join(folder, "a");
    await Bun.write(path, bytes);
    const image = { ...(await removeMetadata(path, type)), path, type };
    const { thumbnail } = await makePictures(image, { thumbnail: true, display: false });
    return thumbnail ?? new Uint8Array();
  });
}

const sizeOf = async (image: Uint8Array) => {
  const { width, height } = await new Bun.Image(image).metadata();
  return [width, height];
};

async function expectColour(image: Uint8Array, expected: readonly number[], x = 0.5, y = 0.5): Promise<void> {
  const picture = await RawPicture.decode(new Bun.Image(image));
  const at = picture.at(Math.floor(picture.width * x), Math.floor(picture.height * y));
  const found = [...picture.rows.subarray(at, at + expected.length)];
  // WebP is lossy here.
  for (const [index, value] of expected.entries())
    expect([found, Math.abs(value - found[index]!) <= 6]).toEqual([found, true]);
}

/** A picture of one colour, with chunks before its data. */
function plainPng(colour: number[], ...chunks: Buffer[]): Buffer {
  const [width, height] = [64, 48];
  const row = Buffer.from([0, ...Array.from({ length: width }, () => colour).flat()]);
  const header = Buffer.from([
    0,
    0,
    0,
    width,
    0,
    0,
    0,
    height,
    8,
    { 1: 0, 3: 2, 4: 6 }[colour.length] ?? 2,
    0,
    0,
    0,
  ]);
  return Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    pngChunk("IHDR", header),
    ...chunks,
    pngChunk("IDAT", deflateSync(Buffer.concat(Array<Buffer>(height).fill(row)))),
    pngChunk("IEND"),
  ]);
}
const iCCP = (profile: Buffer) =>
  pngChunk("iCCP", Buffer.concat([Buffer.from("a\0\0"), deflateSync(profile)]));
const profileSegment = (profile: Buffer) => jpegSegment(0xe2, "ICC_PROFILE\0\x01\x01", profile);
const jpegOf = async (png: Buffer) => Buffer.from(await new Bun.Image(png).jpeg({ quality: 95 }).bytes());

test.each([1, 2, 3, 4, 5, 6, 7, 8] as const)(
  "thumbnails: rotates a PNG with orientation %d like Bun.Image rotates a JPEG",
  async (orientation) => {
    const plain = Buffer.from(await jpegPhoto(64, 48));
    const turned = withSegments(plain, jpegSegment(0xe1, "Exif\0\0", secretExif(orientation)));
    const png = Buffer.from(await new Bun.Image(plain).png().bytes());
    const asPng = Buffer.concat([
      png.subarray(0, 33),
      pngChunk("eXIf", secretExif(orientation)),
      png.subarray(33),
    ]);
    const [expected, made] = [await thumbnailOf(turned, "image/jpeg"), await thumbnailOf(asPng, "image/png")];
    const [wanted, shown] = [await rawPixels(expected, 2, 2), await rawPixels(made, 2, 2)];
    // Four quarters of different colours; both formats are lossy.
    for (const [at, value] of wanted.entries()) expect(Math.abs(value - shown[at]!)).toBeLessThan(12);
    expect(new Set(wanted.map((value) => Math.round(value / 24))).size).toBeGreaterThan(2);
    const [width = 0, height = 0] = await sizeOf(made);
    expect(width > height).toBe(orientation < 5);
  },
);

test("thumbnails: ignores the orientation of a WebP, as browsers do", async () => {
  const image = Buffer.from(await new Bun.Image(await jpegPhoto(64, 48)).webp().bytes()).subarray(12);
  const sample = riffFile("WEBP", vp8x(0x08, 64, 48), image, riffChunk("EXIF", secretExif(6)));
  expect(await sizeOf(await thumbnailOf(sample, "image/webp"))).toEqual([64, 48]);
});

test("thumbnails: rejects an image that its decoder rejects with DAMAGED_MEDIA", async () => {
  const photo = plainPng([1, 2, 3]);
  // Damages the compressed pixels but not the structure around them.
  photo.fill(0, photo.indexOf("IDAT") + 4, photo.indexOf("IDAT") + 40);
  expect(thumbnailOf(photo, "image/png")).rejects.toMatchObject({ code: "DAMAGED_MEDIA" });
});

test("thumbnails: a HEIC that cannot be decoded is rejected with DAMAGED_MEDIA", async () => {
  expect(await thumbnailOf(undecodableHeic(), "image/heic").catch(({ code }) => code)).toBe("DAMAGED_MEDIA");
});

describe("thumbnails: colours", () => {
  // Expected colours are those of LittleCMS and, for gAMA, of Chromium.
  test.each([
    ["a PNG with a display's profile", () => plainPng([180, 90, 40], iCCP(displayProfile())), [195, 83, 5]],
    [
      "a PNG with a profile and opacity",
      () => plainPng([180, 90, 40, 120], iCCP(displayProfile())),
      [195, 83, 5, 120],
    ],
    ["a grey PNG with a profile", () => plainPng([128], iCCP(greyProfile(gamma(1.8)))), [146, 146, 146]],
    [
      "a PNG with gAMA",
      () => plainPng([200, 60, 30], pngChunk("gAMA", Buffer.from([0, 1, 0x86, 0xa0]))),
      [229, 133, 96],
    ],
    ["a PNG of sRGB", () => plainPng([200, 60, 30], iCCP(srgbProfile())), [200, 60, 30]],
  ] as const)("thumbnails: %s keeps its colours and has no profile", async (_name, make, expected) => {
    const made = await thumbnailOf(make(), "image/png");
    await expectColour(made, expected);
    expect(Buffer.from(made).includes("ICCP")).toBeFalse();
  });

  test("thumbnails: a JPEG with a display profile keeps its colours and has no profile", async () => {
    const photo = withSegments(await jpegOf(plainPng([180, 90, 40])), profileSegment(displayProfile()));
    const made = await thumbnailOf(photo, "image/jpeg");
    await expectColour(made, [195, 83, 5]);
    expect(Buffer.from(made).includes("ICCP")).toBeFalse();
    expect(made.length).toBeLessThan(300);
  });

  test("thumbnails: a WebP with a display profile keeps its colours and has no profile", async () => {
    const image = Buffer.from(
      await new Bun.Image(plainPng([180, 90, 40])).webp({ lossless: true }).bytes(),
    ).subarray(12);
    const photo = riffFile("WEBP", vp8x(0x20, 64, 48), riffChunk("ICCP", displayProfile()), image);
    const made = await thumbnailOf(photo, "image/webp");
    await expectColour(made, [195, 83, 5]);
    expect(Buffer.from(made).includes("ICCP")).toBeFalse();
  });

  test.each(["CMYK", "YCCK"] as const)(
    "thumbnails: a %s JPEG has the colours of its printer profile",
    async (coding) => {
      for (const profile of Object.values(printerProfiles))
        for (const [inks, expected] of [
          [
            [0, 0, 0, 0],
            [255, 255, 255],
          ],
          [
            [255, 0, 0, 0],
            [0, 175, 229],
          ],
          [
            [0, 255, 255, 0],
            [201, 59, 0],
          ],
          [
            [0, 0, 0, 255],
            [17, 17, 17],
          ],
          [
            [0, 0, 0, 128],
            [125, 125, 125],
          ],
        ] as const) {
          const photo = withSegments(inkJpeg(inks, coding), profileSegment(profile));
          await expectColour(await thumbnailOf(photo, "image/jpeg"), expected);
        }
    },
  );

  test("thumbnails: a CMYK JPEG without a profile has the colours that browsers show", async () => {
    for (const coding of ["CMYK", "YCCK"] as const)
      await expectColour(
        await thumbnailOf(inkJpeg([200, 120, 20, 40], coding), "image/jpeg"),
        [46, 113, 198],
      );
  });

  test("thumbnails: a CMYK JPEG with four quantisation tables has a thumbnail", async () => {
    const photo = inkJpeg([200, 120, 20, 40], "CMYK");
    const tables = [1, 2, 3].map((table) =>
      jpegSegment(0xdb, Buffer.from([table, ...Array<number>(64).fill(1)])),
    );
    const sample = withSegments(photo, profileSegment(printerProfiles.mft2), ...tables);
    await expectColour(await thumbnailOf(sample, "image/jpeg"), [46, 113, 198]);
  });
});

describe("thumbnails: the first frame of an animation", () => {
  /** A GIF's frame of black and white pixels at this place of a 400 × 300 canvas. */
  const gifWith = async (x: number, y: number, scale = 1) => {
    const image = Buffer.from(gifParts.image);
    for (const [index, value] of [x, y, 3, 2].entries()) image.writeUInt16LE(value, 1 + index * 2);
    const screen = Buffer.from(gifParts.screen);
    screen.writeUInt16LE(400 * scale, 6);
    screen.writeUInt16LE(300 * scale, 8);
    return Buffer.concat([screen, image, gifParts.trailer]);
  };

  test("thumbnails: the first frame of a GIF is placed on a transparent canvas", async () => {
    const made = await thumbnailOf(await gifWith(200, 100), "image/gif");
    expect(await sizeOf(made)).toEqual([400, 300]);
    const picture = await RawPicture.decode(new Bun.Image(made));
    const opacity = (x: number, y: number) => picture.rows[picture.at(x, y) + 3];
    for (const [x, y] of [
      [199, 100],
      [200, 99],
      [203, 101],
      [202, 102],
      [0, 0],
      [399, 299],
    ] as const)
      expect([x, y, opacity(x, y)]).toEqual([x, y, 0]);
    for (const [x, y] of [
      [200, 100],
      [202, 100],
      [200, 101],
      [202, 101],
    ] as const)
      expect([x, y, opacity(x, y)]).toEqual([x, y, 255]);
  });

  test("thumbnails: the first frame of a GIF is scaled together with its canvas", async () => {
    const made = await thumbnailOf(await gifWith(3997, 2998, 10), "image/gif");
    expect(await sizeOf(made)).toEqual([640, 480]);
    const picture = await RawPicture.decode(new Bun.Image(made));
    expect(picture.rows[picture.at(639, 479) + 3]).toBe(255);
    expect(picture.rows[picture.at(630, 470) + 3]).toBe(0);
  });

  test.each([true, false])(
    "thumbnails: the first frame of a WebP is placed on its canvas (lossless: %p)",
    async (lossless) => {
      const photo = plainPng([180, 90, 40, 255]);
      const image = Buffer.from(await new Bun.Image(photo).webp({ lossless }).bytes()).subarray(12);
      const head = Buffer.alloc(16);
      for (const [index, value] of [50, 20, 63, 47].entries()) head.writeUIntLE(value, index * 3, 3);
      const frame = riffChunk("ANMF", Buffer.concat([head, image]));
      const sample = riffFile(
        "WEBP",
        vp8x(0x12, 300, 200),
        riffChunk("ICCP", displayProfile()),
        riffChunk("ANIM", Buffer.alloc(6)),
        frame,
        frame,
      );
      const made = await thumbnailOf(sample, "image/webp");
      expect(await sizeOf(made)).toEqual([300, 200]);
      await expectColour(made, [195, 83, 5, 255], 130 / 300, 60 / 200);
      const picture = await RawPicture.decode(new Bun.Image(made));
      expect(picture.rows[picture.at(90, 60) + 3]).toBe(0);
      expect(picture.rows[picture.at(170, 60) + 3]).toBe(0);
    },
  );

  test("thumbnails: the first frame of a WebP keeps its alpha channel", async () => {
    const photo = plainPng([180, 90, 40, 100]);
    const still = Buffer.from(await new Bun.Image(photo).webp({ quality: 90 }).bytes());
    // ALPH and VP8, after the RIFF header and VP8X.
    const frame = riffChunk("ANMF", Buffer.concat([frameHead(64, 48), still.subarray(30)]));
    const sample = riffFile("WEBP", vp8x(0x12, 64, 48), riffChunk("ANIM", Buffer.alloc(6)), frame);
    await expectColour(await thumbnailOf(sample, "image/webp"), [180, 90, 40, 100]);
  });
});

function frameHead(width: number, height: number): Buffer {
  const head = Buffer.alloc(16);
  head.writeUIntLE(width - 1, 6, 3);
  head.writeUIntLE(height - 1, 9, 3);
  return head;
}
