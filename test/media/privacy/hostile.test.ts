import { expect, test } from "bun:test";

import type { MediaType } from "../../../src/media/types.ts";
import { outcome } from "./cleaning.ts";
import { box, element, ftyp, heic, movie, openElement, track } from "./container-samples.ts";
import {
  gifParts,
  jpegSegment,
  plainJpeg,
  plainPng,
  pngChunk,
  riffChunk,
  riffFile,
  secretExif,
  vp8x,
  webpImage,
  withSegments,
  xmp,
} from "./photo-samples.ts";

const { screen, loop, comment, control, image, trailer } = gifParts;

const samples: [MediaType, () => Promise<Buffer> | Buffer][] = [
  [
    "image/jpeg",
    async () => withSegments(await plainJpeg(true), jpegSegment(0xe1, "Exif\0\0", secretExif(6))),
  ],
  ["image/png", () => plainPng([pngChunk("eXIf", secretExif(6))], [pngChunk("tEXt", "Title\0secret")])],
  ["image/gif", () => Buffer.concat([screen, loop, comment, gifParts.xmp, control, image, trailer])],
  [
    "image/webp",
    async () =>
      riffFile(
        "WEBP",
        vp8x(0x0c),
        await webpImage(false),
        riffChunk("EXIF", secretExif(6)),
        riffChunk("XMP ", xmp),
      ),
  ],
  ["image/heic", () => heic(secretExif(6), xmp, Buffer.from("picture"))],
  [
    "video/mp4",
    () =>
      Buffer.concat([
        ftyp,
        box("mdat", "frame1secret"),
        movie(
          track({ id: 1, handler: "vide" }),
          track({ id: 2, handler: "meta", chunks: [ftyp.length + 14], sampleBytes: 6 }),
          box("udta", "secret"),
        ),
      ]),
  ],
  [
    "video/webm",
    () =>
      Buffer.concat([
        element(0x1a45dfa3, element(0x4282, "webm")),
        openElement(
          0x18538067,
          element(0x1549a966, element(0x7ba9, "secret")),
          element(0x1654ae6b, element(0xae, element(0x83, "\x01"))),
          openElement(0x1f43b675, element(0xa3, "picture")),
          element(0x1254c367, "secret"),
        ),
      ]),
  ],
  [
    "video/x-msvideo",
    () =>
      riffFile(
        "AVI ",
        riffChunk("LIST", Buffer.from("INFOsecret")),
        riffChunk("LIST", Buffer.from("moviabcd")),
      ),
  ],
];

const allowed = ["cleaned", "DAMAGED_MEDIA"];

test.each(samples)("%s cut anywhere is cleaned or refused, and leaves no second file", async (type, make) => {
  const sample = await make();
  expect(await outcome(sample, type)).toBe("cleaned");
  const step = Math.ceil(sample.length / 120);
  for (let length = 0; length < sample.length; length += step)
    expect(allowed).toContain(await outcome(sample.subarray(0, length), type));
});

test.each(samples)("%s with bytes changed anywhere is cleaned or refused", async (type, make) => {
  const sample = await make();
  // The same numbers in every run, so that a failure can be repeated.
  let random = 1;
  const next = (below: number) => {
    random = (random * 48_271) % 0x7fff_ffff;
    return random % below;
  };
  for (let round = 0; round < 200; round++) {
    const broken = Buffer.from(sample);
    for (let changes = 1 + next(4); changes > 0; changes--)
      broken.writeUInt8([0, 0xff, 0x7f, 1, next(256)][next(5)] ?? 0, next(broken.length));
    expect(allowed).toContain(await outcome(broken, type));
  }
});

test.each(samples)("%s that is something else is refused", async (type) => {
  for (const other of [
    Buffer.alloc(0),
    Buffer.alloc(1000),
    Buffer.alloc(1000, 0xff),
    Buffer.from("<html>secret"),
  ])
    expect(await outcome(other, type)).toBe("DAMAGED_MEDIA");
});
