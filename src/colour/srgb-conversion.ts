import { clamp, readCurve, s15Fixed16, type Curve } from "./icc-curves.ts";
import { readColourTable } from "./icc-lut.ts";
import { IccProfile } from "./icc-profile.ts";
import { apply, connectionWhite, multiply, srgbFromXyz, xyzFromPrimaries, type Matrix } from "./matrices.ts";
import { srgbCoded, type SourceColours } from "./source-colours.ts";

/**
 * Converts a pixel to sRGB in place; colours outside sRGB are clipped.
 * @param pixels four bytes per pixel: red, green, blue and alpha, with three equal values for grey; or cyan, magenta, yellow
 * and black, where black is replaced by an opaque alpha
 * @param at offset of the pixel
 */
export type SrgbConversion = (pixels: Buffer, at: number) => void;

/** Resolution of linear light: fine enough for dark colours, where sRGB is steepest. */
const lightSteps = 16_384;

/**
 * Creates a conversion that renders like browsers: with the perceptual table of a profile or else its primaries and curves,
 * without black point compensation.
 * @param components channels of the image: 1, 3, or 4 for CMYK
 * @returns undefined if no conversion is needed (sRGB) or possible (the profile does not fit the image)
 */
export function conversionToSrgb(colours: SourceColours, components: number): SrgbConversion | undefined {
  try {
    const conversion =
      "profile" in colours
        ? profileConversion(colours.profile, components)
        : primariesConversion(colours.primaries, colours.linear);
    return conversion && changesColours(conversion, components) ? conversion : undefined;
  } catch (error) {
    // Ignore an inconsistent profile, like decoders do.
    if (error instanceof RangeError || error instanceof TypeError) return undefined;
    throw error;
  }
}

function primariesConversion(
  primaries: Parameters<typeof xyzFromPrimaries>[0],
  linear: Curve,
): SrgbConversion {
  return matrixConversion([linear, linear, linear], xyzFromPrimaries(primaries));
}

function profileConversion(bytes: Buffer, components: number): SrgbConversion | undefined {
  const profile = IccProfile.read(bytes);
  if (!profile || { GRAY: 1, "RGB ": 3, CMYK: 4 }[profile.space] !== components) return undefined;
  const table = profile.tags.get("A2B0") ?? profile.tags.get("A2B1");
  if (table && components > 1) return tableConversion(table, components, profile.connectionSpace);
  const tag = (signature: string) => {
    const content = profile.tags.get(signature);
    if (!content) throw new RangeError(`no ${signature}`);
    return content;
  };
  if (components === 1) return greyConversion(readCurve(tag("kTRC"), 0).curve, profile.connectionSpace);
  if (components !== 3) return undefined;
  const curves = ["rTRC", "gTRC", "bTRC"].map((signature) => readCurve(tag(signature), 0).curve);
  const columns = ["rXYZ", "gXYZ", "bXYZ"].map((signature) =>
    [8, 12, 16].map((at) => s15Fixed16(tag(signature), at)),
  );
  const matrix = [0, 1, 2].flatMap((row) => columns.map((column) => column[row])) as unknown as Matrix;
  return matrixConversion(curves, matrix);
}

/** Converts RGB that a curve per channel makes linear and a matrix converts to XYZ. */
function matrixConversion(curves: readonly Curve[], toXyz: Matrix): SrgbConversion {
  const [red, green, blue] = curves.map((curve) =>
    Float64Array.from({ length: 256 }, (_, value) => curve(value / 255)),
  ) as [Float64Array, Float64Array, Float64Array];
  const [a, b, c, d, e, f, g, h, i] = multiply(srgbFromXyz, toXyz);
  const coded = codedLight();
  return (pixels, at) => {
    const r = red[pixels[at] as number] as number;
    const s = green[pixels[at + 1] as number] as number;
    const t = blue[pixels[at + 2] as number] as number;
    pixels[at] = coded(a * r + b * s + c * t);
    pixels[at + 1] = coded(d * r + e * s + f * t);
    pixels[at + 2] = coded(g * r + h * s + i * t);
  };
}

function greyConversion(curve: Curve, connectionSpace: string): SrgbConversion {
  const coded = codedLight();
  const values = Uint8Array.from({ length: 256 }, (_, value) => {
    const light = curve(value / 255);
    return coded(connectionSpace === "Lab " ? fromLightness(light * 100) : light);
  });
  return (pixels, at) => pixels.fill(values[pixels[at] as number] as number, at, at + 3);
}

function tableConversion(content: Buffer, components: number, connectionSpace: string): SrgbConversion {
  const table = readColourTable(content);
  if (table.inputs !== components) throw new RangeError(`a table for ${table.inputs} channels`);
  const toXyz = connectionSpace === "Lab " ? labDecoder(table.isLegacyLab) : decodeXyz;
  const coded = codedLight();
  let last = -1;
  const result = [0, 0, 0];
  return (pixels, at) => {
    const key = pixels.readUInt32BE(at) >>> (components === 4 ? 0 : 8);
    if (key !== last) {
      last = key;
      let values = Array.from({ length: components }, (_, index) => (pixels[at + index] as number) / 255);
      for (const stage of table.stages) values = stage(values);
      const light = apply(srgbFromXyz, toXyz(values));
      for (let index = 0; index < 3; index++) result[index] = coded(light[index] as number);
    }
    for (let index = 0; index < 3; index++) pixels[at + index] = result[index] as number;
    if (components === 4) pixels[at + 3] = 255;
  };
}

/** Decodes values from 0 to 1 to XYZ (ICC.1:2022 section 6.3.4.2). */
const decodeXyz = ([x = 0, y = 0, z = 0]: number[]): [number, number, number] => {
  const scale = 1 + 32_767 / 32_768;
  return [x * scale, y * scale, z * scale];
};

/** Decodes values from 0 to 1 that encode Lab to XYZ. */
function labDecoder(isLegacy: boolean): (values: number[]) => [number, number, number] {
  const scale = isLegacy ? 65_535 / 65_280 : 1;
  return ([lightness = 0, a = 0, b = 0]) => {
    const y = (lightness * scale * 100 + 16) / 116;
    const x = y + (a * scale * 255 - 128) / 500;
    const z = y - (b * scale * 255 - 128) / 200;
    return [x, y, z].map((value, index) => (connectionWhite[index] as number) * inverseLab(value)) as [
      number,
      number,
      number,
    ];
  };
}

/** The inverse of the function that maps XYZ to Lab (CIE 15). */
const inverseLab = (value: number) => (value > 6 / 29 ? value ** 3 : (value - 4 / 29) * 3 * (6 / 29) ** 2);
const fromLightness = (lightness: number) => inverseLab((lightness + 16) / 116);

/** Returns a function from light to a coded byte. */
function codedLight(): (light: number) => number {
  const bytes = Uint8Array.from({ length: lightSteps }, (_, step) =>
    Math.round(srgbCoded(step / (lightSteps - 1)) * 255),
  );
  return (light) => bytes[Math.round(clamp(light) * (lightSteps - 1))] as number;
}

/** Whether a conversion makes a visible difference; the profile of sRGB itself does not. */
function changesColours(conversion: SrgbConversion, components: number): boolean {
  if (components === 4) return true;
  const pixel = Buffer.alloc(4);
  const samples = [0, 16, 48, 96, 144, 200, 255];
  for (const red of samples)
    for (const green of components === 1 ? [red] : samples)
      for (const blue of components === 1 ? [red] : samples) {
        const values = [red, green, blue];
        pixel.set(values);
        conversion(pixel, 0);
        if (values.some((value, index) => Math.abs(value - (pixel[index] as number)) > 1)) return true;
      }
  return false;
}
