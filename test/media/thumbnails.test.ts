import { expect, test } from "bun:test";
import { join } from "node:path";

import { makeThumbnail } from "../../src/media/thumbnails.ts";
import { jpegPhoto } from "../support/media-samples.ts";
import { rawPixels } from "../support/raw-pixels.ts";
import { inTempFolder } from "./privacy/cleaning.ts";
import { jpegSegment, secretExif, withSegments } from "./privacy/photo-samples.ts";

const coarse = (thumbnail: Uint8Array | undefined) => rawPixels(thumbnail!, 2, 2);

test.each([1, 2, 3, 4, 5, 6, 7, 8] as const)(
  "orientation %d turns every format the way Bun turns JPEG",
  (orientation) =>
    inTempFolder(async (folder) => {
      const plain = Buffer.from(await jpegPhoto(64, 48));
      const turned = withSegments(plain, jpegSegment(0xe1, "Exif\0\0", secretExif(orientation)));
      const asPng = await new Bun.Image(plain).png().bytes();
      const [jpeg, png] = [join(folder, "a.jpg"), join(folder, "a.png")];
      await Bun.write(jpeg, turned);
      await Bun.write(png, asPng);
      const expected = await makeThumbnail(jpeg, "image/jpeg", orientation);
      const made = await makeThumbnail(png, "image/png", orientation);
      const [shown, wanted] = [await coarse(made), await coarse(expected)];
      // Four quarters of different colours; both were compressed with losses.
      for (const [at, value] of wanted.entries()) expect(Math.abs(value - shown[at]!)).toBeLessThan(12);
      expect(new Set(wanted.map((value) => Math.round(value / 24))).size).toBeGreaterThan(2);
      const upright = await new Bun.Image(made!).metadata();
      expect(upright.width > upright.height).toBe(orientation < 5);
    }),
);

test("thumbnails: an image that its decoder refuses is DAMAGED_MEDIA", () =>
  inTempFolder(async (folder) => {
    const path = join(folder, "a.png");
    const photo = Buffer.from(await new Bun.Image(await jpegPhoto(64, 48)).png().bytes());
    // The compressed pixels, without touching the structure around them.
    photo.fill(0, photo.indexOf("IDAT") + 4, photo.indexOf("IDAT") + 40);
    await Bun.write(path, photo);
    expect(makeThumbnail(path, "image/png", 1)).rejects.toMatchObject({ code: "DAMAGED_MEDIA" });
  }));

test("thumbnails: a format that this machine cannot decode has none", () =>
  inTempFolder(async (folder) => {
    const path = join(folder, "a.heic");
    await Bun.write(path, "no picture");
    expect(await makeThumbnail(path, "image/heic", 1)).toBeUndefined();
  }));
