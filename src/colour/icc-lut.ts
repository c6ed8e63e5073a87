import { clamp, readCurve, s15Fixed16, sampledCurve, type Curve } from "./icc-curves.ts";

/** Converts the channels of a colour, each from 0 to 1, to channels of another space. */
export type Stage = (values: number[]) => number[];

/** A conversion from an image's colour space to the connection space. */
export interface ColourTable {
  readonly stages: readonly Stage[];
  /** Channels of the image. */
  readonly inputs: number;
  /** Whether Lab uses the 16-bit encoding of version 2, in which 0xFF00 is 100. */
  readonly isLegacyLab: boolean;
}

/** Limit of channels. */
const maxInputs = 4;

/**
 * Reads the content of an `A2B0` tag: `lut8Type`, `lut16Type` or `lutAToBType` (ICC.1:2022 sections 10.10 to 10.12).
 * @throws RangeError if it is malformed
 */
export function readColourTable(content: Buffer): ColourTable {
  const type = content.toString("latin1", 0, 4);
  const [inputs, outputs] = [content.readUInt8(8), content.readUInt8(9)];
  if (inputs < 1 || inputs > maxInputs || outputs !== 3)
    throw new RangeError(`a table from ${inputs} to ${outputs} numbers`);
  if (type === "mAB ") return { stages: readAToB(content, inputs), inputs, isLegacyLab: false };
  if (type === "mft1") return { stages: readLut(content, inputs, 1), inputs, isLegacyLab: false };
  if (type === "mft2") return { stages: readLut(content, inputs, 2), inputs, isLegacyLab: true };
  throw new RangeError(`a table of type ${type}`);
}

function readLut(content: Buffer, inputs: number, width: 1 | 2): Stage[] {
  const grid = content.readUInt8(10);
  const [inputEntries, outputEntries] =
    width === 1 ? [256, 256] : [content.readUInt16BE(48), content.readUInt16BE(50)];
  let offset = width === 1 ? 48 : 52;
  const curves = (count: number, entries: number) =>
    Array.from({ length: count }, () => {
      const curve = sampledCurve(content, offset, entries, width);
      offset += entries * width;
      return curve;
    });
  const before = curves(inputs, inputEntries);
  const table = interpolation(content, offset, Array<number>(inputs).fill(grid), width);
  offset += grid ** inputs * 3 * width;
  return [eachThrough(before), table, eachThrough(curves(3, outputEntries))];
}

/** Reads the stages of a `lutAToBType`, of which most are optional: curves, table, curves, matrix, curves. */
function readAToB(content: Buffer, inputs: number): Stage[] {
  const [b = 0, matrix = 0, m = 0, table = 0, a = 0] = [12, 16, 20, 24, 28].map((at) =>
    content.readUInt32BE(at),
  );
  const stages: Stage[] = [];
  if (table > 0) {
    if (a > 0) stages.push(eachThrough(curvesAt(content, a, inputs)));
    const grid = [...content.subarray(table, table + inputs)];
    const width = content.readUInt8(table + 16);
    if (width !== 1 && width !== 2) throw new RangeError(`numbers of ${width} bytes`);
    stages.push(interpolation(content, table + 20, grid, width));
  } else if (inputs !== 3) throw new RangeError("no table");
  if (m > 0) stages.push(eachThrough(curvesAt(content, m, 3)));
  if (matrix > 0) stages.push(matrixAt(content, matrix));
  if (b > 0) stages.push(eachThrough(curvesAt(content, b, 3)));
  return stages;
}

function curvesAt(content: Buffer, from: number, count: number): Curve[] {
  let offset = from;
  return Array.from({ length: count }, () => {
    const { curve, bytes } = readCurve(content, offset);
    offset += Math.ceil(bytes / 4) * 4;
    return curve;
  });
}

const eachThrough =
  (curves: readonly Curve[]): Stage =>
  (values) =>
    values.map((value, index) => clamp(curves[index]?.(value) ?? value));

function matrixAt(content: Buffer, offset: number): Stage {
  const e = Array.from({ length: 12 }, (_, index) => s15Fixed16(content, offset + index * 4)) as number[];
  return ([x = 0, y = 0, z = 0]) =>
    [0, 1, 2].map((row) => {
      const [p = 0, q = 0, r = 0] = e.slice(row * 3, row * 3 + 3);
      return clamp(p * x + q * y + r * z + (e[9 + row] ?? 0));
    });
}

/** Looks up three output channels in a table with multilinear interpolation. */
function interpolation(content: Buffer, offset: number, grid: readonly number[], width: 1 | 2): Stage {
  const cells = grid.reduce((product, points) => product * points, 1);
  if (grid.some((points) => points < 2) || offset + cells * 3 * width > content.length)
    throw new RangeError(`no table of ${grid.join(" × ")}`);
  const maxValue = width === 1 ? 255 : 65_535;
  // The last channel varies fastest.
  const strides: number[] = [];
  for (let index = grid.length - 1, stride = 3; index >= 0; stride *= grid[index] as number, index--)
    strides[index] = stride;
  const corners = 1 << grid.length;
  return (values) => {
    let base = 0;
    const fractions = values.map((value, index) => {
      const position = clamp(value) * ((grid[index] as number) - 1);
      const cell = Math.min(Math.floor(position), (grid[index] as number) - 2);
      base += cell * (strides[index] as number);
      return position - cell;
    });
    const found = [0, 0, 0];
    for (let corner = 0; corner < corners; corner++) {
      let weight = 1;
      let at = base;
      for (let index = 0; index < grid.length; index++) {
        const isFar = (corner >> index) & 1;
        const fraction = fractions[index] as number;
        weight *= isFar ? fraction : 1 - fraction;
        if (isFar) at += strides[index] as number;
      }
      if (weight === 0) continue;
      for (let index = 0; index < 3; index++) {
        const place = offset + (at + index) * width;
        const value = width === 1 ? content.readUInt8(place) : content.readUInt16BE(place);
        found[index] = (found[index] as number) + (weight * value) / maxValue;
      }
    }
    return found;
  };
}
