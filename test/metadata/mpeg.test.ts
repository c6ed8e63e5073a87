import { describe, expect, test } from "bun:test";

import { inspectFirstBytes } from "../../src/uploads/type-detection.ts";
import { jpegPhoto, mpegVideo } from "../support/media-samples.ts";
import { clean, outcome } from "./cleaning.ts";
import { u16 } from "./container-samples.ts";
import {
  mapEntry,
  packet,
  packs,
  programMap,
  sequenceExtension,
  startCode,
  videoStream,
} from "./mpeg-samples.ts";

const generations = ["mpeg1", "mpeg2"] as const;
/** Offsets in a pack header and the fixed bits there, by generation. */
const markerBits = {
  mpeg1: [
    [4, 0x01],
    [6, 0x01],
    [8, 0x01],
    [9, 0x80],
    [11, 0x01],
  ],
  mpeg2: [
    [4, 0x04],
    [6, 0x04],
    [8, 0x04],
    [9, 0x01],
    [12, 0x03],
  ],
} as const;
const end = startCode(0xb9);
const systemHeader = startCode(0xbb, u16(6), Buffer.alloc(6, 0x80));
const padding = startCode(0xbe, u16(20), Buffer.alloc(20, 0xff));
const html = Buffer.from(`<html><script>alert(1)</script>${"hostile ".repeat(500)}</html>`);

describe.each(generations)("MPEG program stream (%s)", (generation) => {
  const pack = packs[generation];
  const sound = packet(0xc0, generation, "\xff\xfdsound");
  const video = packet(0xe0, generation, videoStream());
  const sample = Buffer.concat([pack, systemHeader, sound, video, padding, pack, video, end]);

  test("MPEG program stream: stays unchanged and reports its size", async () => {
    expect(await inspectFirstBytes(sample)).toBe("video/mpeg");
    const { bytes, facts, left } = await clean(sample, "video/mpeg");
    expect(bytes.equals(sample)).toBeTrue();
    expect(facts).toEqual({
      bytes: sample.length,
      orientation: 1,
      size: { width: 64, height: 48 },
      decodedPixels: 64 * 48,
      hasPicture: true,
      video: { durationSeconds: null, isPlayable: false },
    });
    expect(left).toEqual(["upload"]);
  });

  test("MPEG program stream: may be truncated, padded, and damaged in the middle", async () => {
    for (const whole of [
      Buffer.concat([pack, systemHeader, sound, video]),
      sample.subarray(0, -20),
      Buffer.concat([sample, Buffer.alloc(3000)]),
      Buffer.concat([sample, Buffer.alloc(3000, 0xff)]),
      Buffer.concat([pack, sound, video, html, pack, video]),
      Buffer.concat([pack, sound, Buffer.alloc(100), pack, video]),
    ])
      expect((await clean(whole, "video/mpeg")).facts.hasPicture).toBeTrue();
  });

  test("MPEG program stream: is distinguished from one without video", async () => {
    for (const silent of [
      Buffer.concat([pack, systemHeader, sound, sound]),
      Buffer.concat([pack, sound, packet(0xe0, generation, html)]),
      Buffer.concat([pack, padding]),
    ])
      expect((await clean(silent, "video/mpeg")).facts).toMatchObject({ hasPicture: false, size: null });
  });

  test("MPEG program stream: rejects anything else after the first header", async () => {
    const photo = Buffer.from(await jpegPhoto(200, 200));
    for (const other of [html, photo, Buffer.alloc(5000), Buffer.alloc(5000, 0xff), Buffer.alloc(0)]) {
      expect(await inspectFirstBytes(Buffer.concat([pack, other]))).toBe("video/mpeg");
      expect(await outcome(Buffer.concat([pack, other]), "video/mpeg")).toBe(
        other.length === 0 ? "cleaned" : "DAMAGED_MEDIA",
      );
    }
    for (const front of [[pack], [pack, pack], [pack, systemHeader], [pack, video], [pack, sound, video]])
      expect(await outcome(Buffer.concat([...front, html]), "video/mpeg")).toBe("DAMAGED_MEDIA");
  });

  test("MPEG program stream: rejects wrong marker bits, lengths and packet headers", async () => {
    for (const [at, bits] of markerBits[generation]) {
      const broken = Buffer.from(sample);
      broken.writeUInt8(broken.readUInt8(at) ^ bits, at);
      expect([at, await outcome(broken, "video/mpeg")]).toEqual([at, "DAMAGED_MEDIA"]);
    }
    for (const second of [
      startCode(0xe0, u16(0), "empty"),
      startCode(0xe0, u16(40), Buffer.alloc(40, 0x11)),
      startCode(0xe0, u16(40), Buffer.from([0x81, 0, 200]), Buffer.alloc(37)),
      startCode(0xb0, u16(4), "oddy"),
      startCode(0xff, u16(4), "oddy"),
    ])
      expect(await outcome(Buffer.concat([pack, second, html]), "video/mpeg")).toBe("DAMAGED_MEDIA");
  });
});

describe("MPEG video stream", () => {
  test("MPEG video: reports its size, with the upper bits of the MPEG-2 extension", async () => {
    const { facts } = await clean(videoStream(), "video/mpeg");
    expect(facts).toMatchObject({ size: { width: 64, height: 48 }, decodedPixels: 64 * 48 });
    const [width, height] = [10_000, 5_000];
    const large = videoStream(width, height, sequenceExtension(width, height));
    expect(await inspectFirstBytes(large)).toBe("video/mpeg");
    expect((await clean(large, "video/mpeg")).facts.size).toEqual({ width, height });
  });

  test("MPEG video: rejects a stream without pictures or with anything else after its header", async () => {
    const whole = videoStream();
    const withByte = (at: number, value: number) => {
      const bytes = Buffer.from(whole);
      bytes.writeUInt8(value, at);
      return bytes;
    };
    for (const broken of [
      whole.subarray(0, 12),
      Buffer.concat([whole.subarray(0, 12), html]),
      Buffer.concat([startCode(0xb3), html]),
      whole.subarray(0, whole.indexOf("coded slice") - 4),
      Buffer.concat([whole.subarray(0, 12), startCode(0x01, "slice without a picture"), whole.subarray(12)]),
      Buffer.concat([whole, startCode(0xe0, "packet")]),
      videoStream(0, 48),
      videoStream(64, 0),
      withByte(7, 0x03),
      withByte(7, 0x10),
      withByte(10, 0xc0),
    ])
      expect(await outcome(broken, "video/mpeg")).toBe("DAMAGED_MEDIA");
  });
});

describe.each(generations)("MPEG program stream data (%s)", (generation) => {
  const pack = packs[generation];
  const captions = "GA94\x03\x43\xffcaptions!\xff";
  const video = packet(0xe0, generation, videoStream());
  const sound = packet(0xc0, generation, "\xff\xfdsound");
  const withPackets = (...packets: Buffer[]) =>
    Buffer.concat([pack, systemHeader, video, sound, ...packets, pack, video, sound]);

  test("MPEG: turns navigation data, recorder data and subtitles into padding", async () => {
    for (const other of [
      startCode(0xbf, u16(11), "secret time"),
      packet(0xbd, generation, "\x20secret subtitle"),
      packet(0xbd, generation, "\x69secret captions"),
      startCode(0xbe, u16(6), "secret"),
      startCode(0xf0, u16(6), "secret"),
    ]) {
      const sample = withPackets(other);
      const { bytes } = await clean(sample, "video/mpeg");
      expect(bytes.includes("secret")).toBeFalse();
      const padded = Buffer.concat([
        startCode(0xbe),
        other.subarray(4, 6),
        Buffer.alloc(other.length - 6, 0xff),
      ]);
      expect(bytes.equals(withPackets(padded))).toBeTrue();
    }
  });

  test("MPEG: keeps sound in private streams, and all private streams in a program stream map", async () => {
    for (const kept of [
      packet(0xbd, generation, "\x80AC-3"),
      packet(0xbd, generation, "\xa0PCM"),
      packet(0xbd, generation, "\x0b\x77AC-3 without a number"),
      Buffer.concat([programMap(mapEntry(0x81, 0xbd)), packet(0xbd, generation, "\x10anything")]),
      startCode(0xfd, u16(8), "\0\0\x01\x0dVC-1"),
    ])
      expect((await clean(withPackets(kept), "video/mpeg")).bytes.equals(withPackets(kept))).toBeTrue();
  });

  test("MPEG: wipes bytes between packets and cuts them off at the end", async () => {
    const { bytes } = await clean(withPackets(Buffer.from("secret!")), "video/mpeg");
    expect(bytes.equals(withPackets(Buffer.alloc(7)))).toBeTrue();
    for (const trailer of [Buffer.from("secret!"), Buffer.alloc(5000)]) {
      const cut = await clean(Buffer.concat([withPackets(), trailer]), "video/mpeg");
      expect(cut.bytes.equals(withPackets())).toBeTrue();
    }
  });

  test("MPEG: removes user data across packets and keeps captions", async () => {
    const picture = startCode(0x00, "picture header");
    const slices = startCode(0x01, "coded slice");
    const stream = (userData: string) =>
      Buffer.concat([
        videoStream(),
        picture,
        startCode(0xb2, userData),
        slices,
        picture,
        startCode(0xb2, captions),
        slices,
      ]);
    const dirty = stream("secret place \0\0");
    const expected = stream(`${"\xff".repeat(13)}\0\0`);
    const whole = await clean(withPackets(packet(0xe0, generation, stream("secret place"))), "video/mpeg");
    expect(whole.bytes.equals(withPackets(packet(0xe0, generation, stream("\xff".repeat(12)))))).toBeTrue();
    for (let at = videoStream().length; at < dirty.length; at++) {
      const divided = (bytes: Buffer) =>
        withPackets(
          packet(0xe0, generation, bytes.subarray(0, at)),
          sound,
          packet(0xe0, generation, bytes.subarray(at)),
        );
      const { bytes } = await clean(divided(dirty), "video/mpeg");
      expect([at, /secret|place/.test(bytes.toString("latin1"))]).toEqual([at, false]);
      expect([at, bytes.length]).toEqual([at, divided(expected).length]);
      // The first four bytes identify captions.
      const isMarkDivided = dirty
        .subarray(at - 4, at + 4)
        .toString("latin1")
        .includes("GA94");
      for (const kept of ["picture header", "coded slice", ...(isMarkDivided ? [] : ["captions"])].filter(
        (text) => divided(dirty).includes(text),
      ))
        expect([at, bytes.toString("latin1").split(kept).length]).toEqual([
          at,
          divided(dirty).toString("latin1").split(kept).length,
        ]);
      const startCodes = (of: Buffer) => of.toString("latin1").split("\0\0\x01").length;
      expect([at, startCodes(bytes)]).toEqual([at, startCodes(divided(dirty))]);
    }
  });
});

describe("MPEG headers", () => {
  const pack = packs.mpeg2;
  const video = packet(0xe0, "mpeg2", videoStream());
  const sound = packet(0xc0, "mpeg2", "\xff\xfdsound");
  const cleaned = async (...parts: Buffer[]) => (await clean(Buffer.concat(parts), "video/mpeg")).bytes;

  test("MPEG: removes bytes after system header entries, and the stuffing of packs and packets", async () => {
    const entries = Buffer.from([0xe0, 0xe0, 0x2e, 0xb7, 0xc0, 1, 0xc0, 0, 1, 0xc0, 0xc0, 0x20]);
    const header = (tail: string) => startCode(0xbb, u16(6 + 12 + 6), Buffer.alloc(6, 0x80), entries, tail);
    const stuffedPack = (tail: string) =>
      Buffer.concat([pack.subarray(0, 13), Buffer.from([0xf8 | tail.length]), Buffer.from(tail, "latin1")]);
    const stuffed = (tail: string) =>
      startCode(
        0xe0,
        u16(8 + 6 + videoStream().length),
        Buffer.from([0x81, 0x80, 11]),
        "\x21\0\x01\0\x01",
        tail,
        videoStream(),
      );
    const sample = (text: string, zeros: string) =>
      Buffer.concat([stuffedPack(text), header(zeros), stuffed(text), sound]);
    expect(await cleaned(sample("secret", "secret"))).toEqual(sample("\xff".repeat(6), "\0".repeat(6)));
  });

  test("MPEG: removes private data from packet headers and keeps the other fields", async () => {
    const fields = "\x31\0\x01\0\x01\x11\0\x01\0\x01" + "ESCR__rat" + "TC" + "cc";
    const extension = (text: string, pad: string) =>
      `\xf1${text.padEnd(16, pad)}\x06${text}ctps\x84\x71${text.slice(0, 3)}`;
    const sample = (text: string, pad: string) => {
      const optional = fields + extension(text, pad) + text;
      return Buffer.concat([
        pack,
        video,
        startCode(
          0xc0,
          u16(3 + optional.length + 7),
          Buffer.from([0x80, 0xff, optional.length]),
          optional,
          "\xff\xfdsound",
        ),
      ]);
    };
    const bytes = await cleaned(sample("secret", "!"));
    expect(bytes).toEqual(sample("\xff".repeat(6), "\xff"));
  });

  test("MPEG: removes unneeded descriptors from a program stream map and corrects its checksum", async () => {
    const descriptors = (text: string) =>
      Buffer.from(`\x05\x04AC-3\x05\x0aHDMV${text}\xe0\x06${text}\x0a\x04deu\0`, "latin1");
    const map = (text: string, zeros: string) =>
      Buffer.concat([programMap(mapEntry(0x1b, 0xe5, descriptors(text)), mapEntry(0x0f, 0xc1))]).toString(
        "latin1",
      ) + zeros;
    const sized = (text: string, tail: string) => {
      const bytes = Buffer.from(map(text, tail), "latin1");
      bytes.writeUInt16BE(bytes.length - 6, 4);
      return bytes;
    };
    const bytes = await cleaned(pack, video, programMap(mapEntry(0x1b, 0xe5, descriptors("secret"))), sound);
    expect(bytes).toEqual(
      Buffer.concat([pack, video, programMap(mapEntry(0x1b, 0xe5, descriptors("\xff".repeat(6)))), sound]),
    );
    expect((await cleaned(pack, video, sized("text", "secret"), sound)).includes("secret")).toBeFalse();
    const broken = await cleaned(pack, video, startCode(0xbc, u16(10), "\xe0\xff\xffsecret!"), sound);
    expect(broken).toEqual(
      Buffer.concat([pack, video, startCode(0xbe, u16(10), Buffer.alloc(10, 0xff)), sound]),
    );
  });

  test("MPEG: turns undeclared streams without pictures or sound into padding", async () => {
    for (const other of [
      packet(0xe5, "mpeg2", "secret place"),
      packet(0xc7, "mpeg2", "secret"),
      startCode(0xfd, u16(6), "secret"),
    ]) {
      const bytes = await cleaned(pack, video, other, sound, other);
      const padding = startCode(0xbe, other.subarray(4, 6), Buffer.alloc(other.length - 6, 0xff));
      expect(bytes).toEqual(Buffer.concat([pack, video, padding, sound, padding]));
      const declared = startCode(
        0xbb,
        u16(9),
        Buffer.alloc(6, 0x80),
        Buffer.from([other[3] ?? 0, 0xc0, 0x20]),
      );
      const whole = Buffer.concat([pack, declared, video, other]);
      expect(await cleaned(whole)).toEqual(whole);
    }
    const late = Buffer.concat([
      pack,
      video,
      packet(0xc7, "mpeg2", "rest"),
      packet(0xc7, "mpeg2", "\xff\xf3sound"),
    ]);
    expect(await cleaned(late)).toEqual(late);
  });

  test("MPEG: removes reserved parts of a video stream, and bytes after the content of others", async () => {
    const stream = (text: string, zeros: string) =>
      Buffer.concat([
        videoStream(),
        ...[0xb0, 0xb1, 0xb2, 0xb4, 0xb7].map((code) => startCode(code, text)),
        startCode(0xb8, u16(0, 0), text),
        startCode(0x00, "picture header 1", text),
        startCode(0xb5, "\0".repeat(3), zeros),
        startCode(0x01, "coded slice secret"),
      ]);
    const sample = (text: string) =>
      Buffer.concat([pack, packet(0xe0, "mpeg2", stream(text, "\0\0")), sound]);
    expect(await cleaned(sample("secret"))).toEqual(sample("\xff".repeat(6)));
  });

  test("MPEG: removes bytes after captions and other known user data", async () => {
    const stream = (text: string) =>
      Buffer.concat([
        videoStream(),
        ...[
          "GA94\x03\x41\xffcc1\xff",
          "GA94\x06\xffbars",
          "DTG1\x41\xf8",
          "CC\x01\xf8\x02\xffab\xfecd",
          `\x03\x81\x08${"bits"}`,
          "4.3.2\0TMPGEXS\0",
        ].map((known) => startCode(0xb2, known, text)),
        startCode(0x01, "slice"),
      ]);
    const bytes = await cleaned(stream("secret place"));
    expect(bytes.toString("latin1")).not.toMatch(/secret|place/);
    for (const kept of [
      "cc1\xff\xff",
      "\xffbars",
      "\x41\xf8\xff",
      "\xffab\xfecd\xff",
      "bits\xff",
      "4.3.2\0TMPGEXS\0\xff",
    ])
      expect(bytes.includes(Buffer.from(kept, "latin1"))).toBeTrue();
  });

  test("MPEG: leaves MPEG-4 Visual in a program stream unchanged", async () => {
    const visual = Buffer.concat([
      startCode(0xb0, "\x01"),
      startCode(0xb3, "\x40\x30\x01\x13\xff\xff\xe0\x18 time"),
      startCode(0xb6, "picture"),
    ]);
    const whole = Buffer.concat([pack, packet(0xe0, "mpeg2", visual), sound]);
    expect(await cleaned(whole)).toEqual(whole);
  });
});

test("MPEG: removes user data from a video stream without a container", async () => {
  const sample = Buffer.concat([
    videoStream(),
    startCode(0xb2, "secret"),
    startCode(0x00, u16(0)),
    startCode(0x01, "slice"),
  ]);
  const { bytes } = await clean(sample, "video/mpeg");
  expect(bytes.includes("secret")).toBeFalse();
  expect(bytes.includes(startCode(0xb2, "\xff".repeat(6)))).toBeTrue();
  expect(bytes.subarray(-9).equals(startCode(0x01, "slice"))).toBeTrue();
});

test("MPEG: the sample that other tests upload is valid", async () => {
  expect((await clean(mpegVideo(), "video/mpeg")).facts).toMatchObject({
    size: { width: 64, height: 48 },
    hasPicture: true,
  });
});
