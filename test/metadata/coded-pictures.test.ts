import { describe, expect, test } from "bun:test";

import { pngChunk } from "../../src/metadata/png/chunks.ts";
import { clean, leaks } from "./cleaning.ts";
import {
  box,
  element,
  movieFile,
  movie,
  openElement,
  pictureEntry,
  track,
  u16,
  u32,
} from "./container-samples.ts";
import { riffChunk, riffFile } from "./photo-samples.ts";

const bytes = (...parts: (number[] | Buffer | string)[]) =>
  Buffer.concat(
    parts.map((part) => (typeof part === "string" ? Buffer.from(part, "latin1") : Buffer.from(part))),
  );

/** Adds emulation prevention bytes to a unit. */
function prevented(unit: Buffer): Buffer {
  const out: number[] = [];
  for (const byte of unit) {
    if (byte < 4 && out.at(-1) === 0 && out.at(-2) === 0) out.push(3);
    out.push(byte);
  }
  return Buffer.from(out);
}

const uuid = (hex: string) => Buffer.from(hex, "hex");
const camcorder = bytes(
  uuid("17ee8c60f84d11d98cd60800200c9a66"),
  "MDPM",
  [3, 0x18, 0, 0, 0, 0x19, 0, 0, 1],
  "secret GPS",
  [0, 0, 2],
);
const x264 = bytes(
  uuid("dc45e9bde6d948b7962cd820d923eeef"),
  "x264 - core 164 r3095 secret - options: crf=23\0",
);
const captions = bytes([0xb5, 0, 0x31], "GA94 captions");
const vendor = bytes([0x26, 0, 9], "secret vendor");
const message = (type: number, content: Buffer) => bytes([type, content.length], content);
const messages = [
  message(1, Buffer.from([0x10])),
  message(5, camcorder),
  message(4, captions),
  message(5, x264),
  message(4, vendor),
];
const lengths = (lengthBytes: number, ...units: Buffer[]) =>
  Buffer.concat(
    units.flatMap((unit) => {
      const length = Buffer.alloc(lengthBytes);
      length.writeUIntBE(unit.length, 0, lengthBytes);
      return [length, unit];
    }),
  );

/** SEI messages between other units, in H.264 or HEVC. */
function pictureUnits(isHevc: boolean): { units: Buffer[]; sei: Buffer } {
  const sei = prevented(bytes(isHevc ? [39 << 1, 1] : [6], ...messages, [0x80]));
  const delimiter = bytes(isHevc ? [35 << 1, 1, 0x50] : [9, 0x10]);
  const slice = bytes(isHevc ? [1 << 1, 1] : [0x65], "coded slice, not a secret at all");
  return { units: [delimiter, sei, slice], sei };
}

/** The messages of a unit, read independently of the code under test. */
function readMessages(unit: Buffer, headerBytes: number): { type: number; content: Buffer }[] {
  const plain: number[] = [];
  for (const byte of unit.subarray(headerBytes))
    if (!(byte === 3 && plain.at(-1) === 0 && plain.at(-2) === 0)) plain.push(byte);
  const found: { type: number; content: Buffer }[] = [];
  for (let at = 0; at + 2 < plain.length;) {
    const [type = 0, size = 0] = [plain[at], plain[at + 1]];
    found.push({ type, content: Buffer.from(plain.slice(at + 2, at + 2 + size)) });
    at += 2 + size;
  }
  return found;
}

function expectCleanMessages(unit: Buffer, isHevc: boolean): void {
  const found = readMessages(unit, isHevc ? 2 : 1);
  expect(found.map(({ type, content }) => [type, content.length])).toEqual(
    [1, 5, 4, 5, 4].map((type, index) => [type, (messages[index]?.length ?? 0) - 2]),
  );
  expect(found[0]?.content).toEqual(Buffer.from([0x10]));
  expect(found[1]?.content.includes("MDPM")).toBeFalse();
  expect(found[2]?.content).toEqual(captions);
  expect(found[3]?.content.toString("latin1", 16).trimEnd()).toBe("x264 - core 164");
  expect(found[3]?.content.subarray(0, 16)).toEqual(x264.subarray(0, 16));
  // Contains no start code, which would end the unit.
  expect(/\0\0[\0-\x02]/.test(unit.toString("latin1"))).toBeFalse();
}

const movieWith = (sample: Buffer, entry: Buffer) =>
  movieFile(sample, (data) => [
    movie(track({ id: 1, handler: "vide", chunks: [data], sampleBytes: sample.length, entries: [entry] })),
  ]);
const avcC = (lengthBytes: number) => box("avcC", bytes([1, 100, 0, 10, 0xfc | (lengthBytes - 1), 0xe0, 0]));
const hvcC = box("hvcC", bytes(Buffer.alloc(21, 1), [0xfc | 3, 0]));
const block = (picture: Buffer) => element(0xa3, bytes([0x81, 0, 0, 0x80], picture));

/** A Matroska file with one block. */
function matroska(codec: string, codecPrivate: Buffer, content: Buffer, ...inTrack: Buffer[]): Buffer {
  const entry = [
    element(0xd7, "\x01"),
    element(0x83, "\x01"),
    element(0x86, codec),
    element(0x63a2, codecPrivate),
    element(0xe0, element(0xb0, "\x40"), element(0xba, "\x30")),
  ];
  return Buffer.concat([
    element(0x1a45dfa3, element(0x4282, "matroska")),
    openElement(
      0x18538067,
      element(0x1654ae6b, element(0xae, ...entry, ...inTrack)),
      element(0x1f43b675, element(0xe7, "\0"), content),
    ),
  ]);
}

const list = (kind: string, ...chunks: Buffer[]) =>
  riffChunk("LIST", Buffer.concat([Buffer.from(kind), ...chunks]));
/** An AVI with one picture. */
function avi(codec: string, picture: Buffer): Buffer {
  const format = Buffer.alloc(40);
  format.writeUInt32LE(64, 4);
  format.writeUInt32LE(48, 8);
  format.write(codec, 16, "latin1");
  const stream = list(
    "strl",
    riffChunk("strh", Buffer.from(`vids${codec}`.padEnd(56, "\0"))),
    riffChunk("strf", format),
  );
  const header = list("hdrl", riffChunk("avih", Buffer.alloc(56)), stream);
  return riffFile("AVI ", header, list("movi", riffChunk("00dc", picture)));
}

describe("SEI messages", () => {
  test.each([
    ["H.264", false],
    ["HEVC", true],
  ])("SEI: removes user data of camcorders and encoders in %s and keeps captions", async (_name, isHevc) => {
    const { units, sei } = pictureUnits(isHevc);
    for (const lengthBytes of isHevc ? [4] : [4, 2]) {
      const sample = lengths(lengthBytes, ...units);
      const entry = pictureEntry(isHevc ? "hvc1" : "avc1", [64, 48], {
        boxes: [isHevc ? hvcC : avcC(lengthBytes)],
      });
      const cleaned = await clean(movieWith(sample, entry), "video/mp4");
      const at = cleaned.bytes.length - sample.length + sample.indexOf(sei);
      const unit = cleaned.bytes.subarray(at, at + sei.length);
      expectCleanMessages(unit, isHevc);
      const others = Buffer.concat([
        cleaned.bytes.subarray(-sample.length, at),
        sei,
        cleaned.bytes.subarray(at + sei.length),
      ]);
      expect(others.subarray(-sample.length).equals(sample)).toBeTrue();
    }
  });

  test("SEI: removes user data in fragments, in Matroska, and after start codes in AVI", async () => {
    const { units, sei } = pictureUnits(false);
    const sample = lengths(4, ...units);
    const entry = pictureEntry("avc1", [64, 48], { boxes: [avcC(4)] });
    const fragmentOf = (at: number) =>
      box("moof", box("traf", box("tfhd", u32(0x02_0000, 1)), box("trun", u32(0x201, 1, at, sample.length))));
    const fragmented = Buffer.concat([
      movieFile("", () => [movie(track({ id: 1, handler: "vide", entries: [entry] }))]),
      fragmentOf(fragmentOf(0).length + 8),
      box("mdat", sample),
    ]);
    const startCodes = Buffer.concat(units.flatMap((unit) => [Buffer.from([0, 0, 0, 1]), unit]));
    for (const cleaned of [
      await clean(fragmented, "video/mp4"),
      await clean(matroska("V_MPEG4/ISO/AVC", avcC(4).subarray(8), block(sample)), "video/matroska"),
      await clean(
        matroska(
          "V_MPEG4/ISO/AVC",
          avcC(4).subarray(8),
          element(0xa0, element(0xa1, bytes([0x81, 0, 0, 0], sample))),
        ),
        "video/matroska",
      ),
      await clean(avi("H264", startCodes), "video/x-msvideo"),
    ]) {
      expect(cleaned.bytes.includes("MDPM")).toBeFalse();
      const at = cleaned.bytes.indexOf(sei.subarray(0, 5));
      expectCleanMessages(cleaned.bytes.subarray(at, at + sei.length), false);
      expect(cleaned.bytes.includes("coded slice, not a secret at all")).toBeTrue();
    }
  });

  test("SEI: leaves encrypted samples and compressed blocks unchanged", async () => {
    const sample = lengths(4, ...pictureUnits(false).units);
    const protectedMovie = movieWith(sample, pictureEntry("encv", [64, 48], { boxes: [avcC(4)] }));
    expect(
      (await clean(protectedMovie, "video/mp4")).bytes.subarray(-sample.length).equals(sample),
    ).toBeTrue();
    const compressed = matroska(
      "V_MPEG4/ISO/AVC",
      avcC(4).subarray(8),
      block(sample),
      element(0x6d80, "\xec\x80"),
    );
    expect((await clean(compressed, "video/matroska")).bytes.includes(sample)).toBeTrue();
  });

  test("SEI: skips invalid units and messages", async () => {
    const entry = pictureEntry("avc1", [64, 48], { boxes: [avcC(4)] });
    for (const units of [
      lengths(4, Buffer.from([6])),
      lengths(4, Buffer.from([6, 5])),
      lengths(4, Buffer.from([6, 0xff, 0xff])),
      lengths(4, Buffer.from([6, 1, 200, 7])),
      Buffer.from([0, 0, 0, 0, 6]),
      Buffer.from([0xff, 0xff, 0xff, 0xff, 6, 5]),
      Buffer.from([6]),
    ])
      expect(
        (await clean(movieWith(units, entry), "video/mp4")).bytes.subarray(-units.length).equals(units),
      ).toBeTrue();
    const cut = lengths(4, bytes([6, 5, 100], "secret secret"));
    expect(leaks((await clean(movieWith(cut, entry), "video/mp4")).bytes)).toBeFalse();
  });
});

/** The picture in an MP4 with one sample, after cleaning. */
async function pictureAfter(sample: Buffer, isHevc: boolean): Promise<Buffer> {
  const entry = pictureEntry(isHevc ? "hvc1" : "avc1", [64, 48], { boxes: [isHevc ? hvcC : avcC(4)] });
  return (await clean(movieWith(sample, entry), "video/mp4")).bytes.subarray(-sample.length);
}

describe("NAL units that decoders skip", () => {
  const slice = { h264: bytes([0x65], "coded slice"), hevc: bytes([1 << 1, 1], "coded slice") };

  test.each([
    ["H.264", false, [0, 12, 17, 18, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31]],
    ["HEVC", true, [10, 15, 22, 23, 24, 31, 38, 41, 47, 48, 61, 62, 63]],
  ])("NAL units: overwrites filler, reserved and unspecified units of %s", async (_name, isHevc, types) => {
    const header = (type: number) => (isHevc ? [type << 1, 1] : [type]);
    const picture = isHevc ? slice.hevc : slice.h264;
    for (const type of types) {
      const sample = (content: Buffer | string) =>
        lengths(4, bytes(header(type), content), picture, bytes(header(type), content));
      const filled = Buffer.concat([Buffer.alloc(11, 0xff), Buffer.from([0x80])]);
      expect([type, await pictureAfter(sample("secret place"), isHevc)]).toEqual([type, sample(filled)]);
    }
  });

  test("NAL units: keeps Dolby Vision metadata and cleans its second layer", async () => {
    const layer = (unit: Buffer) => bytes([63 << 1, 1], unit);
    const kept = [bytes([62 << 1, 1, 0x19], "metadata"), layer(slice.hevc), slice.hevc];
    expect(await pictureAfter(lengths(4, ...kept), true)).toEqual(lengths(4, ...kept));
    const sei = (text: string) => layer(bytes([39 << 1, 1], message(5, bytes(text)), [0x80]));
    expect(await pictureAfter(lengths(4, sei("secret"), slice.hevc), true)).toEqual(
      lengths(4, sei("      "), slice.hevc),
    );
  });

  test("NAL units: finds units after empty ones, and after start codes in place of lengths", async () => {
    const filler = bytes([12], "secret");
    const filled = bytes([12], "\xff".repeat(5), "\x80");
    const empty = Buffer.alloc(0);
    expect(await pictureAfter(lengths(4, empty, filler, empty, slice.h264, filler), false)).toEqual(
      lengths(4, empty, filled, empty, slice.h264, filled),
    );
    const startCodes = (...units: Buffer[]) =>
      Buffer.concat(units.flatMap((unit) => [Buffer.from([0, 0, 0, 1]), unit]));
    const delimiter = bytes([9], "\xf0");
    expect(await pictureAfter(startCodes(delimiter, filler, slice.h264), false)).toEqual(
      startCodes(delimiter, filled, slice.h264),
    );
  });

  test("SEI: removes messages that decoders skip and bytes after the stop bit", async () => {
    const sei = (...parts: Buffer[]) => lengths(4, bytes([6], ...parts, [0x80]), slice.h264);
    const recovery = message(6, Buffer.from([0x84]));
    expect(await pictureAfter(sei(recovery, message(202, bytes("secret label"))), false)).toEqual(
      sei(recovery, message(202, bytes(" ".repeat(12)))),
    );
    expect(await pictureAfter(sei(message(6, bytes("12345678secret"))), false)).toEqual(
      sei(message(6, bytes("12345678      "))),
    );
    for (const tail of ["secret", "secret place and secret time", "\0\0\0secret"])
      expect(leaks(await pictureAfter(sei(recovery, bytes([0x80], tail)), false))).toBeFalse();
  });

  test("Matroska: cleans every picture of a laced block", async () => {
    const filler = (text: string) => lengths(4, bytes([12], text), slice.h264);
    const [first, second, third] = [filler("secret"), filler("secret place"), filler("secret time")];
    const lengthOf = (frame: Buffer) => frame.length;
    const biased = (difference: number) => 0x80 | (difference + 63);
    const heads: Record<number, number[]> = {
      0x02: [2, lengthOf(first), lengthOf(second)],
      0x06: [2, 0x80 | lengthOf(first), biased(lengthOf(second) - lengthOf(first))],
    };
    for (const [flags, head] of Object.entries(heads)) {
      const sample = (...frames: Buffer[]) =>
        matroska(
          "V_MPEG4/ISO/AVC",
          avcC(4).subarray(8),
          element(0xa3, bytes([0x81, 0, 0, Number(flags)], head, ...frames)),
        );
      const cleaned = await clean(sample(first, second, third), "video/matroska");
      expect(leaks(cleaned.bytes)).toBeFalse();
      expect(cleaned.bytes.toString("latin1").split("coded slice")).toHaveLength(4);
    }
    const fixed = matroska(
      "V_MPEG4/ISO/AVC",
      avcC(4).subarray(8),
      element(0xa3, bytes([0x81, 0, 0, 0x04, 1], first, first)),
    );
    const cleaned = await clean(fixed, "video/matroska");
    expect(leaks(cleaned.bytes)).toBeFalse();
    expect(cleaned.bytes.toString("latin1").split("coded slice")).toHaveLength(3);
    // Players skip frames that do not fit their block.
    const broken = matroska(
      "V_MPEG4/ISO/AVC",
      avcC(4).subarray(8),
      bytes(element(0xa3, bytes([0x81, 0, 0, 0x02, 1, 200], first)), block(second)),
    );
    const without = await clean(broken, "video/matroska");
    expect(leaks(without.bytes)).toBeFalse();
    expect(without.bytes.toString("latin1").split("coded slice")).toHaveLength(2);
  });

  test("Matroska: removes units that decoders skip from configuration records of H.264 and HEVC", async () => {
    const unit = (content: Buffer) => Buffer.concat([u16(content.length), content]);
    const avc = (filler: string, tail: string) =>
      bytes(
        [1, 66, 0, 10, 0xff, 0xe1],
        unit(bytes([0x67], "parameters")),
        [2],
        unit(bytes([0x68], "more")),
        unit(bytes([12], filler)),
        tail,
      );
    const hevc = (filler: string, tail: string) =>
      bytes(
        Buffer.alloc(21, 1),
        [0xff, 2, 0xa1, 0, 1],
        unit(bytes([33 << 1, 1], "parameters")),
        [0xa6, 0, 1],
        unit(bytes([38 << 1, 1], filler)),
        tail,
      );
    for (const [codec, record] of [
      ["V_MPEG4/ISO/AVC", avc],
      ["V_MPEGH/ISO/HEVC", hevc],
    ] as const) {
      const picture = lengths(4, codec === "V_MPEG4/ISO/AVC" ? slice.h264 : slice.hevc);
      const cleaned = await clean(
        matroska(codec, record("secret", "secret"), block(picture)),
        "video/matroska",
      );
      expect(cleaned.bytes.includes(record("\xff".repeat(6), "\0".repeat(6)))).toBeTrue();
    }
  });
});

const segment = (marker: number, content: string | Buffer) =>
  bytes([0xff, marker], u16(content.length + 2), content);

/** A JPEG of two scans with metadata of cameras, and the same without it. */
function jpegs(): { dirty: Buffer; expected: Buffer } {
  const scan = bytes(segment(0xda, "\x01\x01\0\0\x3f\0"), [1, 2, 0xff, 0, 3, 0xff, 0xd0, 4, 5]);
  const make = (secret: (text: string) => string, behind: string) =>
    bytes(
      [0xff, 0xd8],
      segment(0xe0, `AVI1\x01${"\0".repeat(11)}${secret("secret")}`),
      segment(0xe1, secret("Exif\0\0secret")),
      segment(0xe5, secret("secret")),
      segment(0xee, "Adobe\0\x64\0\0\0\0\x01"),
      segment(0xfe, secret("$GPRMC secret")),
      segment(0xfe, `CS=ITU601${secret(" secret")}`),
      segment(0xdb, "\0".repeat(65)),
      scan,
      segment(0xfe, secret("secret between scans")),
      scan,
      [0xff, 0xd9],
      behind,
    );
  const zeros = (text: string) => "\0".repeat(text.length);
  return { dirty: make((text) => text, "secret trailer"), expected: make(zeros, zeros("secret trailer")) };
}

describe("Motion-JPEG", () => {
  test("Motion-JPEG: removes comments in MP4, AVI and Matroska from both fields of a frame", async () => {
    const { dirty, expected } = jpegs();
    for (const [frame, wanted] of [
      [dirty, expected],
      [Buffer.concat([dirty, dirty]), Buffer.concat([expected, expected])],
    ] as const) {
      const mov = await clean(movieWith(frame, pictureEntry("jpeg", [64, 48])), "video/quicktime");
      expect(mov.bytes.subarray(-frame.length).equals(wanted)).toBeTrue();
      const riff = await clean(avi("MJPG", frame), "video/x-msvideo");
      expect(riff.bytes.includes(wanted)).toBeTrue();
      const mkv = await clean(matroska("V_MJPEG", Buffer.alloc(1), block(frame)), "video/matroska");
      expect(mkv.bytes.includes(wanted)).toBeTrue();
    }
  });

  test("Motion-JPEG: removes comments from a truncated picture", async () => {
    const { dirty } = jpegs();
    for (let length = 3; length < dirty.length; length += 7) {
      const file = movieWith(dirty.subarray(0, length), pictureEntry("jpeg", [64, 48]));
      const { bytes: cleaned } = await clean(file, "video/quicktime");
      expect([length, leaks(cleaned)]).toEqual([length, false]);
      expect(cleaned.length).toBe(file.length);
    }
  });
});

describe("Bytes between the segments of Motion-JPEG", () => {
  test("Motion-JPEG: removes bytes before and between segments, and reserved segments", async () => {
    const scan = bytes(segment(0xda, "\x01\x01\0\0\x3f\0"), [1, 2, 0xff, 0, 3, 0xff, 0xd0, 4, 5]);
    const make = (front: string, between: string, reserved: string) =>
      bytes(
        front,
        [0xff, 0xd8],
        between,
        segment(0xe0, `AVI1\x01${"\0".repeat(9)}${reserved.slice(0, 2)}`),
        segment(0xf0, reserved),
        between,
        segment(0xdb, "\0".repeat(65)),
        scan,
        [0xff, 0xd9],
      );
    const dirty = make("secret", "secret", "secret");
    const expected = make("\0".repeat(6), "\xff".repeat(6), "\0".repeat(6));
    const riff = await clean(avi("MJPG", dirty), "video/x-msvideo");
    expect(riff.bytes.includes(expected)).toBeTrue();
    const mkv = await clean(matroska("V_MJPEG", Buffer.alloc(1), block(dirty)), "video/matroska");
    expect(mkv.bytes.includes(expected)).toBeTrue();
    const text = await clean(avi("MJPG", Buffer.from("secret and no picture")), "video/x-msvideo");
    expect(leaks(text.bytes)).toBeFalse();
    const [withoutStart, withoutSecret] = [dirty.subarray(8), expected.subarray(8)];
    const tables = await clean(avi("MJPG", withoutStart), "video/x-msvideo");
    expect(tables.bytes.includes(withoutSecret.subarray(6))).toBeTrue();
  });
});

describe("PNG video", () => {
  test("PNG video: turns texts, EXIF and unknown chunks into chunks that decoders skip", async () => {
    const head = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");
    const [size, data, end] = [
      pngChunk("IHDR", Buffer.alloc(13, 1)),
      pngChunk("IDAT", Buffer.from("picture")),
      pngChunk("IEND", Buffer.alloc(0)),
    ];
    const long = Buffer.from("secret ".repeat(20_000));
    const texts = ["tEXt", "zTXt", "iTXt", "eXIf", "iCCP", "tIME", "prVt"];
    const make = (text: (type: string, content: Buffer) => Buffer, behind: string) =>
      Buffer.concat([
        head,
        size,
        pngChunk("gAMA", Buffer.alloc(4, 1)),
        ...texts.map((type) => text(type, Buffer.from("secret"))),
        data,
        text("tEXt", long),
        end,
        Buffer.from(behind),
      ]);
    const dirty = make(pngChunk, "secret");
    const expected = make((_type, content) => pngChunk("voId", Buffer.alloc(content.length)), "\0".repeat(6));
    const mov = await clean(movieWith(dirty, pictureEntry("png ", [64, 48])), "video/quicktime");
    expect(mov.bytes.subarray(-dirty.length).equals(expected)).toBeTrue();
    expect((await clean(avi("MPNG", dirty), "video/x-msvideo")).bytes.includes(expected)).toBeTrue();
    for (let length = 12; length < 300; length += 5) {
      const file = movieWith(dirty.subarray(0, length), pictureEntry("png ", [64, 48]));
      const { bytes: cut } = await clean(file, "video/quicktime");
      expect([length, cut.length]).toEqual([length, file.length]);
      expect([length, leaks(cut)]).toEqual([length, false]);
    }
  });
});

/** A sequence of DV: header, subcode, auxiliary data of the picture, sound, pictures. */
function dvSequence(): Buffer {
  const blocks: Buffer[] = [];
  const add = (section: number, content: Buffer) =>
    blocks.push(
      Buffer.concat([
        Buffer.from([(section << 5) | 0x1f, 0x07, blocks.length]),
        content,
        Buffer.alloc(77, 0xff),
      ]).subarray(0, 80),
    );
  add(0, Buffer.from([0x3f, 0x78]));
  const subcode = Buffer.alloc(77, 0xff);
  bytes([0, 1, 2, 0x62], "date", [0, 1, 2, 0x13], "time").copy(subcode);
  add(1, subcode);
  add(1, subcode);
  const pack = (type: number, text: string) => bytes([type], text);
  for (let index = 0; index < 3; index++)
    add(
      2,
      Buffer.concat([
        pack(0x60, "sour"),
        pack(0x61, "\0\x02\0\0"),
        pack(0x62, "date"),
        pack(0x63, "time"),
        pack(0x70, "cam!"),
      ]),
    );
  for (let index = 0; index < 9; index++) {
    add(
      3,
      Buffer.concat([
        pack([0x50, 0x51, 0x52, 0x53][index % 4] ?? 0, index % 4 < 2 ? "keep" : "date"),
        Buffer.alloc(72, 1),
      ]),
    );
    for (let count = 0; count < 15; count++) add(4, bytes("date time coded picture"));
  }
  return Buffer.concat(blocks);
}

describe("DV", () => {
  test("DV: removes recording dates, time codes and camera settings, and nothing else", async () => {
    const frame = Buffer.concat([dvSequence(), dvSequence()]);
    const { bytes, facts } = await clean(
      movieWith(frame, pictureEntry("dvcp", [720, 576])),
      "video/quicktime",
    );
    const cleaned = bytes.subarray(-frame.length);
    const count = (of: Buffer, text: string) => of.toString("latin1").split(text).length - 1;
    expect(count(frame, "date")).toBeGreaterThan(count(frame, "date time coded picture"));
    for (const text of ["date", "time"])
      expect(count(cleaned, text)).toBe(count(cleaned, "date time coded picture"));
    expect(count(cleaned, "date time coded picture")).toBe(2 * 135);
    expect(count(cleaned, "cam!")).toBe(0);
    expect([count(cleaned, "sour"), count(cleaned, "keep")]).toEqual([
      count(frame, "sour"),
      count(frame, "keep"),
    ]);
    expect(facts.size).toEqual({ width: 768, height: 576 });
  });

  test("DV: reads the aspect ratio in an AVI from the pictures", async () => {
    const { facts } = await clean(avi("dvsd", dvSequence()), "video/x-msvideo");
    expect(facts.size).toEqual({ width: Math.round((48 * 16) / 9), height: 48 });
  });
});
