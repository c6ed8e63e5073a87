import { describe, expect, test } from "bun:test";

import { cleanProfile } from "../../src/metadata/icc.ts";
import { description, displayProfile, lut16, profileOf } from "../support/icc-samples.ts";
import { clean, leaks, outcome, pixels } from "./cleaning.ts";
import {
  greyJpeg,
  inkJpeg,
  jpegOfThreeScans,
  jpegParts,
  jpegSegment,
  plainJpeg,
  plainPng,
  secretExif,
  withSegments,
  xmp,
} from "./photo-samples.ts";

const exif = (orientation: number, order?: "II" | "MM") =>
  jpegSegment(0xe1, "Exif\0\0", secretExif(orientation, order));
/** A profile in this number of segments. */
const icc = (profile: Buffer, count: number) =>
  Array.from({ length: count }, (_, index) => {
    const size = Math.ceil(profile.length / count);
    const head = `ICC_PROFILE\0${String.fromCharCode(index + 1, count)}`;
    return jpegSegment(0xe2, head, profile.subarray(index * size, (index + 1) * size));
  });
const metadata = [
  jpegSegment(0xe1, "http://ns.adobe.com/xap/1.0/\0", xmp),
  jpegSegment(0xe1, "http://ns.adobe.com/xmp/extension/\0", xmp),
  jpegSegment(0xed, "Photoshop 3.0\x008BIM\x04\x04secret"),
  jpegSegment(0xfe, "secret comment"),
  jpegSegment(0xe2, "MPF\0secret"),
  jpegSegment(0xe0, "JFXX\0secret"),
  jpegSegment(0xec, "Ducky secret"),
];

describe("JPEG", () => {
  test.each([false, true])(
    "JPEG: removes all metadata and no pixel (progressive: %p)",
    async (progressive) => {
      const sample = withSegments(await plainJpeg(progressive), exif(6), ...metadata);
      const { bytes, facts, left } = await clean(sample, "image/jpeg");
      expect(leaks(bytes)).toBeFalse();
      expect(await pixels(bytes)).toEqual(await pixels(sample));
      expect(facts).toMatchObject({
        bytes: bytes.length,
        orientation: 6,
        size: { width: 32, height: 48 },
        decodedPixels: 32 * 48,
        hasPicture: true,
      });
      expect(left).toEqual(["upload"]);
    },
  );

  test("JPEG: removes a DNL segment that repeats the height, and bytes after the height in one that sets it", async () => {
    const plain = await plainJpeg();
    const parts = jpegParts(plain).map(({ bytes }) => bytes);
    const repeated = jpegSegment(0xdc, "\0\x20secret");
    const samples = [
      withSegments(plain, repeated),
      Buffer.concat([plain.subarray(0, -2), repeated, plain.subarray(-2)]),
    ];
    for (const sample of samples) expect((await clean(sample, "image/jpeg")).bytes).toEqual(plain);

    const withoutHeight = parts.map((bytes) => {
      const copy = Buffer.from(bytes);
      if (copy[1] === 0xc0) copy.writeUInt16BE(0, 5);
      return copy;
    });
    const open = (height: string) =>
      Buffer.concat([...withoutHeight.slice(0, -1), jpegSegment(0xdc, height), ...withoutHeight.slice(-1)]);
    const { bytes, facts } = await clean(open("\0\x20secret"), "image/jpeg");
    expect(bytes).toEqual(open("\0\x20"));
    expect(facts.size).toEqual({ width: 48, height: 32 });
  });

  test.each([2, 3, 4, 5, 6, 7, 8])(
    "JPEG: keeps orientation %d in either byte order, and nothing else",
    async (turn) => {
      for (const order of ["II", "MM"] as const) {
        const { bytes, facts } = await clean(
          withSegments(await plainJpeg(), exif(turn, order)),
          "image/jpeg",
        );
        expect(facts.orientation).toBe(turn as 2);
        const segments = jpegParts(bytes).filter(({ marker }) => marker === 0xe1);
        expect(segments.map(({ bytes: { length } }) => length)).toEqual([4 + 6 + 26]);
      }
    },
  );

  test("JPEG: has no EXIF if it is upright", async () => {
    const { bytes } = await clean(withSegments(await plainJpeg(), exif(1)), "image/jpeg");
    expect(bytes.includes("Exif")).toBeFalse();
    expect(bytes).toEqual((await clean(await plainJpeg(), "image/jpeg")).bytes);
  });

  test("JPEG: uses the orientation of the first of two EXIF segments, and keeps neither", async () => {
    const { bytes, facts } = await clean(withSegments(await plainJpeg(), exif(8), exif(3)), "image/jpeg");
    expect(facts.orientation).toBe(8);
    expect(leaks(bytes)).toBeFalse();
  });

  test("JPEG: keeps Adobe's colour transform", async () => {
    const adobe = jpegSegment(0xee, "Adobe\0\x64\0\0\0\0\x01");
    const { bytes } = await clean(withSegments(await plainJpeg(), exif(6), adobe), "image/jpeg");
    const kept = jpegParts(bytes).filter(({ marker }) => marker === 0xee);
    expect(kept.map((part) => part.bytes)).toEqual([adobe]);
  });

  const profileIn = (jpeg: Buffer) =>
    Buffer.concat(
      jpegParts(jpeg)
        .filter(({ marker }) => marker === 0xe2)
        .map(({ bytes }) => bytes.subarray(4 + 14)),
    );

  test("JPEG: rebuilds a colour profile from segments in any order", async () => {
    const profile = displayProfile();
    for (const segments of [icc(profile, 1), icc(profile, 3), icc(profile, 3).reverse()]) {
      const { bytes, facts } = await clean(
        withSegments(await plainJpeg(), ...segments, exif(6)),
        "image/jpeg",
      );
      expect(leaks(bytes)).toBeFalse();
      expect(profileIn(bytes)).toEqual(cleanProfile(profile) as Buffer<ArrayBuffer>);
      expect(facts.decoding?.colours).toEqual({ profile: profileIn(bytes) });
    }
  });

  test("JPEG: keeps a colour profile that needs several segments", async () => {
    const table = lut16(3, 33, Array<number>(33 ** 3 * 3).fill(4096));
    const profile = profileOf([
      ["desc", description("secret")],
      ["A2B0", table],
    ]);
    const { bytes } = await clean(withSegments(await plainJpeg(), ...icc(profile, 5)), "image/jpeg");
    expect(jpegParts(bytes).filter(({ marker }) => marker === 0xe2)).toHaveLength(4);
    expect(profileIn(bytes)).toEqual(cleanProfile(profile) as Buffer<ArrayBuffer>);
  });

  test("JPEG: removes a colour profile that decoders ignore", async () => {
    const [first, second] = icc(displayProfile(), 2) as [Buffer, Buffer];
    const refused = [[first], [second], [first, first, second], icc(Buffer.alloc(200, "profile"), 1)];
    for (const segments of refused) {
      const { bytes, facts } = await clean(withSegments(await plainJpeg(), ...segments), "image/jpeg");
      expect(bytes).toEqual((await clean(await plainJpeg(), "image/jpeg")).bytes);
      expect(facts.decoding?.colours).toBeUndefined();
    }
  });

  test("JPEG: keeps the JFIF header without its thumbnail", async () => {
    const parts = jpegParts(await plainJpeg()).filter(({ marker }) => marker !== 0xe0);
    const [start, ...rest] = parts.map((part) => part.bytes);
    const jfif = jpegSegment(0xe0, "JFIF\0\x01\x02\x01\0\x60\0\x60\x03\x01", "secret123");
    const { bytes } = await clean(Buffer.concat([start as Buffer, jfif, ...rest]), "image/jpeg");
    expect(bytes.subarray(2, 20).toString("latin1")).toBe("\xff\xe0\0\x10JFIF\0\x01\x02\x01\0\x60\0\x60\0\0");
    expect(leaks(bytes)).toBeFalse();
  });

  test("JPEG: removes segments between scans, also after fill bytes", async () => {
    const parts = jpegParts(await plainJpeg(true));
    expect(parts.filter(({ marker }) => marker === 0xda).length).toBeGreaterThan(2);
    const sample = Buffer.concat(
      parts.flatMap(({ marker, bytes }) =>
        marker === 0xda ? [bytes, Buffer.from([0xff, 0xff, 0xff]), ...metadata, exif(6)] : [bytes],
      ),
    );
    const { bytes, facts } = await clean(sample, "image/jpeg");
    expect(leaks(bytes)).toBeFalse();
    expect(facts.orientation).toBe(1);
    expect(await pixels(bytes)).toEqual(await pixels(sample));
  });

  test("JPEG: removes a second picture or a video after the picture", async () => {
    const plain = await plainJpeg();
    const tail = Buffer.concat([
      withSegments(plain, exif(3)),
      Buffer.from("\0\0\0\x18ftypmp42 secret motion"),
    ]);
    const { bytes } = await clean(Buffer.concat([plain, tail]), "image/jpeg");
    expect(bytes).toEqual((await clean(plain, "image/jpeg")).bytes);
  });

  const secret = Buffer.from("secret \xff\0 \xff\xd0 secret".repeat(20), "latin1");
  const withTail = (jpeg: Buffer) => Buffer.concat([jpeg.subarray(0, -2), secret, jpeg.subarray(-2)]);
  test.each<[string, () => Buffer | Promise<Buffer>]>([
    ["colours", () => plainJpeg()],
    [
      "a size that no block fills",
      async () => Buffer.from(await new Bun.Image(plainPng()).resize(45, 19).jpeg().bytes()),
    ],
    ["grey", () => greyJpeg(320, 240)],
    ["restart markers", () => greyJpeg(320, 240, 7)],
    ["more data than is read at once", () => greyJpeg(8000, 4000, 20)],
    ["four inks", () => inkJpeg([10, 200, 30, 40], "CMYK")],
  ])("JPEG: removes bytes after the last block, and no pixel (%s)", async (_name, make) => {
    const plain = await make();
    const { bytes } = await clean(withTail(plain), "image/jpeg");
    expect(leaks(bytes)).toBeFalse();
    expect(bytes.equals((await clean(plain, "image/jpeg")).bytes)).toBeTrue();
    const scan = plain.indexOf(Buffer.from([0xff, 0xda]));
    expect(bytes.subarray(bytes.indexOf(Buffer.from([0xff, 0xda]))).equals(plain.subarray(scan))).toBeTrue();
  });

  test("JPEG: removes bytes after the last block of each scan, and no pixel", async () => {
    const plain = jpegOfThreeScans();
    expect((await clean(plain, "image/jpeg")).bytes).toEqual(plain);
    const { bytes } = await clean(jpegOfThreeScans(Buffer.from("secret")), "image/jpeg");
    expect(bytes).toEqual(plain);
    expect(await pixels(plain)).toEqual(await pixels(jpegOfThreeScans(Buffer.from("secret"))));
  });

  test("JPEG: keeps the data of an incomplete or damaged scan for the decoder to judge", async () => {
    const plain = await plainJpeg();
    const scan = plain.indexOf(Buffer.from([0xff, 0xda]));
    const dataOf = (jpeg: Buffer) => jpeg.subarray(jpeg.indexOf(Buffer.from([0xff, 0xda])));
    const cut = Buffer.concat([plain.subarray(0, plain.length - 200), plain.subarray(-2)]);
    expect(dataOf((await clean(cut, "image/jpeg")).bytes)).toEqual(dataOf(cut));
    const damaged = Buffer.concat([
      plain.subarray(0, scan + 40),
      Buffer.alloc(2000, "\xff\0", "latin1"),
      plain.subarray(-2),
    ]);
    expect(dataOf((await clean(damaged, "image/jpeg")).bytes)).toEqual(dataOf(damaged));
    const restarts = greyJpeg(320, 240, 7);
    restarts.writeUInt8(0xd9 - 2, restarts.indexOf(Buffer.from([0xff, 0xd3])) + 1);
    expect(await outcome(restarts, "image/jpeg")).toBe("cleaned");
  });

  test("JPEG: keeps a scan with missing or invalid tables, or with an unknown frame", async () => {
    const whole = greyJpeg(64, 48);
    const parts = jpegParts(whole);
    const withTables = (...tables: Buffer[]) =>
      withTail(
        Buffer.concat(
          parts.flatMap(({ marker, bytes }) =>
            marker === 0xc4 ? [] : marker === 0xda ? [...tables, bytes] : [bytes],
          ),
        ),
      );
    const tooMany = jpegSegment(0xc4, Buffer.from([0, 3, ...Array<number>(15).fill(0), 1, 2, 3]));
    for (const sample of [withTables(), withTables(tooMany), withTables(jpegSegment(0xc4, "\0abc"))])
      expect((await clean(sample, "image/jpeg")).bytes.includes(secret)).toBeTrue();
  });

  test("JPEG: adds a missing end marker and reports that the picture must be checked", async () => {
    for (const isProgressive of [false, true]) {
      const plain = await plainJpeg(isProgressive);
      const whole = await clean(plain, "image/jpeg");
      expect(whole.facts.decoding?.mustBeChecked).toBe(isProgressive ? "hidden end" : undefined);
      const mended = await clean(plain.subarray(0, -2), "image/jpeg");
      expect(mended.bytes).toEqual(whole.bytes);
      expect(mended.facts.decoding?.mustBeChecked).toBe("no end");
    }
  });

  test.each([0xe1, 0xfe, 0xda, 0xc4])(
    "JPEG: drops a last segment (marker %d) that reaches beyond the end of the file",
    async (marker) => {
      const plain = await plainJpeg();
      const cut = jpegSegment(marker, "secret".repeat(20)).subarray(0, 50);
      for (const end of [cut, cut.subarray(0, 2), cut.subarray(0, 3)]) {
        const { bytes } = await clean(Buffer.concat([plain.subarray(0, -2), end]), "image/jpeg");
        expect(bytes).toEqual((await clean(plain, "image/jpeg")).bytes);
      }
    },
  );

  test("JPEG: rejects a file that ends before its first scan with CUT_OFF_MEDIA", async () => {
    const plain = await plainJpeg();
    for (const length of [2, 10, plain.indexOf(Buffer.from([0xff, 0xda])) + 4])
      expect(await outcome(plain.subarray(0, length), "image/jpeg")).toBe("CUT_OFF_MEDIA");
  });

  /** A progressive JPEG of this size that repeats its last scan to reach this number of scans. */
  const scanned = async (scans: number, width: number, height: number) => {
    const parts = jpegParts(await plainJpeg(true));
    const frame = parts.find(({ marker }) => marker === 0xc2)?.bytes;
    frame?.writeUInt16BE(height, 5);
    frame?.writeUInt16BE(width, 7);
    const own = parts.filter(({ marker }) => marker === 0xda);
    const more = Array.from({ length: scans - own.length }, () => own.at(-1)?.bytes ?? Buffer.alloc(0));
    const [end, ...rest] = parts.map(({ bytes }) => bytes).reverse();
    return Buffer.concat([...rest.reverse(), ...more, end as Buffer]);
  };

  test("JPEG: rejects more than 100 scans, and fewer the larger the picture is", async () => {
    expect(await outcome(await scanned(100, 48, 32), "image/jpeg")).toBe("cleaned");
    expect(await outcome(await scanned(101, 48, 32), "image/jpeg")).toBe("DAMAGED_MEDIA");
    expect(await outcome(await scanned(64, 10_000, 5000), "image/jpeg")).toBe("cleaned");
    expect(await outcome(await scanned(65, 10_000, 5000), "image/jpeg")).toBe("DAMAGED_MEDIA");
    expect(await outcome(await scanned(20, 65_535, 65_535), "image/jpeg")).toBe("DAMAGED_MEDIA");
  });

  test("JPEG: counts scans without data, because decoders fill them", async () => {
    const sample = await scanned(10, 48, 32);
    const emptyScan = jpegSegment(0xda, "\x01\x01\0\x01\x05\0");
    const end = sample.length - 2;
    const withScans = (count: number) =>
      Buffer.concat([
        sample.subarray(0, end),
        Buffer.alloc(emptyScan.length * count, emptyScan),
        sample.subarray(end),
      ]);
    expect(await outcome(withScans(90), "image/jpeg")).toBe("cleaned");
    expect(await outcome(withScans(91), "image/jpeg")).toBe("DAMAGED_MEDIA");
  });

  test.each([
    ["frame header", 0xc1],
    ["header of a hierarchical picture", 0xde],
  ])("JPEG: reports the pixels of a second, larger %s", async (_name, marker) => {
    const plain = await plainJpeg();
    const larger = jpegSegment(marker, Buffer.from([8, 0x75, 0x30, 0x9c, 0x40, 1, 1, 0x11, 0]));
    const end = plain.length - 2;
    const sample = Buffer.concat([plain.subarray(0, end), larger, plain.subarray(end)]);
    const { facts } = await clean(sample, "image/jpeg");
    expect(facts).toMatchObject({ size: { width: 48, height: 32 }, decodedPixels: 40_000 * 30_000 });
  });
});
