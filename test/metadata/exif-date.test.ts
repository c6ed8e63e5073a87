import { describe, expect, test } from "bun:test";

import { findTakenTime } from "../../src/metadata/exif-date.ts";
import { seeded } from "../support/seeded-random.ts";

interface Times {
  original?: string;
  offset?: string;
  changed?: string;
}

/** EXIF data with these times, as in a JPEG. */
function exif({ original, offset, changed }: Times, little = false): Buffer {
  const tiff = Buffer.alloc(300);
  const short = (value: number, at: number) =>
    little ? tiff.writeUInt16LE(value, at) : tiff.writeUInt16BE(value, at);
  const long = (value: number, at: number) =>
    little ? tiff.writeUInt32LE(value, at) : tiff.writeUInt32BE(value, at);
  tiff.write(little ? "II" : "MM", 0, "latin1");
  short(42, 2);
  long(8, 4);
  const entry = (at: number, tag: number, type: number, length: number, value: number) => {
    short(tag, at);
    short(type, at + 2);
    long(length, at + 4);
    long(value, at + 8);
  };
  const text = (at: number, tag: number, value: string | undefined, place: number) => {
    if (value === undefined) return;
    entry(at, tag, 2, value.length + 1, place);
    tiff.write(value, place, "latin1");
  };
  short(2, 8);
  text(10, 0x0132, changed, 100);
  entry(22, 0x8769, 4, 1, 40);
  short(2, 40);
  text(42, 0x9003, original, 150);
  text(54, 0x9011, offset, 200);
  return Buffer.concat([Buffer.from("Exif\0\0", "latin1"), tiff]);
}

const original = "2018:07:04 10:15:30";

describe("the time at which a photo was taken", () => {
  test.each([true, false])("is found anywhere in the first bytes (little-endian: %p)", (little) => {
    const bytes = Buffer.concat([
      Buffer.from("\xff\xd8\xff\xe1Exif\0\0 no TIFF", "latin1"),
      exif({ original }, little),
    ]);
    expect(findTakenTime(bytes)).toBe("2018-07-04T10:15:30");
  });

  test.each([
    ["PNG", "eXIf"],
    ["WebP", "EXIF\x2c\x01\0\0"],
  ])("is found in a chunk of %s", (_, start) => {
    const chunk = Buffer.concat([Buffer.from(start, "latin1"), exif({ original }).subarray(6)]);
    expect(findTakenTime(chunk)).toBe("2018-07-04T10:15:30");
  });

  test("has the offset that the camera knew, and is the original one if there are several", () => {
    expect(findTakenTime(exif({ original, offset: "+02:00", changed: "2020:01:01 00:00:00" }))).toBe(
      "2018-07-04T10:15:30+02:00",
    );
    expect(findTakenTime(exif({ original, offset: "   :  " }))).toBe("2018-07-04T10:15:30");
    expect(findTakenTime(exif({ changed: "2020:01:01 00:00:00" }))).toBe("2020-01-01T00:00:00");
  });

  test.each(["0000:00:00 00:00:00", "    :  :     :  :  ", "2018:13:04 10:15:30", "yesterday, at noon"])(
    "is unknown if it is %p",
    (time) => {
      expect(findTakenTime(exif({ original: time }))).toBeUndefined();
    },
  );

  test(
    "is a text or unknown in damaged and cut data, which never throw",
    seeded(async (random) => {
      const whole = exif({ original, offset: "+02:00" });
      for (let length = 0; length < whole.length; length++) findTakenTime(whole.subarray(0, length));
      for (let round = 0; round < 2000; round++) {
        const damaged = Buffer.from(whole);
        for (let i = 0; i < 4; i++) damaged[6 + random.integer(60)] = random.integer(256);
        expect(findTakenTime(damaged) ?? "2018-07-04T").toMatch(/^\d{4}-\d\d-\d\dT/);
      }
    }),
  );
});
