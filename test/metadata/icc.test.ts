import { describe, expect, test } from "bun:test";

import { IccProfile } from "../../src/colour/icc-profile.ts";
import { cleanProfile, cleanProfileInPlace } from "../../src/metadata/icc.ts";
import {
  description,
  displayProfile,
  gamma,
  lut16,
  lut8,
  profileOf,
  text,
  xyz,
} from "../support/icc-samples.ts";
import { leaks } from "./cleaning.ts";

const tagsOf = (bytes: Buffer | undefined) => IccProfile.read(bytes ?? Buffer.alloc(0))?.tags ?? new Map();

describe("ICC profile", () => {
  test.each([cleanProfile, cleanProfileInPlace])(
    "ICC profile: keeps what colours need, and no names, serial numbers, dates, makers or identifiers",
    (cleanIt) => {
      for (const version of [2, 4]) {
        const original = displayProfile({ version });
        expect(leaks(original)).toBeTrue();
        const clean = cleanIt(original) as Buffer<ArrayBuffer>;
        expect(leaks(clean)).toBeFalse();
        expect([...tagsOf(clean).keys()]).toEqual("wtpt rXYZ gXYZ bXYZ rTRC gTRC bTRC desc cprt".split(" "));
        for (const tag of "wtpt rXYZ gXYZ bXYZ rTRC gTRC bTRC".split(" "))
          expect(tagsOf(clean).get(tag).subarray(0, 14)).toEqual(tagsOf(original).get(tag).subarray(0, 14));
        const header = clean.subarray(0, 128);
        expect(header.readUInt32BE(0)).toBe(clean.length);
        expect(header.toString("latin1", 12, 24)).toBe("mntrRGB XYZ ");
        expect(header.toString("latin1", 36, 40)).toBe("acsp");
        expect(header.subarray(68, 80).equals(original.subarray(68, 80))).toBeTrue();
        for (const [from, to] of [
          [4, 8],
          [24, 36],
          [40, 64],
          [80, 128],
        ] as const)
          expect(header.subarray(from, to).every((byte) => byte === 0)).toBeTrue();
      }
    },
  );

  test("ICC profile: has a neutral description and copyright in the format of its version", () => {
    const [old, current] = [2, 4].map((version) => tagsOf(cleanProfile(displayProfile({ version }))));
    expect(old!.get("desc").toString("latin1", 12, 26)).toBe("Colour profile");
    expect(old!.get("cprt").toString("latin1")).toBe("text\0\0\0\0Not stated\0");
    expect(Buffer.from(current!.get("desc").subarray(28)).swap16().toString("utf16le")).toBe(
      "Colour profile",
    );
    expect(current!.get("cprt").toString("latin1", 0, 4)).toBe("mluc");
  });

  test("ICC profile: keeps its length when cleaned in place, with every byte in use", () => {
    const original = Buffer.concat([displayProfile(), Buffer.alloc(5000, "secret tail ")]);
    const clean = cleanProfileInPlace(original) as Buffer<ArrayBuffer>;
    expect(clean).toHaveLength(original.length);
    expect(clean.readUInt32BE(0)).toBe(original.length);
    expect(leaks(clean)).toBeFalse();
    const last = tagsOf(clean).get("cprt");
    expect(last.byteOffset + last.length).toBe(clean.byteOffset + clean.length);
  });

  test("ICC profile: has no description if it is too small for one when cleaned in place", () => {
    const tiny = profileOf([
      ["desc", text("P3")],
      ["kTRC", gamma(2.2)],
    ]);
    const clean = cleanProfileInPlace(tiny) as Buffer<ArrayBuffer>;
    expect(clean).toHaveLength(tiny.length);
    expect([...tagsOf(clean).keys()]).toEqual(["kTRC"]);
  });

  test("ICC profile: does not change when cleaned again", () => {
    for (const version of [2, 4]) {
      const clean = cleanProfile(displayProfile({ version })) as Buffer<ArrayBuffer>;
      expect(cleanProfile(clean)).toEqual(clean);
      const inPlace = cleanProfileInPlace(displayProfile({ version })) as Buffer<ArrayBuffer>;
      expect(cleanProfileInPlace(inPlace)).toEqual(inPlace);
    }
  });

  test("ICC profile: stores equal curves once", () => {
    const clean = tagsOf(cleanProfile(displayProfile()));
    expect(clean.get("gTRC").byteOffset).toBe(clean.get("rTRC").byteOffset);
  });

  test("ICC profile: removes bytes after the content of a tag", () => {
    const hidden = Buffer.from("secret");
    const table16 = lut16(4, 2, Array<number>(48).fill(7));
    const table8 = lut8(3, 2, Array<number>(24).fill(7));
    const profile = profileOf(
      [
        ["A2B0", Buffer.concat([table16, hidden])],
        ["A2B1", Buffer.concat([table8, hidden])],
        ["wtpt", Buffer.concat([xyz(1, 1, 1), hidden])],
        ["kTRC", Buffer.concat([gamma(2), hidden])],
      ],
      { space: "CMYK", deviceClass: "prtr" },
    );
    const clean = cleanProfile(profile) as Buffer<ArrayBuffer>;
    expect(leaks(clean)).toBeFalse();
    expect(tagsOf(clean).get("A2B0")).toEqual(table16);
    expect(tagsOf(clean).get("A2B1")).toEqual(table8);
  });

  const u32 = (...values: number[]) => {
    const bytes = Buffer.alloc(values.length * 4);
    values.forEach((value, index) => bytes.writeUInt32BE(value, index * 4));
    return bytes;
  };
  const word = (value: string, ...rest: Buffer[]) => Buffer.concat([Buffer.from(value, "latin1"), ...rest]);
  /** Concatenates parts. Texts are bytes that readers do not need, and zeros in the cleaned profile. */
  const withGaps = (...parts: (Buffer | string)[]) => {
    const bytes = parts.map((part) => (typeof part === "string" ? Buffer.from(part) : part));
    const isGap = (index: number) => typeof parts[index] === "string";
    return {
      original: Buffer.concat(bytes),
      kept: Buffer.concat(bytes.map((part, index) => (isGap(index) ? Buffer.alloc(part.length) : part))),
    };
  };
  const cleanTable = (tag: string, table: Buffer) =>
    tagsOf(cleanProfile(profileOf([[tag, table]], { version: 4 }))).get(tag);

  test("ICC profile: removes bytes between the elements of tables and curves", () => {
    const curve = gamma(2);
    for (const [type, inputs, outputs, deviceCurves, connectionCurves] of [
      ["mAB ", 4, 3, 4, 3],
      ["mBA ", 3, 4, 4, 3],
    ] as const) {
      const curves = (count: number) => Buffer.alloc(count * curve.length, curve);
      const [table, matrix] = [Buffer.alloc(2 ** inputs * outputs, 9), Buffer.alloc(48, 5)];
      const sizes = [
        32 + 8,
        connectionCurves * 16 + 8,
        48 + 8,
        connectionCurves * 16 + 8,
        20 + table.length + 8,
      ];
      const offsets = sizes.map((_, index) => sizes.slice(0, index + 1).reduce((sum, size) => sum + size));
      const { original, kept } = withGaps(
        word(type),
        "secr",
        Buffer.from([inputs, outputs]),
        "se",
        u32(...offsets),
        "secret 1",
        curves(connectionCurves),
        "secret 2",
        matrix,
        "secret 3",
        curves(connectionCurves),
        "secret 4",
        Buffer.alloc(inputs, 2),
        "secret secret secr".slice(0, 16 - inputs),
        Buffer.from([1]),
        "sec",
        table,
        "secret 5",
        curves(deviceCurves),
      );
      const hidden = Buffer.concat([original, Buffer.from("secret behind")]);
      // Only a table to the connection space makes a valid profile.
      const clean = tagsOf(
        cleanProfile(
          profileOf(
            [
              ["kTRC", gamma(2)],
              [type === "mAB " ? "A2B0" : "B2A0", hidden],
            ],
            { version: 4 },
          ),
        ),
      ).get(type === "mAB " ? "A2B0" : "B2A0");
      expect(clean).toEqual(kept);
    }
  });

  test("ICC profile: removes bytes between multi-process elements, and tags with unknown elements", () => {
    const formula = withGaps(word("parf"), "secr", Buffer.from([0, 0]), "se", Buffer.alloc(16, 3));
    const samples = withGaps(word("samf"), "secr", u32(2), Buffer.alloc(8, 4));
    const curve = (part: "original" | "kept") =>
      withGaps(
        word("curf"),
        "secr",
        Buffer.from([0, 2]),
        "se",
        Buffer.alloc(4, 1),
        formula[part],
        samples[part],
      )[part];
    const curves = (part: "original" | "kept") => {
      const length = curve(part).length;
      const entries = u32(32, length, 32, length);
      return withGaps(word("cvst"), "secr", Buffer.from([0, 2, 0, 2]), entries, "secr", curve(part))[part];
    };
    const matrix = withGaps(word("matf"), "secr", Buffer.from([0, 2, 0, 2]), Buffer.alloc(24, 6));
    const grid = withGaps(
      ...[word("clut"), "secr", Buffer.from([0, 2, 0, 3, 2, 2]), "secret secret", "s", Buffer.alloc(48, 7)],
    );
    const chain = (part: "original" | "kept", last = grid[part]) => {
      const elements = [curves(part), matrix[part], last];
      let end = 16 + 8 * elements.length + 8;
      const entries = elements.flatMap(({ length }) => {
        const entry = [end, length];
        end += length + 8;
        return entry;
      });
      const spaced = elements.flatMap((element) => ["secret !", element]);
      return withGaps(
        word("mpet"),
        "secr",
        Buffer.from([0, 2, 0, 3]),
        u32(elements.length, ...entries),
        ...spaced,
      )[part];
    };
    expect(cleanTable("D2B0", chain("original"))).toEqual(chain("kept"));
    expect(cleanTable("D2B0", chain("original", word("calc", Buffer.alloc(20, "secret"))))).toBeUndefined();
  });

  test("ICC profile: removes tables whose elements exceed them or have invalid counts", () => {
    const lut = (offset: number, channels: number) =>
      Buffer.concat([
        word("mAB ", u32(0), Buffer.from([channels, 3, 0, 0])),
        u32(offset, 0, 0, 0, 0),
        gamma(2),
      ]);
    for (const table of [lut(32, 3), lut(1 << 30, 3), lut(32, 0), lut(32, 17), lut(32, 3).subarray(0, 20)])
      expect(cleanTable("A2B0", table)).toBeUndefined();
    for (const count of [1, 0x7fff_ffff])
      expect(cleanTable("D2B0", word("mpet", u32(0, 0x30003, count)))).toBeUndefined();
  });

  const broken = (change: (profile: Buffer) => void) => {
    const profile = displayProfile();
    change(profile);
    return profile;
  };
  test.each([
    ["empty", Buffer.alloc(0)],
    ["shorter than its declared size", displayProfile().subarray(0, -4)],
    ["without its signature", broken((profile) => profile.write("xxxx", 36))],
    ["with a tag after its end", broken((profile) => profile.writeUInt32BE(1 << 20, 128 + 8))],
    ["with a tag too long", broken((profile) => profile.writeUInt32BE(0xffff_ffff, 128 + 12))],
    ["with millions of tags", broken((profile) => profile.writeUInt32BE(0x7fff_ffff, 128))],
    ["without colours", profileOf([["desc", description("x")]])],
    ["that lacks a primary", profileOf([["rXYZ", xyz(1, 1, 1)]])],
    ["of a device link", displayProfile({ deviceClass: "link" })],
    ["of named colours", displayProfile({ deviceClass: "nmcl" })],
  ])("ICC profile: rejects a profile (%s)", (_name, profile) => {
    expect(cleanProfile(profile)).toBeUndefined();
    expect(cleanProfileInPlace(profile)).toBeUndefined();
  });

  test("ICC profile: does not grow if tags overlap", () => {
    const table = lut16(3, 2, Array<number>(24).fill(7));
    const profile = profileOf([
      ["A2B0", table],
      ...["A2B1", "A2B2", "B2A0"].map((tag) => [tag, table] as [string, Buffer]),
    ]);
    for (const [index] of [1, 2, 3].entries()) {
      const entry = 128 + 4 + (index + 1) * 12;
      profile.writeUInt32BE(profile.readUInt32BE(128 + 8) - 4 * (index + 1), entry + 4);
      profile.writeUInt32BE(profile.length - profile.readUInt32BE(entry + 4), entry + 8);
    }
    expect(cleanProfile(profile)).toBeUndefined();
  });
});
