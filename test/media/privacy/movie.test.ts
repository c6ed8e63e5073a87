import { describe, expect, test } from "bun:test";

import { clean, leaks, outcome } from "./cleaning.ts";
import { box, ftyp, fullBox, longBox, movie, piffUuid, track, u32, xmpUuid } from "./container-samples.ts";

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

  test("whose tables name the same bytes again and again is refused", async () => {
    const chunks = Array.from({ length: 100 }, () => ftyp.length + 8);
    const meta = track({ id: 2, handler: "meta", chunks, sampleBytes: 2000 });
    const sample = Buffer.concat([ftyp, box("mdat", Buffer.alloc(2000)), movie(meta)]);
    expect(await outcome(sample, "video/mp4")).toBe("DAMAGED_MEDIA");
  });
});
