import { expect, test } from "bun:test";

import { pngColours, type PngColourChunks } from "../../src/colour/png-colours.ts";
import { conversionToSrgb } from "../../src/colour/srgb-conversion.ts";
import { displayProfile } from "../support/icc-samples.ts";

const u32 = (...values: number[]) => {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => bytes.writeUInt32BE(value, index * 4));
  return bytes;
};
const gAMA = (gamma: number) => u32(gamma);
const p3 = u32(31_270, 32_900, 68_000, 32_000, 26_500, 69_000, 15_000, 6_000);
const cICP = (primaries: number, transfer: number) => Buffer.from([primaries, transfer, 0, 1]);

/** Converts two colours with these chunks. */
function shown(chunks: PngColourChunks): number[][] {
  const colours = pngColours(chunks);
  const conversion = colours && conversionToSrgb(colours, 3);
  return [
    [200, 60, 30],
    [30, 60, 200],
  ].map((colour) => {
    const pixel = Buffer.from([...colour, 255]);
    conversion?.(pixel, 0);
    return [...pixel.subarray(0, 3)];
  });
}

// The expected colours are from Chromium.
test.each<[string, PngColourChunks, number[][]]>([
  [
    "nothing",
    {},
    [
      [200, 60, 30],
      [30, 60, 200],
    ],
  ],
  [
    "gAMA 1.0",
    { gAMA: gAMA(100_000) },
    [
      [229, 133, 96],
      [96, 133, 229],
    ],
  ],
  [
    "gAMA 1/1.8",
    { gAMA: gAMA(55_556) },
    [
      [210, 77, 40],
      [40, 77, 210],
    ],
  ],
  [
    "gAMA 1/2.2, which stands for sRGB",
    { gAMA: gAMA(45_455) },
    [
      [200, 60, 30],
      [30, 60, 200],
    ],
  ],
  [
    "gAMA 0, which means nothing",
    { gAMA: gAMA(0) },
    [
      [200, 60, 30],
      [30, 60, 200],
    ],
  ],
  [
    "gAMA and cHRM",
    { gAMA: gAMA(45_455), cHRM: p3 },
    [
      [219, 37, 0],
      [6, 58, 209],
    ],
  ],
  [
    "cHRM without gAMA",
    { cHRM: p3 },
    [
      [200, 60, 30],
      [30, 60, 200],
    ],
  ],
  [
    "impossible cHRM",
    { gAMA: gAMA(100_000), cHRM: Buffer.alloc(32) },
    [
      [200, 60, 30],
      [30, 60, 200],
    ],
  ],
  [
    "sRGB, which goes before gAMA",
    { sRGB: Buffer.alloc(1), gAMA: gAMA(100_000) },
    [
      [200, 60, 30],
      [30, 60, 200],
    ],
  ],
  [
    "iCCP, which goes before sRGB",
    { iCCP: displayProfile(), sRGB: Buffer.alloc(1) },
    [
      [219, 37, 0],
      [6, 58, 209],
    ],
  ],
  [
    "cICP of Display P3",
    { cICP: cICP(12, 13), iCCP: displayProfile() },
    [
      [217, 42, 0],
      [17, 61, 208],
    ],
  ],
  [
    "cICP of BT.709",
    { cICP: cICP(1, 1) },
    [
      [197, 49, 18],
      [18, 49, 197],
    ],
  ],
  [
    "cICP of linear light",
    { cICP: cICP(1, 8) },
    [
      [229, 133, 96],
      [96, 133, 229],
    ],
  ],
  [
    "cICP of PQ",
    { cICP: cICP(9, 16) },
    [
      [255, 0, 0],
      [0, 0, 255],
    ],
  ],
  [
    "cICP of sRGB",
    { cICP: cICP(1, 13) },
    [
      [200, 60, 30],
      [30, 60, 200],
    ],
  ],
  [
    "cICP of nothing known",
    { cICP: cICP(2, 2) },
    [
      [200, 60, 30],
      [30, 60, 200],
    ],
  ],
])("PNG colours: reads %s", (_name, chunks, expected) => {
  const found = shown(chunks);
  for (const [index, colour] of expected.entries())
    for (const [channel, value] of colour.entries())
      expect([found, Math.abs(value - (found[index]?.[channel] ?? 0)) <= 2]).toEqual([found, true]);
});
