import { describe, expect, test } from "bun:test";

import { clean, leaks, outcome } from "./cleaning.ts";
import {
  box,
  movieFile,
  ftyp,
  fullBox,
  longBox,
  movie,
  numbers,
  track,
  u32,
  xmpUuid,
} from "./container-samples.ts";

const video = track({ id: 1, handler: "vide" });
const mdat = box("mdat", "pictures");
const cleanMovie = async (...parts: Buffer[]) => clean(Buffer.concat(parts), "video/mp4");
/** A picture track with chunks at these positions. */
const pictures = (sampleBytes: number, ...chunks: number[]) =>
  track({ id: 1, handler: "vide", chunks, sampleBytes });

describe("metadata in MP4 and MOV", () => {
  test("movie: removes user data, metadata, XMP, times, vendor names and old free space", async () => {
    const secrets = ["udta", "meta", "free", "skip"].map((type) => box(type, "secret"));
    const xmp = box("uuid", xmpUuid, "secret");
    const preview = box("PICT", "secret preview");
    const file = movieFile("pictures", (data) => [
      ...secrets,
      xmp,
      movie(
        track({ id: 1, handler: "vide", chunks: [data], sampleBytes: 8, extra: [...secrets, xmp] }),
        ...secrets,
        xmp,
      ),
      longBox("free", "secret"),
    ]);
    const { bytes, facts, left } = await cleanMovie(file, preview);
    expect(leaks(bytes)).toBeFalse();
    for (const gone of ["udta", "meta", "skip", "PICT", "timetime", "appl"])
      expect(bytes.includes(gone)).toBeFalse();
    for (const kept of ["mvhd", "tkhd", "hdlr", "vide", "stbl", "mdat\x70ictures"])
      expect(bytes.includes(kept)).toBeTrue();
    expect(facts).toEqual({
      bytes: file.length,
      orientation: 1,
      size: { width: 64, height: 48 },
      decodedPixels: 64 * 48,
      hasPicture: true,
      video: { durationSeconds: 1, isPlayable: false },
    });
    expect(left).toEqual(["upload"]);
  });

  test("movie: removes metadata from a last box without a size", async () => {
    const file = movieFile("pictures", (data) => [movie(pictures(8, data))]);
    const { bytes } = await cleanMovie(file, u32(0), Buffer.from("meta secret"));
    expect(leaks(bytes)).toBeFalse();
    expect(bytes.length).toBe(file.length);
  });

  test("movie: reports the display size of a rotated video", async () => {
    const { facts } = await cleanMovie(
      ftyp,
      movie(track({ id: 1, handler: "vide", matrix: "sideways" })),
      mdat,
    );
    expect(facts.size).toEqual({ width: 48, height: 64 });
  });

  test("movie: reports that a file with sound only has no picture", async () => {
    const { facts } = await cleanMovie(ftyp, movie(track({ id: 1, handler: "soun" })), mdat);
    expect(facts).toMatchObject({ hasPicture: false, size: null });
  });

  test.each(["meta", "text", "sbtl", "subt", "clcp", "tmcd", "camm", "hint", "sdsm"])(
    "movie: removes a track with handler %s and its samples",
    async (handler) => {
      const reference = box("tref", box("cdsc", u32(2)));
      const sample = movieFile("frame1secret1!frame2secret2!", (data) => [
        movie(
          track({ id: 1, handler: "vide", chunks: [data, data + 14], sampleBytes: 6, extra: [reference] }),
          track({ id: 2, handler, chunks: [data + 6, data + 20], sampleBytes: 8 }),
        ),
      ]);
      const { bytes, facts } = await clean(sample, "video/quicktime");
      expect(bytes.subarray(-28).equals(box("mdat", "frame1\0\0\0\0\0\0\0\0frame2"))).toBeTrue();
      expect(bytes.includes(`${handler}appl`)).toBeFalse();
      expect(bytes.includes("tref")).toBeFalse();
      expect(facts.hasPicture).toBeTrue();
    },
  );

  test("movie: removes metadata, and fragments and samples of removed tracks, from a fragmented file", async () => {
    const fragment = (trackId: number, offset: number, sizes: number[]) =>
      box(
        "traf",
        box("tfhd", u32(0x02_0000, trackId)),
        box("trun", u32(0x201, sizes.length, offset, ...sizes)),
        box("udta", "secret"),
      );
    const build = (data: number) =>
      box("moof", fragment(1, data, [6]), fragment(2, data + 6, [4, 4]), box("meta", "secret"));
    const data = build(0).length + 8;
    const { bytes } = await cleanMovie(
      ftyp,
      movie(video, track({ id: 2, handler: "meta" })),
      build(data),
      box("mdat", "frame1secret1!"),
    );
    expect(leaks(bytes)).toBeFalse();
    expect(bytes.subarray(-14).equals(box("mdat", "frame1"))).toBeTrue();
    expect(bytes.toString("latin1").split("traf")).toHaveLength(2);
  });

  test("movie: removes camera data after the last box, and refuses a file without an index with a clear message", async () => {
    const whole = movieFile("pictures", (data) => [movie(pictures(8, data))]);
    const { bytes } = await cleanMovie(whole, Buffer.from("\xff\xff\xff\xffABCD secret trailer", "latin1"));
    expect(leaks(bytes)).toBeFalse();
    expect(bytes.subarray(-16).equals(mdat)).toBeTrue();
    expect(await outcome(Buffer.concat([ftyp, mdat]), "video/mp4")).toBe("DAMAGED_MEDIA");
    await expect(clean(Buffer.concat([ftyp, mdat]), "video/mp4")).rejects.toMatchObject({
      options: { detail: expect.stringContaining("was not finished") },
    });
  });

  /** Cleans a video with pictures of 1 to 3 bytes in two chunks, located by these tables, and returns the remaining data. */
  const withTables = async (tables: (data: number) => Buffer[]) => {
    const sample = movieFile("secrets123456SECRETSabcdefsecrets", (data) => [
      movie(track({ id: 1, handler: "vide", tables: tables(data) })),
    ]);
    const { bytes } = await clean(sample, "video/mp4");
    return bytes
      .subarray(bytes.indexOf("mdat") + 4)
      .toString("latin1")
      .replaceAll("\0", ".");
  };
  const stsz = fullBox("stsz", 0, u32(0, 6, 1, 2, 3, 2, 2, 2));
  const sameSize = fullBox("stsz", 0, u32(2, 6));
  const compact = (bits: number, ...bytes: number[]) => fullBox("stz2", 0, u32(bits, 6), Buffer.from(bytes));
  const stsc = fullBox("stsc", 0, u32(1, 1, 3, 1));
  const stco = (data: number) => fullBox("stco", 0, u32(2, data + 7, data + 20));

  test.each([
    ["each with its size", stsz],
    ["all of one size", sameSize],
    ["with sizes of 4 bits", compact(4, 0x12, 0x32, 0x22)],
    ["with sizes of 8 bits", compact(8, 1, 2, 3, 2, 2, 2)],
    ["with sizes of 16 bits", compact(16, 0, 1, 0, 2, 0, 3, 0, 2, 0, 2, 0, 2)],
  ])("movie: keeps exactly the samples of kept tracks with %s", async (_name, sizes) => {
    const kept = ".......123456.......abcdef";
    expect(await withTables((data) => [stsc, sizes, stco(data)])).toBe(kept);
    const co64 = (data: number) => fullBox("co64", 0, u32(2, 0, data + 7, 0, data + 20));
    expect(await withTables((data) => [stsc, sizes, co64(data)])).toBe(kept);
    const groups = fullBox("stsc", 0, u32(2, 1, 3, 1, 2, 1, 1));
    expect(await withTables((data) => [groups, sizes, stco(data)])).toBe(".......123456.......ab");
  });

  test.each([
    ["more sizes than their box holds", [stsc, fullBox("stsz", 0, u32(0, 0xffff_ffff, 1))]],
    ["more compact sizes than their box holds", [stsc, compact(16, 1, 2, 3)]],
    ["compact sizes of an invalid width", [stsc, compact(7, 1, 2, 3, 4, 5, 6)]],
    ["more groups than their box holds", [fullBox("stsc", 0, u32(0x1000_0000, 1, 1, 1)), stsz]],
  ])("movie: refuses a file with %s", async (_name, tables) => {
    const sample = Buffer.concat([
      ftyp,
      mdat,
      movie(track({ id: 1, handler: "vide", tables: [...tables, stco(ftyp.length)] })),
    ]);
    expect(await outcome(sample, "video/mp4")).toBe("DAMAGED_MEDIA");
  });

  test("movie: removes 250,000 positions between the chunks of a dashcam video", async () => {
    const count = 250_000;
    const chunk = Buffer.from("secret secret secret secret!IMG.");
    const tables = (offset: number, bytes: number) => [
      fullBox("stsc", 0, u32(1, 1, 1, 1)),
      fullBox("stsz", 0, u32(bytes, count)),
      fullBox(
        "stco",
        0,
        u32(count),
        numbers(count, (index) => offset + index * 32),
      ),
    ];
    const sample = movieFile(Buffer.alloc(count * 32, chunk), (data) => [
      movie(
        track({ id: 1, handler: "vide", tables: tables(data + 28, 4) }),
        track({ id: 2, handler: "camm", tables: tables(data, 28) }),
      ),
    ]);
    const start = process.cpuUsage();
    const { bytes } = await clean(sample, "video/mp4");
    expect(process.cpuUsage(start).user / 1_000_000).toBeLessThan(2);
    expect(leaks(bytes)).toBeFalse();
    const kept = Buffer.alloc(count * 32, `${"\0".repeat(28)}IMG.`);
    expect(bytes.subarray(-count * 32).equals(kept)).toBeTrue();
  });

  test("movie: refuses tables that reference the same pictures many times", async () => {
    const picture = Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xd9]), Buffer.alloc(1996)]);
    const sample = (times: number) =>
      movieFile(picture, (data) => [movie(pictures(2000, ...Array.from({ length: times }, () => data)))]);
    expect(await outcome(sample(1), "video/mp4")).toBe("cleaned");
    expect(await outcome(sample(100), "video/mp4")).toBe("DAMAGED_MEDIA");
  });
});
