import { describe, expect, test } from "bun:test";

import { clean, leaks, outcome } from "./cleaning.ts";
import { heic } from "./container-samples.ts";
import { secretExif, xmp } from "./photo-samples.ts";

const picture = Buffer.from("coded picture");
const exif = Buffer.concat([Buffer.from("\0\0\0\x06Exif\0\0", "latin1"), secretExif(6)]);

describe("a HEIC or AVIF", () => {
  test.each(["image/heic", "image/avif"] as const)(
    "loses EXIF and XMP, and keeps its description (%s)",
    async (type) => {
      const sample = heic(exif, xmp, picture);
      const { bytes, facts, left } = await clean(sample, type);
      expect(leaks(bytes)).toBeFalse();
      expect(bytes).toHaveLength(sample.length);
      for (const kept of ["meta", "pitm", "iloc", "ispe", "irot", "colr", "pict", "coded picture"])
        expect(bytes.includes(kept)).toBeTrue();
      for (const gone of ["udes", "artist"]) expect(bytes.includes(gone)).toBeFalse();
      expect(facts).toEqual({
        bytes: sample.length,
        orientation: 1,
        size: { width: 48, height: 64 },
        hasPicture: true,
      });
      expect(left).toEqual(["upload"]);
    },
  );

  test("keeps well-formed items: EXIF of the orientation alone, XMP of an empty root", async () => {
    const { bytes } = await clean(heic(exif, xmp, picture), "image/heic");
    const orientation = bytes.subarray(-exif.length);
    expect(orientation.subarray(0, 12).toString("latin1")).toBe("\0\0\0\0MM\0*\0\0\0\x08");
    expect(orientation.readUInt16BE(4 + 18)).toBe(6);
    expect(orientation.subarray(30).every((byte) => byte === 0)).toBeTrue();
    expect(bytes.toString("latin1")).toMatch(/idat<x:xmpmeta xmlns:x="adobe:ns:meta\/"\/> *\0\0/);
  });

  test("whose EXIF is said to lie outside the data, or that is cut, is refused", async () => {
    const sample = heic(exif, xmp, picture);
    const at = sample.indexOf("iloc") + 8 + 2 + 2 + 16 + 8;
    const lying = Buffer.from(sample);
    lying.writeUInt32BE(20, at);
    expect(await outcome(lying, "image/heic")).toBe("DAMAGED_MEDIA");
    expect(await outcome(sample.subarray(0, -5), "image/heic")).toBe("DAMAGED_MEDIA");
  });
});
