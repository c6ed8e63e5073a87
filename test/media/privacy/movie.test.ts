import { describe, expect, test } from "bun:test";

import { clean, leaks, outcome } from "./cleaning.ts";
import {
  box,
  ftyp,
  fullBox,
  longBox,
  movie,
  numbers,
  piffUuid,
  track,
  u32,
  xmpUuid,
} from "./container-samples.ts";

const video = track({ id: 1, handler: "vide" });
const mdat = box("mdat", "pictures");
const cleanMovie = async (...parts: Buffer[]) => clean(Buffer.concat(parts), "video/mp4");

describe("an MP4 or MOV", () => {
  test("loses user data, metadata, XMP, times, vendors' names and old free space, and keeps its size", async () => {
    const secrets = ["udta", "meta", "free", "skip"].map((type) => box(type, "secret"));
    const xmp = box("uuid", xmpUuid, "secret");
    const parts = [
      ftyp,
      ...secrets,
      xmp,
      movie(track({ id: 1, handler: "vide", extra: [...secrets, xmp] }), ...secrets, xmp),
      longBox("free", "secret"),
      mdat,
      box("PICT", "secret preview"),
    ];
    const { bytes, facts, left } = await cleanMovie(...parts);
    expect(leaks(bytes)).toBeFalse();
    for (const gone of ["udta", "meta", "skip", "PICT", "timetime", "appl"])
      expect(bytes.includes(gone)).toBeFalse();
    for (const kept of ["mvhd", "tkhd", "hdlr", "vide", "stbl", "mdat\x70ictures"])
      expect(bytes.includes(kept)).toBeTrue();
    expect(facts).toEqual({
      bytes: Buffer.concat(parts).length,
      orientation: 1,
      size: { width: 64, height: 48 },
      decodedPixels: 64 * 48,
      hasPicture: true,
    });
    expect(left).toEqual(["upload"]);
  });

  test("loses metadata in a last box without a size", async () => {
    const open = Buffer.concat([u32(0), Buffer.from("meta secret")]);
    const { bytes } = await cleanMovie(ftyp, movie(video), mdat, open);
    expect(leaks(bytes)).toBeFalse();
    expect(bytes.includes("free\0\0")).toBeTrue();
  });

  test("keeps uuid boxes that are not metadata, wherever they stand", async () => {
    const piff = box("uuid", piffUuid, "keys");
    const { bytes } = await cleanMovie(
      ftyp,
      piff,
      movie(video, piff),
      box("moof", box("traf", fullBox("tfhd", 0, u32(1)), piff)),
      mdat,
    );
    expect(bytes.toString("latin1").split(piff.toString("latin1"))).toHaveLength(4);
  });

  test("that was filmed sideways says its size as shown", async () => {
    const { facts } = await cleanMovie(
      ftyp,
      movie(track({ id: 1, handler: "vide", matrix: "sideways" })),
      mdat,
    );
    expect(facts.size).toEqual({ width: 48, height: 64 });
  });

  test("of sound alone is told from a video", async () => {
    const { facts } = await cleanMovie(ftyp, movie(track({ id: 1, handler: "soun" })), mdat);
    expect(facts).toMatchObject({ hasPicture: false, size: null });
  });

  test.each(["meta", "text", "sbtl", "tmcd", "camm"])(
    "loses a track of %s with its samples",
    async (handler) => {
      const reference = box("tref", box("cdsc", u32(2)));
      const build = (data: number) =>
        Buffer.concat([
          ftyp,
          movie(
            track({ id: 1, handler: "vide", chunks: [data], sampleBytes: 6, extra: [reference] }),
            track({ id: 2, handler, chunks: [data + 6, data + 20], sampleBytes: 8 }),
          ),
          box("mdat", "frame1secret1!frame2secret2!"),
        ]);
      const sample = build(build(0).length - 28);
      const { bytes, facts } = await clean(sample, "video/quicktime");
      expect(bytes.subarray(-28).toString("latin1")).toBe("frame1\0\0\0\0\0\0\0\0frame2\0\0\0\0\0\0\0\0");
      expect(bytes.includes(`${handler}appl`)).toBeFalse();
      expect(bytes.includes("tref")).toBeFalse();
      expect(facts.hasPicture).toBeTrue();
    },
  );

  test("in fragments loses their metadata, and the parts and samples of other tracks", async () => {
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
    expect(bytes.subarray(-14).toString("latin1")).toBe("frame1\0\0\0\0\0\0\0\0");
    expect(bytes.toString("latin1").split("traf")).toHaveLength(2);
  });

  test("followed by a camera's own data loses that; one that is cut, or has no index, is refused", async () => {
    const whole = Buffer.concat([ftyp, movie(video), mdat]);
    const { bytes } = await cleanMovie(whole, Buffer.from("\xff\xff\xff\xffABCD secret trailer", "latin1"));
    expect(leaks(bytes)).toBeFalse();
    expect(bytes.includes(mdat)).toBeTrue();
    expect(await outcome(whole.subarray(0, -3), "video/mp4")).toBe("DAMAGED_MEDIA");
    expect(await outcome(Buffer.concat([ftyp, mdat]), "video/mp4")).toBe("DAMAGED_MEDIA");
  });

  /** A data track whose samples of 1 to 3 bytes lie in two chunks, as these tables say. */
  const withTables = async (tables: (data: number) => Buffer[]) => {
    const build = (data: number) =>
      Buffer.concat([
        ftyp,
        movie(video, track({ id: 2, handler: "camm", tables: tables(data) })),
        box("mdat", "picture123456PICTUREabcdefPICTURE"),
      ]);
    const { bytes } = await clean(build(build(0).length - 33), "video/mp4");
    return bytes.subarray(-33).toString("latin1").replaceAll("\0", ".");
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
  ])("loses the samples of data tracks %s", async (_name, sizes) => {
    const wiped = "picture......PICTURE......PICTURE";
    expect(await withTables((data) => [stsc, sizes, stco(data)])).toBe(wiped);
    const co64 = (data: number) => fullBox("co64", 0, u32(2, 0, data + 7, 0, data + 20));
    expect(await withTables((data) => [stsc, sizes, co64(data)])).toBe(wiped);
    const groups = fullBox("stsc", 0, u32(2, 1, 3, 1, 2, 1, 1));
    expect(await withTables((data) => [groups, sizes, stco(data)])).toBe("picture......PICTURE..cdefPICTURE");
  });

  test.each([
    ["more sizes than their box holds", [stsc, fullBox("stsz", 0, u32(0, 0xffff_ffff, 1))]],
    ["more compact sizes than their box holds", [stsc, compact(16, 1, 2, 3)]],
    ["compact sizes of a width that there is not", [stsc, compact(7, 1, 2, 3, 4, 5, 6)]],
    ["more groups than their box holds", [fullBox("stsc", 0, u32(0x1000_0000, 1, 1, 1)), stsz]],
  ])("with %s is refused", async (_name, tables) => {
    const sample = Buffer.concat([
      ftyp,
      mdat,
      movie(video, track({ id: 2, handler: "camm", tables: [...tables, stco(ftyp.length)] })),
    ]);
    expect(await outcome(sample, "video/mp4")).toBe("DAMAGED_MEDIA");
  });

  test("of a dashcam, with a position in each of 250,000 chunks, loses them all", async () => {
    const count = 250_000;
    const chunk = Buffer.from("secret secret secret secret!IMG.");
    const build = (data: number) =>
      Buffer.concat([
        ftyp,
        movie(
          video,
          track({
            id: 2,
            handler: "camm",
            tables: [
              fullBox("stsc", 0, u32(1, 1, 1, 1)),
              fullBox("stsz", 0, u32(28, count)),
              fullBox(
                "stco",
                0,
                u32(count),
                numbers(count, (index) => data + index * 32),
              ),
            ],
          }),
        ),
        box("mdat", Buffer.alloc(count * 32, chunk)),
      ]);
    const sample = build(build(0).length - count * 32);
    const start = performance.now();
    const { bytes } = await clean(sample, "video/mp4");
    expect(performance.now() - start).toBeLessThan(2000);
    expect(leaks(bytes)).toBeFalse();
    const kept = Buffer.alloc(count * 32, `${"\0".repeat(28)}IMG.`);
    expect(bytes.subarray(-count * 32).equals(kept)).toBeTrue();
  });

  test("whose tables name the same bytes again and again is refused", async () => {
    const chunks = Array.from({ length: 100 }, () => ftyp.length + 8);
    const meta = track({ id: 2, handler: "meta", chunks, sampleBytes: 2000 });
    const sample = Buffer.concat([ftyp, box("mdat", Buffer.alloc(2000)), movie(meta)]);
    expect(await outcome(sample, "video/mp4")).toBe("DAMAGED_MEDIA");
  });
});
