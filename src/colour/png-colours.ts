import { codedColours } from "./coded-colours.ts";
import type { Chromaticities } from "./matrices.ts";
import { srgbPrimaries, type SourceColours } from "./source-colours.ts";

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

/**
 * Returns the colour space of a PNG, from the first of cICP, iCCP, sRGB, and gAMA with cHRM (PNG third edition, section
 * 12.1); undefined for sRGB.
 */
export function pngColours({ cICP, iCCP, sRGB, cHRM, gAMA }: PngColourChunks): SourceColours | undefined {
  if (cICP && cICP.length >= 2) return codedColours(cICP.readUInt8(0), cICP.readUInt8(1));
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
