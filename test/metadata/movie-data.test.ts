import { describe, expect, test } from "bun:test";

import { clean, leaks, outcome } from "./cleaning.ts";
import {
  box,
  movieFile,
  ftyp,
  fullBox,
  longBox,
  movie,
  pictureEntry,
  track,
  u16,
  u32,
} from "./container-samples.ts";

const video = (chunks: number[], sampleBytes: number) =>
  track({ id: 1, handler: "vide", chunks, sampleBytes });
/** A track fragment with an explicit offset, or one that follows the previous data. */
const part = (id: number, flags: number, offset: number | undefined, ...sizes: number[]) =>
  box(
    "traf",
    box("tfhd", u32(flags, id)),
    offset === undefined
      ? box("trun", u32(0x200, sizes.length, ...sizes))
      : box("trun", u32(0x201, sizes.length, offset, ...sizes)),
  );
const readable = (bytes: Buffer) =>
  bytes
    .subarray(bytes.lastIndexOf("mdat") + 4)
    .toString("latin1")
    .replaceAll("\0", ".");

describe("media data of MP4 and MOV", () => {
  test("movie data: removes GPS blocks of a dashcam between samples", async () => {
    const block = box("freeGPS ".slice(0, 4), "GPS secret 4851.4620");
    const data = `AAAA${block.toString("latin1")}BBBB${block.toString("latin1")}`;
    const sample = movieFile(data, (at) => [
      movie(video([at, at + 4 + block.length], 4), box("gps ", u32(1, 2))),
    ]);
    const { bytes } = await clean(sample, "video/mp4");
    expect(leaks(bytes)).toBeFalse();
    expect(bytes.includes("gps ")).toBeFalse();
    expect(readable(bytes)).toBe(`AAAA${".".repeat(block.length)}BBBB`);
  });

  test("movie data: removes bytes before a JPEG if the sample entry declares Motion-JPEG", async () => {
    const jpeg = "\xff\xd8\xff\xdb\0\x05abc\xff\xda\0\x03d12\xff\xd9";
    const movieOfJpeg = (front: string) =>
      movieFile(`${front}${jpeg}`, (at) => [
        movie(
          track({
            id: 1,
            handler: "vide",
            chunks: [at],
            sampleBytes: front.length + jpeg.length,
            entries: [pictureEntry("jpeg", [64, 48])],
          }),
        ),
      ]);
    const { bytes } = await clean(movieOfJpeg("secret"), "video/quicktime");
    expect(bytes.subarray(-6 - jpeg.length).toString("latin1")).toBe(`${"\0".repeat(6)}${jpeg}`);
  });

  test("movie data: keeps bytes that several chunks share, even with removed tracks", async () => {
    const sample = movieFile("secretABCDEFsecret", (at) => [
      movie(
        video([at + 8, at + 6], 4),
        track({ id: 2, handler: "meta", chunks: [at], sampleBytes: 18 }),
        track({ id: 3, handler: "soun", chunks: [at + 7], sampleBytes: 2 }),
      ),
    ]);
    expect(readable((await clean(sample, "video/mp4")).bytes)).toBe("......ABCDEF");
  });

  test("movie data: keeps samples in every box type that may hold them", async () => {
    for (const make of [box, longBox])
      for (const type of ["mdat", "free", "skip", "wide", "ABCD"]) {
        const holder = make(type, "secretAAAAsecret");
        const head = holder.length - 16;
        const sample = movieFile("BBBBsecret", (at) => [
          movie(video([at - 8 - holder.length + head + 6, at], 4)),
          holder,
        ]);
        const { bytes } = await clean(sample, "video/quicktime");
        expect([type, leaks(bytes)]).toEqual([type, false]);
        expect(bytes.includes("\0AAAA\0")).toBeTrue();
        expect(readable(bytes).endsWith("BBBB")).toBeTrue();
      }
  });

  test("movie data: keeps only the samples in a last box without a size", async () => {
    const file = movieFile("AAAAsecret", (at) => [movie(video([at], 4))]);
    file.writeUInt32BE(0, file.lastIndexOf("mdat") - 4);
    const { bytes } = await clean(file, "video/mp4");
    expect(bytes.subarray(-12).equals(Buffer.concat([u32(0), Buffer.from("mdatAAAA")]))).toBeTrue();
  });

  test("movie data: keeps auxiliary information of encrypted samples, contiguous or per chunk", async () => {
    const entries = [pictureEntry("encv", [64, 48])];
    for (const offsets of [[4], [4, 14]]) {
      const sample = movieFile("AAAAinfoAAAAAAinfosecret", (at) => [
        movie(
          track({
            id: 1,
            handler: "vide",
            entries,
            tables: [
              fullBox("stsc", 0, u32(1, 1, 1, 1)),
              fullBox("stsz", 0, u32(0, 2, 4, 6)),
              fullBox("stco", 0, u32(2, at, at + 8)),
              fullBox("saiz", 0, "\x04", u32(2)),
              fullBox("saio", 0, u32(offsets.length, ...offsets.map((offset) => at + offset))),
            ],
          }),
        ),
      ]);
      const { bytes } = await clean(sample, "video/mp4");
      expect(readable(bytes)).toBe(offsets.length === 2 ? "AAAAinfoAAAAAAinfo" : "AAAAinfoAAAAAA");
    }
    const sized = movieFile("infoAAAAsecret", (at) => [
      movie(
        track({
          id: 1,
          handler: "vide",
          entries,
          chunks: [at + 4],
          sampleBytes: 4,
          inTables: [
            box("saiz", u32(1), "cenc", u32(0), "\0", u32(1), "\x04"),
            box("saio", u32(0x0100_0001), "cenc", u32(0, 1, 0, at)),
          ],
        }),
      ),
    ]);
    expect(readable((await clean(sized, "video/mp4")).bytes)).toBe("infoAAAA");
  });

  test.each([
    ["sowt", 0, Buffer.alloc(0), 4],
    ["raw ", 0, Buffer.alloc(0), 2],
    ["in24", 0, Buffer.alloc(0), 6],
    ["ulaw", 0, Buffer.alloc(0), 2],
    ["twos", 1, u32(1, 2, 4, 2), 4],
    ["alac", 1, u32(1, 0, 3, 2), 3],
    ["lpcm", 2, Buffer.concat([u32(72), Buffer.alloc(8), u32(2, 0x7f00_0000, 16, 12, 4, 1)]), 4],
  ])(
    "movie data: keeps all bytes of sound whose size table declares one byte per sample (%s, version %i)",
    async (type, version, more, bytesEach) => {
      const length = 10 * bytesEach;
      const entry = box(type, u16(0, 0, 0, 1, version, 0), "vend", u16(2, 16, 0, 0), u32(8000 << 16), more);
      const sample = movieFile(`${"S".repeat(length)}secretV`, (at) => [
        movie(
          video([at + length + 6], 1),
          track({
            id: 2,
            handler: "soun",
            entries: [entry],
            tables: [
              fullBox("stsc", 0, u32(1, 1, 10, 1)),
              fullBox("stsz", 0, u32(1, 10)),
              fullBox("stco", 0, u32(1, at)),
            ],
          }),
        ),
      ]);
      const { bytes } = await clean(sample, "video/quicktime");
      expect(readable(bytes)).toBe(`${"S".repeat(length)}......V`);
    },
  );

  test("movie data: keeps all bytes of sound with fixed packets (ima4)", async () => {
    const entry = box("ima4", u16(0, 0, 0, 1, 0, 0), "vend", u16(1, 16, 0, 0), u32(8000 << 16));
    const tables = (at: number) => [
      fullBox("stsc", 0, u32(1, 1, 128, 1)),
      fullBox("stsz", 0, u32(1, 128)),
      fullBox("stco", 0, u32(1, at)),
    ];
    const sample = movieFile(`V${"S".repeat(68)}secret`, (at) => [
      movie(video([at], 1), track({ id: 2, handler: "soun", entries: [entry], tables: tables(at + 1) })),
    ]);
    expect(readable((await clean(sample, "video/quicktime")).bytes)).toBe(`V${"S".repeat(68)}`);
  });
});

describe("media data of fragments", () => {
  const fragments = (data: string, parts: (at: number) => Buffer[]) => {
    const build = (at: number) => box("moof", fullBox("mfhd", 0, u32(1)), ...parts(at));
    const tracks = [1, 2, 3].map((id) => track({ id, handler: id === 2 ? "meta" : "vide" }));
    return Buffer.concat([ftyp, movie(...tracks), build(build(0).length + 8), box("mdat", data)]);
  };

  test("movie data: removes bytes outside the runs of fragments", async () => {
    const sample = fragments("secretAAAAsecretBBBBsecret", (at) => [
      part(1, 0x02_0000, at + 6, 2, 2),
      part(3, 0x02_0000, at + 16, 4),
    ]);
    expect(readable((await clean(sample, "video/mp4")).bytes)).toBe("......AAAA......BBBB");
  });

  test("movie data: adjusts the offset of a track fragment that follows a removed one", async () => {
    // Without flags, offsets are relative to the end of the previous track fragment.
    const sample = fragments("AAAAsecretBBBB", (at) => [
      part(1, 0, at, 4),
      part(2, 0, 0, 6),
      part(3, 0, 0, 4),
    ]);
    const { bytes } = await clean(sample, "video/mp4");
    expect(readable(bytes)).toBe("AAAA......BBBB");
    expect(bytes.includes(u32(0x201, 1, 6, 4))).toBeTrue();
    const again = await clean(bytes, "video/mp4");
    expect(again.bytes.equals(bytes)).toBeTrue();
    const first = fragments("secretBBBB", (at) => [part(2, 0, at, 6), part(3, 0, 0, 4)]);
    expect(readable((await clean(first, "video/mp4")).bytes)).toBe("......BBBB");
    const hopeless = fragments("secretBBBB", (at) => [part(2, 0, at, 6), part(3, 0, undefined, 4)]);
    expect(await outcome(hopeless, "video/mp4")).toBe("DAMAGED_MEDIA");
  });

  test("movie data: keeps the whole samples of a truncated fragment", async () => {
    const sample = fragments("AAAABBBBCCCC", (at) => [part(1, 0x02_0000, at, 4, 4, 4)]);
    const { bytes } = await clean(sample.subarray(0, -2), "video/mp4");
    expect(bytes.subarray(-16).equals(box("mdat", "AAAABBBB"))).toBeTrue();
    expect(bytes.includes(u32(0x201, 2))).toBeTrue();
    expect(await outcome(sample.subarray(0, -9), "video/mp4")).toBe("DAMAGED_MEDIA");
    const next = box("moof", part(1, 0x02_0000, 0, 4));
    const cutInNext = Buffer.concat([sample, next.subarray(0, -5)]);
    const kept = box("mdat", "AAAABBBBCCCC");
    expect((await clean(cutInNext, "video/mp4")).bytes.subarray(-20).equals(kept)).toBeTrue();
  });
});

describe("the end of an MP4 or MOV", () => {
  test("movie data: cuts off unneeded boxes, data and index boxes at the end", async () => {
    const file = movieFile("AAAA", (at) => [movie(video([at], 4))]);
    const trailers = [
      box("free", Buffer.alloc(5000)),
      box("uuid", "secret".repeat(5)),
      movie(video([], 0)),
      box("mdat", "secret"),
    ];
    const { bytes, facts } = await clean(Buffer.concat([file, ...trailers]), "video/mp4");
    expect(bytes.length).toBe(file.length);
    expect(facts.bytes).toBe(file.length);

    const index = (at: number) => movie(video([at], 4));
    const first = Buffer.concat([ftyp, box("mdat", "AAAA")]);
    const at = ftyp.length + 8;
    const withTrailers = movie(
      video([at], 4),
      box("udta", "secret".repeat(100)),
      track({ id: 2, handler: "tmcd" }),
    );
    const cut = await clean(Buffer.concat([first, withTrailers]), "video/quicktime");
    expect(cut.bytes.length).toBe(first.length + index(at).length);
    expect(cut.bytes.readUInt32BE(first.length)).toBe(index(at).length);
  });

  test("movie data: keeps a truncated download that has at least one whole picture", async () => {
    const file = movieFile("AAAABBBBCCCC", (at) => [movie(video([at, at + 4, at + 8], 4))]);
    const { bytes, facts } = await clean(file.subarray(0, -3), "video/mp4");
    expect(facts.hasPicture).toBeTrue();
    expect(bytes.subarray(-17).equals(box("mdat", "AAAABBBBC"))).toBeTrue();
    expect(await outcome(file.subarray(0, -9), "video/mp4")).toBe("DAMAGED_MEDIA");
    const large = longBox("mdat", "AAAABBBB");
    const before = (at: number) => Buffer.concat([ftyp, movie(video([at], 4))]);
    const whole = Buffer.concat([before(before(0).length + 16), large]);
    const mended = await clean(whole.subarray(0, -1), "video/mp4");
    expect(mended.bytes.subarray(-20).equals(longBox("mdat", "AAAA"))).toBeTrue();
  });
});

describe("a file that ends within its index", () => {
  const build = (...inMovie: Buffer[]) => {
    const data = Buffer.concat([ftyp, box("mdat", "picture")]);
    const index = (...more: Buffer[]) =>
      movie(track({ id: 1, handler: "vide", chunks: [ftyp.length + 8], sampleBytes: 7 }), ...more);
    return { whole: Buffer.concat([data, index(...inMovie)]), expected: Buffer.concat([data, index()]) };
  };

  test("movie data: refuses a file that ends within a track as cut off", async () => {
    const { whole } = build();
    for (const missing of [1, 8, 20, 200])
      await expect(clean(whole.subarray(0, -missing), "video/mp4")).rejects.toMatchObject({
        code: "DAMAGED_MEDIA",
        options: { detail: expect.stringContaining("cut off: it ends within its index") },
      });
  });

  test("movie data: keeps a file whose index lacks only the end of its metadata", async () => {
    for (const type of ["udta", "meta", "free", "skip"]) {
      const { whole, expected } = build(box(type, "secret".repeat(10)));
      for (const missing of [1, 30, 60]) {
        const { bytes } = await clean(whole.subarray(0, -missing), "video/mp4");
        expect(leaks(bytes)).toBeFalse();
        expect(bytes.length).toBe(expected.length);
        expect(bytes.readUInt32BE(bytes.lastIndexOf("moov") - 4)).toBe(
          expected.readUInt32BE(expected.lastIndexOf("moov") - 4),
        );
        expect(bytes.includes("mdat\x70icture")).toBeTrue();
      }
    }
  });

  test("movie data: refuses a file whose index lacks a track after the metadata", async () => {
    const { whole } = build(box("udta", "secret".repeat(10)), track({ id: 2, handler: "soun" }));
    const end = whole.indexOf("secretsecret") + 40;
    expect(await outcome(whole.subarray(0, end), "video/mp4")).toBe("DAMAGED_MEDIA");
  });
});
