import { expect, test } from "bun:test";

import { isMedia, kindOf } from "../../src/web/page/file-kind.ts";
import * as samples from "../support/media-samples.ts";

const bytes = (content: string) => Uint8Array.from(content, (character) => character.charCodeAt(0));

test.each([
  ["JPEG", samples.jpegPhoto],
  ["PNG", samples.pngPhoto],
  ["WebP", samples.webpPhoto],
  ["GIF", samples.gifPhoto],
  ["AVIF", samples.avifPhoto],
  ["HEIC", samples.heicPhoto],
  ["MP4", samples.mp4Video],
  ["QuickTime", samples.movVideo],
  ["WebM", samples.webmVideo],
  ["Matroska", samples.mkvVideo],
  ["AVI", samples.aviVideo],
  ["3GP", samples.threeGpVideo],
  ["MPEG", samples.mpegVideo],
  ["QuickTime that begins with free space", () => bytes("\0\0\0\x08skip\0\0\0\0mdat")],
  ["a transport stream", () => bytes(`G${"x".repeat(187)}G`)],
  ["a transport stream of a camcorder", () => bytes(`\0\0\0\0G${"\n".repeat(191)}G`)],
])("page: lets a file that begins like %s be shared", async (_, sample) => {
  expect(isMedia(await sample())).toBe(true);
});

test.each([
  ["text", "Groceries: milk, bread"],
  ["TIFF", "II*\0"],
  ["PDF", "%PDF-1.7"],
  ["ZIP", "PK\x03\x04"],
  ["SVG", "<svg xmlns="],
  ["BMP", "BM"],
  ["no bytes", ""],
])("page: shares no file that begins like %s", (_, start) => {
  expect(isMedia(bytes(start))).toBe(false);
});

test.each([
  ["image", "photo", "image/jpeg"],
  ["image", "photo.HEIC", ""],
  ["video", "clip.MOV", "application/octet-stream"],
  ["video", "clip.png", "video/mp4"],
  ["video", "00001.MTS", ""],
  [undefined, "notes", ""],
  [undefined, "jpg", ""],
] as const)(
  "page: takes for a file of the kind %p what is called %p and declared as %p",
  (kind, name, type) => {
    expect(kindOf({ name, type })).toBe(kind);
  },
);
