import type { Curve } from "./icc-curves.ts";
import type { Chromaticities } from "./matrices.ts";

/** The colour space of an image that is not sRGB. */
export type SourceColours =
  /** An ICC profile. */
  | { readonly profile: Buffer }
  /** RGB with these primaries; the curve makes it linear. */
  | { readonly primaries: Chromaticities; readonly linear: Curve };

export const srgbPrimaries: Chromaticities = [0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06];

/** Converts a coded value to linear light, both from 0 to 1 (IEC 61966-2-1). */
export const srgbLinear: Curve = (value) =>
  value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;

/** Converts linear light to a coded value. */
export const srgbCoded: Curve = (light) =>
  light <= 0.0031308 ? light * 12.92 : 1.055 * light ** (1 / 2.4) - 0.055;
