import type { Curve } from "./icc-curves.ts";
import type { Chromaticities } from "./matrices.ts";
import { srgbLinear, srgbPrimaries, type SourceColours } from "./source-colours.ts";

/** The contents of a PNG's colour chunks, if present. */
export interface PngColourChunks {
  readonly cICP?: Buffer;
  /** The decompressed profile, as kept in the file. */
  readonly iCCP?: Buffer;
  readonly sRGB?: Buffer;
  readonly cHRM?: Buffer;
  readonly gAMA?: Buffer;
}

/** gAMA for 1/2.2, which programs write when they mean sRGB. */
const usualGamma = 45_455;

/** Primaries by their code in ITU-T H.273, if they differ from those of sRGB. */
const codedPrimaries: Readonly<Record<number, Chromaticities>> = {
  5: [0.3127, 0.329, 0.64, 0.33, 0.29, 0.6, 0.15, 0.06],
  6: [0.3127, 0.329, 0.63, 0.34, 0.31, 0.595, 0.155, 0.07],
  9: [0.3127, 0.329, 0.708, 0.292, 0.17, 0.797, 0.131, 0.046],
  12: [0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06],
};
const conventional: Curve = (value) => value ** 2.4;
/** Transfer characteristics by their code. HLG is designed to look right with the conventional curve too. */
const codedTransfers: Readonly<Record<number, Curve>> = {
  1: conventional,
  6: conventional,
  14: conventional,
  15: conventional,
  18: conventional,
  4: (value) => value ** 2.2,
  5: (value) => value ** 2.8,
  8: (value) => value,
  16: perceptualQuantizer,
};

/**
 * Returns the colour space of a PNG, from the first of cICP, iCCP, sRGB, and gAMA with cHRM (PNG third edition, section
 * 12.1); undefined for sRGB.
 */
export function pngColours({ cICP, iCCP, sRGB, cHRM, gAMA }: PngColourChunks): SourceColours | undefined {
  if (cICP && cICP.length >= 2) {
    const [primaries, linear] = [codedPrimaries[cICP.readUInt8(0)], codedTransfers[cICP.readUInt8(1)]];
    return primaries || linear
      ? { primaries: primaries ?? srgbPrimaries, linear: linear ?? srgbLinear }
      : undefined;
  }
  if (iCCP) return { profile: iCCP };
  // Like browsers, ignore primaries without a gamma.
  if (sRGB || !gAMA || gAMA.length < 4) return undefined;
  const gamma = gAMA.readUInt32BE(0);
  const primaries = cHRM && readPrimaries(cHRM);
  if (gamma === 0 || (gamma === usualGamma && !primaries)) return undefined;
  const exponent = 100_000 / gamma;
  return { primaries: primaries ?? srgbPrimaries, linear: (value) => value ** exponent };
}

function readPrimaries(cHRM: Buffer): Chromaticities | undefined {
  if (cHRM.length < 32) return undefined;
  return Array.from(
    { length: 8 },
    (_, index) => cHRM.readUInt32BE(index * 4) / 100_000,
  ) as unknown as Chromaticities;
}

/** SMPTE ST 2084. White is 203 cd/m² (ITU-R BT.2408); brighter values are clipped. */
function perceptualQuantizer(value: number): number {
  const [m1, m2] = [2610 / 16_384, 78.84375];
  const [c1, c2, c3] = [0.8359375, 18.8515625, 18.6875];
  const root = value ** (1 / m2);
  const light = (Math.max(0, root - c1) / (c2 - c3 * root)) ** (1 / m1);
  return (light * 10_000) / 203;
}
