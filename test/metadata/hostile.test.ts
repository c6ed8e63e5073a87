// Runs alone: it measures processor time, which other tests on the same core lengthen.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateSync } from "node:zlib";

import type { MediaType } from "../../src/media-types.ts";
import { bombs, type Bomb } from "./bombs.ts";
import { inTempFolder, outcome } from "./cleaning.ts";
import {
  box,
  codedPicture,
  element,
  movieFile,
  ftyp,
  fullBox,
  gridPayload,
  heic,
  heifOf,
  movie,
  openElement,
  overlayPayload,
  pictureEntry,
  track,
  u32,
} from "./container-samples.ts";
import { packet, packs, sequenceExtension, videoStream } from "./mpeg-samples.ts";
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

const samples: [name: string, MediaType, () => Promise<Buffer> | Buffer][] = [
  [
    "a JPEG",
    "image/jpeg",
    async () => withSegments(await plainJpeg(true), jpegSegment(0xe1, "Exif\0\0", secretExif(6))),
  ],
  [
    "a PNG",
    "image/png",
    () => plainPng([pngChunk("eXIf", secretExif(6))], [pngChunk("tEXt", "Title\0secret")]),
  ],
  ["a GIF", "image/gif", () => Buffer.concat([screen, loop, comment, gifParts.xmp, control, image, trailer])],
  [
    "a WebP",
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
  ["a HEIC", "image/heic", () => heic(secretExif(6), xmp, codedPicture())],
  [
    "an MP4",
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
    "a WebM",
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
    "an AVI",
    "video/x-msvideo",
    () =>
      riffFile(
        "AVI ",
        riffChunk("LIST", Buffer.from("INFOsecret")),
        riffChunk("LIST", Buffer.from("moviabcd")),
      ),
  ],
  [
    "an AVI with streams",
    "video/x-msvideo",
    () => {
      const list = (kind: string, ...chunks: Buffer[]) =>
        riffChunk("LIST", Buffer.concat([Buffer.from(kind), ...chunks]));
      const stream = list(
        "strl",
        riffChunk("strh", Buffer.from("vidsMJPG")),
        riffChunk("strd", Buffer.from("AVIF")),
      );
      const header = list(
        "hdrl",
        riffChunk("avih", Buffer.alloc(56, 1)),
        stream,
        riffChunk("IDIT", Buffer.from("date")),
      );
      return riffFile("AVI ", header, list("movi", riffChunk("00dc", Buffer.from("picture"))));
    },
  ],
  [
    "a moving PNG",
    "image/png",
    () => {
      const control = pngChunk("fcTL", Buffer.concat([u32(0, 48, 32, 0, 0), Buffer.alloc(6)]));
      const rows = deflateSync(Buffer.alloc((1 + 48 * 4) * 32));
      const data = pngChunk("fdAT", Buffer.concat([u32(1), rows]));
      return plainPng([pngChunk("acTL", u32(1, 0)), control], [control, data]);
    },
  ],
  [
    "a moving WebP",
    "image/webp",
    async () => {
      const place = Buffer.alloc(16);
      place.writeUIntLE(47, 6, 3);
      place.writeUIntLE(31, 9, 3);
      const frame = riffChunk("ANMF", Buffer.concat([place, await webpImage(false)]));
      return riffFile("WEBP", vp8x(0x02), riffChunk("ANIM", Buffer.alloc(6)), frame, frame);
    },
  ],
  [
    "a HEIC of tiles",
    "image/heic",
    () =>
      heifOf([
        {
          id: 1,
          type: "grid",
          size: [60, 40],
          payload: gridPayload(1, 2, 60, 40),
          parts: [2, 3],
          turned: true,
        },
        { id: 2, type: "hvc1", size: [32, 48] },
        { id: 3, type: "hvc1", size: [32, 48] },
        { id: 4, type: "iovl", payload: overlayPayload(100, 100), parts: [1] },
        { id: 5, type: "Exif", payload: secretExif(6) },
      ]),
  ],
  [
    "a sequence of pictures",
    "image/avif",
    () =>
      heifOf(
        [{ id: 1, type: "av01", size: [64, 48] }],
        movie(track({ id: 1, handler: "pict", coded: [64, 48] })),
      ),
  ],
  [
    "an MP4 in fragments",
    "video/mp4",
    () =>
      Buffer.concat([
        ftyp,
        movie(track({ id: 1, handler: "vide" }), track({ id: 2, handler: "camm" })),
        box(
          "moof",
          box("traf", box("tfhd", u32(0x02_0000, 1)), box("trun", u32(0x201, 1, 200, 6))),
          box("traf", box("tfhd", u32(0x02_0000, 2)), box("trun", u32(0x201, 2, 206, 4, 4))),
        ),
        box("mdat", "frame1secret1!"),
      ]),
  ],
  [
    "an MP4 with SEI messages",
    "video/mp4",
    () => {
      const sei = Buffer.concat([
        Buffer.from([6, 5, 26]),
        Buffer.alloc(16, 1),
        Buffer.from("MDPM\0\0\x03\x01GPS\x80"),
      ]);
      const picture = Buffer.concat([u32(sei.length), sei, u32(8), Buffer.from("\x65picture")]);
      const boxes = [
        box("avcC", Buffer.from([1, 100, 0, 10, 0xff, 0xe0, 0])),
        box("pasp", u32(4, 3)),
        box("udta", "secret"),
      ];
      return movieFile(picture, (data) => [
        movie(
          track({
            id: 1,
            handler: "vide",
            chunks: [data],
            sampleBytes: picture.length,
            entries: [pictureEntry("avc1", [64, 48], { name: "camera", boxes })],
            inInformation: [box("dinf", fullBox("dref", 0, u32(1), box("url ", u32(1), "secret")))],
          }),
        ),
      ]);
    },
  ],
  [
    "a Matroska with subtitles",
    "video/matroska",
    () => {
      const entry = (number: number, type: number) =>
        element(
          0xae,
          element(0xd7, Buffer.from([number])),
          element(0x83, Buffer.from([type])),
          element(0xe0, element(0xb0, "\x40"), element(0xba, "\x30")),
        );
      const block = (number: number) =>
        element(
          0xa3,
          Buffer.from([0x80 | number, 0, 0, 0x80, 0xff, 0xd8, 0xff, 0xfe, 0, 4, 1, 2, 0xff, 0xd9]),
        );
      return Buffer.concat([
        element(0x1a45dfa3, element(0x4282, "matroska")),
        element(
          0x18538067,
          element(0x1654ae6b, entry(1, 1), entry(2, 0x11)),
          element(
            0x1f43b675,
            element(0xe7, "\0"),
            block(1),
            block(2),
            element(0xa0, element(0xa1, "\x81\0\0\0frame")),
          ),
          element(0x1254c367, "secret"),
        ),
      ]);
    },
  ],
  [
    "an AVI with text",
    "video/x-msvideo",
    () => {
      const list = (kind: string, ...chunks: Buffer[]) =>
        riffChunk("LIST", Buffer.concat([Buffer.from(kind), ...chunks]));
      const stream = (type: string) =>
        list(
          "strl",
          riffChunk("strh", Buffer.from(type.padEnd(56, "\0"))),
          riffChunk("strf", Buffer.alloc(40, 1)),
        );
      const jpeg = Buffer.from([0xff, 0xd8, 0xff, 0xfe, 0, 4, 1, 2, 0xff, 0xd9]);
      const movi = list(
        "movi",
        riffChunk("00dc", jpeg),
        riffChunk("01tx", Buffer.from("secret")),
        list("rec ", riffChunk("00dc", jpeg)),
      );
      const header = list("hdrl", riffChunk("avih", Buffer.alloc(56, 1)), stream("vids"), stream("txts"));
      return riffFile(
        "AVI ",
        header,
        movi,
        riffChunk("idx1", Buffer.from("00dc".padEnd(16, "\0").repeat(2))),
      );
    },
  ],
  [
    "a program stream with user data",
    "video/mpeg",
    () =>
      Buffer.concat([
        packs.mpeg2,
        packet(0xe0, "mpeg2", videoStream(), Buffer.from([0, 0, 1, 0xb2]), "secret"),
        packet(0xbd, "mpeg2", "\x20subtitle"),
        packet(0xe0, "mpeg2", "secret", videoStream()),
      ]),
  ],
  ["an MPEG-1 program stream", "video/mpeg", () => programStream("mpeg1")],
  ["an MPEG-2 program stream", "video/mpeg", () => programStream("mpeg2")],
  ["an MPEG video stream", "video/mpeg", () => videoStream(64, 48, sequenceExtension(64, 48))],
];

function programStream(generation: keyof typeof packs): Buffer {
  const video = packet(0xe0, generation, videoStream());
  return Buffer.concat([
    packs[generation],
    packet(0xc0, generation, "sound"),
    video,
    packs[generation],
    video,
  ]);
}

const allowed = ["cleaned", "DAMAGED_MEDIA", "CUT_OFF_MEDIA"];

const walked = new Uint8Array(64 << 20).fill(7);

/** Seconds of processor time that a plain loop over 64 MB takes: how fast this machine is at the moment. */
function walkSeconds(): number {
  const start = process.cpuUsage();
  let sum = 0;
  for (let i = 0; i < walked.length; i++) sum = (sum * 31 + walked[i]!) | 0;
  expect(sum).not.toBe(0);
  return processorSeconds(start);
}

function processorSeconds(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1_000_000;
}

/** Cleans a file and returns the outcome, which must need no more processor time than twelve walks over 64 MB. */
async function quickOutcome(bytes: Buffer, type: MediaType): Promise<string> {
  const start = process.cpuUsage();
  const result = await outcome(bytes, type);
  const seconds = processorSeconds(start);
  if (seconds < 0.5) return result;
  const limit = 12 * walkSeconds();
  return seconds < limit ? result : `${result} after ${seconds} s, with ${limit} s allowed`;
}

/** Seeded, so that a failure can be repeated. */
function seeded(): (below: number) => number {
  let random = 1;
  return (below) => {
    random = (random * 48_271) % 0x7fff_ffff;
    return random % below;
  };
}

test.each(samples)(
  "hostile files: cleans or rejects %s (%s) truncated anywhere, and leaves no other file",
  async (_name, type, make) => {
    const sample = await make();
    expect(await quickOutcome(sample, type)).toBe("cleaned");
    const step = Math.ceil(sample.length / 120);
    for (let length = 0; length < sample.length; length += step)
      expect(allowed).toContain(await quickOutcome(sample.subarray(0, length), type));
  },
);

test.each(samples)(
  "hostile files: cleans or rejects %s (%s) with changed bytes anywhere",
  async (_name, type, make) => {
    const sample = await make();
    const next = seeded();
    for (let round = 0; round < 200; round++) {
      const broken = Buffer.from(sample);
      for (let changes = 1 + next(4); changes > 0; changes--)
        broken.writeUInt8([0, 0xff, 0x7f, 1, next(256)][next(5)] ?? 0, next(broken.length));
      expect(allowed).toContain(await quickOutcome(broken, type));
    }
  },
);

test.each(samples)(
  "hostile files: cleans or rejects %s (%s) with changed numbers, or missing or repeated parts",
  async (_name, type, make) => {
    const sample = await make();
    const next = seeded();
    const extremes = [0, 1, 0x7f, 0x80, 0xff, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff];
    for (let round = 0; round < 200; round++) {
      const [from, to] = [next(sample.length), next(sample.length)].sort((a, b) => a - b) as [number, number];
      const broken = [
        () => Buffer.concat([sample.subarray(0, from), sample.subarray(to)]),
        () => Buffer.concat([sample.subarray(0, to), sample.subarray(from)]),
        () => {
          const bytes = Buffer.concat([sample, Buffer.alloc(8)]);
          const value = extremes[next(extremes.length)] ?? 0;
          if (next(2) === 0) bytes.writeUInt32BE(value, from);
          else bytes.writeUInt32LE(value, from);
          return bytes.subarray(0, sample.length);
        },
      ][next(3)]?.();
      expect(allowed).toContain(await quickOutcome(broken ?? sample, type));
    }
  },
);

test.each(samples)("hostile files: rejects %s (%s) with other content", async (_name, type) => {
  for (const other of [
    Buffer.alloc(0),
    Buffer.alloc(1000),
    Buffer.alloc(1000, 0xff),
    Buffer.from("<html>secret"),
  ])
    expect(await quickOutcome(other, type)).toBe("DAMAGED_MEDIA");
});

/** Where {@link bombFile} keeps the bombs: making them takes as long as cleaning them. */
let bombFolder = "";
beforeAll(async () => {
  bombFolder = await mkdtemp(join(tmpdir(), "image-sharing-bombs-"));
});
afterAll(() => rm(bombFolder, { recursive: true }));

/** Returns a file with this bomb, which a test must not change. */
async function bombFile(name: string, { make }: Bomb): Promise<Bun.BunFile> {
  const path = join(bombFolder, name.replaceAll("/", "-"));
  if (!(await Bun.file(path).exists())) await Bun.write(path, await make());
  // A fresh object, because the other one remembers that there was no file.
  return Bun.file(path);
}

test.each(Object.entries(bombs))(
  "hostile files: takes about a second of processor time at most for %s",
  async (name, bomb) => {
    const bytes = Buffer.from(await (await bombFile(name, bomb)).bytes());
    expect(await quickOutcome(bytes, bomb.type)).toBe(bomb.outcome);
  },
);

test(
  "hostile files: needs less than 300 MB for all of them together",
  () =>
    inTempFolder(async (folder) => {
      const files = Object.entries(bombs);
      for (const [index, [name, bomb]] of files.entries()) {
        await Bun.write(join(folder, `${index}`), await bombFile(name, bomb));
        await Bun.write(join(folder, `${index}.type`), bomb.type);
      }
      const child = Bun.spawn([process.execPath, join(import.meta.dir, "peak-memory.ts"), folder]);
      const { outcomes, peakMegabytes } = await new Response(child.stdout).json();
      for (const [index, [name, bomb]] of files.entries())
        expect([name, outcomes[index]]).toEqual([name, bomb.outcome]);
      expect(peakMegabytes).toBeLessThan(300);
    }),
  60_000,
);
