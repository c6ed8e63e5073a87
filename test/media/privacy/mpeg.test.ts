import { describe, expect, test } from "bun:test";

import { inspectFirstBytes } from "../../../src/media/inspection.ts";
import { jpegPhoto, mpegVideo } from "../../support/media-samples.ts";
import { clean, outcome } from "./cleaning.ts";
import { u16 } from "./container-samples.ts";
import { packet, packs, sequenceExtension, startCode, videoStream } from "./mpeg-samples.ts";

const generations = ["mpeg1", "mpeg2"] as const;
/** Places in a pack header, and the bits there that every one of its generation has. */
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

describe.each(generations)("a program stream (%s)", (generation) => {
  const pack = packs[generation];
  const sound = packet(0xc0, generation, "sound");
  const video = packet(0xe0, generation, videoStream());
  const sample = Buffer.concat([pack, systemHeader, sound, video, padding, pack, video, end]);

  test("is kept as it is, and says its size", async () => {
    expect(await inspectFirstBytes(sample)).toBe("video/mpeg");
    const { bytes, facts, left } = await clean(sample, "video/mpeg");
    expect(bytes.equals(sample)).toBeTrue();
    expect(facts).toEqual({
      bytes: sample.length,
      orientation: 1,
      size: { width: 64, height: 48 },
      decodedPixels: 64 * 48,
      hasPicture: true,
    });
    expect(left).toEqual(["upload"]);
  });

  test("may end anywhere, be padded at its end and broken in the middle", async () => {
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

  test("without video is told from one with", async () => {
    for (const silent of [
      Buffer.concat([pack, systemHeader, sound, sound]),
      Buffer.concat([pack, sound, packet(0xe0, generation, html)]),
      Buffer.concat([pack, padding]),
    ])
      expect((await clean(silent, "video/mpeg")).facts).toMatchObject({ hasPicture: false, size: null });
  });

  test("whose header stands in front of anything else is refused", async () => {
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

  test("with wrong marker bits, lengths or packet headers is refused", async () => {
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

describe("an MPEG video stream", () => {
  test("says its size, with the upper bits of MPEG-2's", async () => {
    const { facts } = await clean(videoStream(), "video/mpeg");
    expect(facts).toMatchObject({ size: { width: 64, height: 48 }, decodedPixels: 64 * 48 });
    const [width, height] = [10_000, 5_000];
    const large = videoStream(width, height, sequenceExtension(width, height));
    expect(await inspectFirstBytes(large)).toBe("video/mpeg");
    expect((await clean(large, "video/mpeg")).facts.size).toEqual({ width, height });
  });

  test("without pictures, or with anything else behind its header, is refused", async () => {
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

test("the sample that other tests upload has a structure too", async () => {
  expect((await clean(mpegVideo(), "video/mpeg")).facts).toMatchObject({
    size: { width: 64, height: 48 },
    hasPicture: true,
  });
});
