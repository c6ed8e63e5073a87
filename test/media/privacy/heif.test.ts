import { describe, expect, test } from "bun:test";

import { clean, leaks, outcome } from "./cleaning.ts";
import {
  box,
  fullBox,
  gridPayload,
  heic,
  heifOf,
  movie,
  overlayPayload,
  track,
  type HeifItem,
} from "./container-samples.ts";
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
        decodedPixels: 64 * 48,
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

describe("the sizes in a HEIC or AVIF", () => {
  const tiles = (count: number, size: [number, number] = [512, 512]): HeifItem[] =>
    Array.from({ length: count }, (_, index) => ({ id: 10 + index, type: "hvc1", size }));
  const grid = (payload: Buffer, parts: HeifItem[], size: [number, number] = [1000, 700]) =>
    heifOf([
      { id: 1, type: "grid", size, payload, parts: parts.map(({ id }) => id), turned: true },
      ...parts,
    ]);

  test("of a grid: as shown, and the pixels of all its tiles", async () => {
    const { facts } = await clean(grid(gridPayload(2, 2, 1000, 700), tiles(4)), "image/heic");
    expect(facts).toMatchObject({ size: { width: 700, height: 1000 }, decodedPixels: 4 * 512 * 512 });
  });

  test("a grid that its tiles do not cover, or with another number of tiles, is damaged", async () => {
    const refused = [
      grid(gridPayload(2, 2, 1025, 700), tiles(4)),
      grid(gridPayload(2, 2, 1000, 1025), tiles(4)),
      grid(gridPayload(2, 2, 70_000, 70_000), tiles(4)),
      grid(gridPayload(2, 2, 1000, 700), tiles(3)),
      grid(gridPayload(256, 256, 1000, 700), tiles(4)),
      grid(gridPayload(2, 2, 0, 700), tiles(4)),
      grid(gridPayload(2, 2, 1000, 700).subarray(0, 6), tiles(4)),
      grid(gridPayload(1, 1, 1000, 700), [{ id: 10, type: "hvc1" }]),
    ];
    for (const sample of refused) expect(await outcome(sample, "image/avif")).toBe("DAMAGED_MEDIA");
  });

  test("the largest counts, of any item, any overlay, and a grid declared smaller than its tiles", async () => {
    const picture: HeifItem = { id: 1, type: "hvc1", size: [64, 48] };
    const pixels = async (...items: HeifItem[]) =>
      (await clean(heifOf([picture, ...items]), "image/heic")).facts;
    const shown = { size: { width: 64, height: 48 } };
    expect(await pixels()).toMatchObject({ ...shown, decodedPixels: 64 * 48 });
    expect(await pixels({ id: 2, type: "hvc1", size: [20_000, 30_000] })).toMatchObject({
      ...shown,
      decodedPixels: 600_000_000,
    });
    const payload = overlayPayload(80_000, 90_000);
    expect(await pixels({ id: 2, type: "iovl", payload, parts: [1] })).toMatchObject({
      ...shown,
      decodedPixels: 7_200_000_000,
    });
    const large = tiles(4, [20_000, 20_000]);
    const small = gridPayload(2, 2, 10, 10);
    expect(
      await pixels({ id: 2, type: "grid", payload: small, parts: large.map(({ id }) => id) }, ...large),
    ).toMatchObject({ ...shown, decodedPixels: 1_600_000_000 });
  });

  test("a picture without pixels is damaged", async () => {
    for (const size of [
      [0, 48],
      [64, 0],
    ] as const)
      expect(await outcome(heifOf([{ id: 1, type: "hvc1", size: [...size] }]), "image/heic")).toBe(
        "DAMAGED_MEDIA",
      );
  });

  test("of a sequence: its tracks as shown and as coded count too", async () => {
    const picture: HeifItem = { id: 1, type: "av01", size: [64, 48] };
    const { facts } = await clean(
      heifOf([picture], movie(track({ id: 1, handler: "pict", coded: [40_000, 30_000] }))),
      "image/avif",
    );
    expect(facts).toMatchObject({ size: { width: 64, height: 48 }, decodedPixels: 1_200_000_000 });
  });

  test("only the first description of a file is read, further ones are blanked", async () => {
    const sample = heifOf(
      [{ id: 1, type: "hvc1", size: [64, 48] }],
      fullBox("meta", 0, box("free", "secret")),
    );
    const { bytes, facts } = await clean(sample, "image/heic");
    expect(leaks(bytes)).toBeFalse();
    expect(facts.size).toEqual({ width: 64, height: 48 });
  });
});
