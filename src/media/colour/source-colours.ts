import type { Curve } from "./icc-curves.ts";
import type { Chromaticities } from "./matrices.ts";

/** What the numbers in an image look like, where they are not sRGB. */
export type SourceColours =
  /** An ICC profile. */
  | { readonly profile: Buffer }
  /** RGB with these primaries, made linear by the curve. */
  | { readonly primaries: Chromaticities; readonly linear: Curve };

export const srgbPrimaries: Chromaticities = [0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06];

/** From a coded value to light, both from 0 to 1 (IEC 61966-2-1). */
export const srgbLinear: Curve = (value) =>
  value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;

/** From light to a coded value. */
export const srgbCoded: Curve = (light) =>
  light <= 0.0031308 ? light * 12.92 : 1.055 * light ** (1 / 2.4) - 0.055;
