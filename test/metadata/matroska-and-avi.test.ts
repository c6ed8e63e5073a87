import { describe, expect, test } from "bun:test";

import { clean, leaks, outcome } from "./cleaning.ts";
import { element, openElement } from "./container-samples.ts";
import { riffChunk, riffFile } from "./photo-samples.ts";

const ebml = element(0x1a45dfa3, element(0x4282, "webm"));
const info = element(
  0x1549a966,
  element(0xbf, "crc!"),
  element(0x7ba9, "secret title"),
  element(0x4461, "secret!!"),
  element(0x4d80, "secret muxer"),
  element(0x5741, "secret writer"),
);
const tracks = element(
  0x1654ae6b,
  element(
    0xae,
    element(0x83, "\x01"),
    element(0x536e, "secret track"),
    element(0xe0, element(0xb0, "\x01\x00"), element(0xba, "\x60")),
  ),
);
const tags = element(0x1254c367, "secret ".repeat(30));
const attachments = element(0x1941a469, "secret");
const padding = element(0xec, "secret");
const seekTags = element(0x4dbb, element(0x53ab, Buffer.from("1254c367", "hex")), element(0x53ac, "secret"));
const seekInfo = element(0x4dbb, element(0x53ab, Buffer.from("1549a966", "hex")), element(0x53ac, "\x10"));
const block = element(0xa3, "\x81\0\0\x80picture");

describe("WebM and Matroska", () => {
  test.each([element, openElement])(
    "Matroska: removes tags, titles, times, names and attachments, and cuts them off at the end",
    async (make) => {
      const sample = Buffer.concat([
        ebml,
        make(
          0x18538067,
          element(0x114d9b74, seekTags, seekInfo),
          info,
          tracks,
          padding,
          make(0x1f43b675, element(0xe7, "\0"), block),
          attachments,
          tags,
        ),
      ]);
      const { bytes, facts, left } = await clean(sample, "video/webm");
      expect(leaks(bytes)).toBeFalse();
      for (const kept of [ebml, seekInfo, block]) expect(bytes.includes(kept)).toBeTrue();
      expect(bytes.includes("crc!")).toBeFalse();
      expect(facts).toEqual({
        bytes: sample.indexOf(attachments),
        orientation: 1,
        size: { width: 256, height: 96 },
        decodedPixels: 256 * 96,
        hasPicture: true,
        video: { durationSeconds: null, isPlayable: false },
      });
      expect(left).toEqual(["upload"]);
    },
  );

  test("Matroska: rejects a truncated file and one with another signature", async () => {
    const sample = Buffer.concat([ebml, openElement(0x18538067, info, tracks, block)]);
    expect(await outcome(sample, "video/webm")).toBe("cleaned");
    expect(await outcome(sample.subarray(0, -1), "video/webm")).toBe("DAMAGED_MEDIA");
    expect(await outcome(sample.subarray(ebml.length), "video/webm")).toBe("DAMAGED_MEDIA");
  });
});

describe("AVI", () => {
  const list = (kind: string, ...chunks: Buffer[]) =>
    riffChunk("LIST", Buffer.concat([Buffer.from(kind), ...chunks]));
  const header = Buffer.alloc(56);
  header.writeUInt32LE(64, 32);
  header.writeUInt32LE(48, 36);
  const secret = (type: string) => riffChunk(type, Buffer.from("secret"));

  test("AVI: removes titles, dates, vendor chunks and old padding, and keeps its size", async () => {
    const stream = list(
      "strl",
      riffChunk("strh", Buffer.from("vids".padEnd(56, "\0"))),
      riffChunk("strf", Buffer.alloc(40)),
      riffChunk("strd", Buffer.from("AVIFsecret")),
      secret("strn"),
    );
    const movi = list("movi", riffChunk("00dc", Buffer.from("picture")));
    const sample = riffFile(
      "AVI ",
      list("hdrl", riffChunk("avih", header), stream, secret("IDIT")),
      list("INFO", secret("INAM")),
      secret("JUNK"),
      movi,
      secret("_PMX"),
      riffChunk("idx1", Buffer.alloc(16)),
    );
    const { bytes, facts } = await clean(Buffer.concat([sample, secret("tail")]), "video/x-msvideo");
    expect(leaks(bytes)).toBeFalse();
    for (const kept of [movi, riffChunk("strf", Buffer.alloc(40)), riffChunk("idx1", Buffer.alloc(16))])
      expect(bytes.includes(kept)).toBeTrue();
    expect(facts).toMatchObject({ bytes: bytes.length, size: { width: 64, height: 48 }, hasPicture: true });
    expect(await outcome(sample.subarray(0, sample.indexOf("picture")), "video/x-msvideo")).toBe(
      "DAMAGED_MEDIA",
    );
  });
});
