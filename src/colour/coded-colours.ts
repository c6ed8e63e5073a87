import type { Curve } from "./icc-curves.ts";
import type { Chromaticities } from "./matrices.ts";
import { srgbLinear, srgbPrimaries, type SourceColours } from "./source-colours.ts";

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
 * Returns the colour space that two codes of ITU-T H.273 describe, which PNG, HEIC and AVIF share; undefined for sRGB.
 * Unknown codes count as sRGB.
 */
export function codedColours(primariesCode: number, transferCode: number): SourceColours | undefined {
  const [primaries, linear] = [codedPrimaries[primariesCode], codedTransfers[transferCode]];
  if (!primaries && !linear) return undefined;
  return { primaries: primaries ?? srgbPrimaries, linear: linear ?? srgbLinear };
}

/** SMPTE ST 2084. White is 203 cd/m² (ITU-R BT.2408); brighter values are clipped. */
function perceptualQuantizer(value: number): number {
  const [m1, m2] = [2610 / 16_384, 78.84375];
  const [c1, c2, c3] = [0.8359375, 18.8515625, 18.6875];
  const root = value ** (1 / m2);
  const light = (Math.max(0, root - c1) / (c2 - c3 * root)) ** (1 / m1);
  return (light * 10_000) / 203;
}
