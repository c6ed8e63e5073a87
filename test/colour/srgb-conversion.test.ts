import { describe, expect, test } from "bun:test";

import { conversionToSrgb } from "../../src/colour/srgb-conversion.ts";
import type { SourceColours } from "../../src/colour/source-colours.ts";
import {
  aToB,
  displayProfile,
  gamma,
  greyProfile,
  lut16,
  p3Columns,
  parametric,
  printerProfiles,
  profileOf,
  sampled,
  srgbProfile,
} from "../support/icc-samples.ts";

// The expected colours are from LittleCMS 2.16 (relative colorimetric, to its own sRGB).

function converted(colours: SourceColours, components: number, ...colour: number[]): number[] {
  const pixel = Buffer.from([...colour, 255, 255, 255].slice(0, 4));
  if (components === 1) pixel.fill(colour[0] ?? 0, 0, 3);
  const conversion = conversionToSrgb(colours, components);
  if (!conversion) throw new Error("no conversion");
  conversion(pixel, 0);
  expect(pixel[3]).toBe(255);
  return [...pixel.subarray(0, 3)];
}

/** Allows a difference of one per channel. */
function expectColour(found: number[], expected: readonly number[]): void {
  for (const [index, value] of expected.entries())
    expect([found, Math.abs(value - (found[index] ?? 0)) <= 1]).toEqual([found, true]);
}

describe("conversion to sRGB", () => {
  test.each([
    [
      [180, 90, 40],
      [195, 83, 5],
    ],
    [
      [20, 200, 100],
      [0, 205, 86],
    ],
    [
      [255, 0, 0],
      [255, 0, 0],
    ],
    [
      [128, 128, 128],
      [129, 129, 129],
    ],
    [
      [10, 20, 30],
      [0, 12, 25],
    ],
  ])("sRGB conversion: converts %p of a wide-gamut display to %p", (colour, expected) => {
    for (const version of [2, 4])
      expectColour(converted({ profile: displayProfile({ version }) }, 3, ...colour), expected);
    const table = aToB(
      3,
      [0, 1].flatMap((r) => [0, 1].flatMap((g) => [0, 1].flatMap((b) => [r, g, b].map((v) => v * 65_535)))),
      gamma(2.2),
      // The output is halved, because tables encode XYZ from 0 to 2.
      [...p3Matrix.map((value) => (value * 32_768) / 65_535), 0, 0, 0],
    );
    const withTable = profileOf([["A2B0", table]], { version: 4 });
    expectColour(converted({ profile: withTable }, 3, ...colour), expected);
  });

  test.each([
    ["gamma 1.8", gamma(1.8), "XYZ ", [10, 81, 146, 210]],
    ["linear samples", sampled(0, 65_535), "XYZ ", [55, 137, 188, 229]],
    ["lightness", gamma(1), "Lab ", [14, 60, 119, 194]],
  ] as const)("shows grey by its curve (%s)", (_name, curve, connectionSpace, expected) => {
    const profile = greyProfile(curve, connectionSpace);
    for (const [index, value] of [10, 64, 128, 200].entries()) {
      const grey = expected[index] ?? 0;
      expectColour(converted({ profile }, 1, value), [grey, grey, grey]);
    }
  });

  test.each(Object.entries(printerProfiles))(
    "sRGB conversion: converts inks with a table (%s)",
    (_form, profile) => {
      for (const [inks, expected] of [
        [
          [0, 0, 0, 0],
          [255, 255, 255],
        ],
        [
          [255, 0, 0, 0],
          [0, 175, 229],
        ],
        [
          [0, 255, 0, 0],
          [219, 78, 143],
        ],
        [
          [0, 0, 255, 0],
          [254, 233, 59],
        ],
        [
          [0, 0, 0, 255],
          [17, 17, 17],
        ],
        [
          [255, 255, 0, 0],
          [59, 31, 116],
        ],
        [
          [0, 255, 255, 0],
          [201, 59, 0],
        ],
      ] as const)
        expectColour(converted({ profile }, 4, ...inks), expected);
      // Half black lies between two points of the table: L* is 52.5.
      expectColour(converted({ profile }, 4, 0, 0, 0, 127.5), [125, 125, 125]);
    },
  );

  test("sRGB conversion: supports parametric curves of every kind", () => {
    const through = (curve: Buffer) =>
      converted(
        {
          profile: profileOf([
            ...p3Columns,
            ...["rTRC", "gTRC", "bTRC"].map((tag) => [tag, curve] as [string, Buffer]),
          ]),
        },
        3,
        128,
        128,
        128,
      )[0];
    expect(through(parametric(0, 1))).toBe(188);
    expect(through(parametric(1, 2, 1, 0.1))).toBe(162);
    expect(through(parametric(2, 1, 0.5, 0.1, 0.2))).toBe(196);
    expect(through(parametric(3, 1, 1, 0, 0.25, 0.6))).toBe(99);
    expect(through(parametric(4, 1, 1, 0, 0.25, 0.6, 0, 0.25))).toBe(165);
  });

  test("sRGB conversion: is not needed for sRGB in any notation", () => {
    expect(conversionToSrgb({ profile: srgbProfile() }, 3)).toBeUndefined();
  });

  test.each([
    ["of another colour space", displayProfile(), 1],
    ["of another colour space", greyProfile(gamma(2.2)), 3],
    ["that is cut", displayProfile().subarray(0, 200), 3],
    ["without curves", profileOf(p3Columns), 3],
    [
      "with a curve longer than the profile",
      greyProfile(Buffer.from("curv\0\0\0\0\0\x0f\xff\xff\0\0", "latin1")),
      1,
    ],
    ["with a curve of no kind", greyProfile(Buffer.from("xxxx\0\0\0\0\0\0\0\0")), 1],
    [
      "with a table of no size",
      profileOf([["A2B0", Buffer.from("mft2\0\0\0\0\x03\x03\0\0".padEnd(60, "\0"))]]),
      3,
    ],
    ["with a table cut short", profileOf([["A2B0", lut16(3, 2, [0, 0, 0])]]), 3],
  ])("sRGB conversion: ignores a profile %s", (_name, profile, components) => {
    expect(conversionToSrgb({ profile }, components)).toBeUndefined();
  });
});

const p3Matrix = [0, 1, 2].flatMap((row) =>
  p3Columns.map(([, column]) => column.readInt32BE(8 + row * 4) / 65_536),
);
