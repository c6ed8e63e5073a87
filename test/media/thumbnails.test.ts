import { expect, test } from "bun:test";
import { join } from "node:path";

import { makeThumbnail } from "../../src/media/thumbnails.ts";
import type { StorableFile } from "../../src/media/store.ts";
import { jpegPhoto } from "../support/media-samples.ts";
import { rawPixels } from "../support/raw-pixels.ts";
import { inTempFolder } from "./privacy/cleaning.ts";
import { jpegSegment, secretExif, withSegments } from "./privacy/photo-samples.ts";

const coarse = async (thumbnail: StorableFile | undefined) => rawPixels(await thumbnail!.file.bytes(), 2, 2);

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
      const upright = await new Bun.Image(await made!.file.bytes()).metadata();
      expect(upright.width > upright.height).toBe(orientation < 5);
    }),
);
