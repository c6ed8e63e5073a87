/** A function from 0…1 to 0…1. */
export type Curve = (value: number) => number;

/** A curve in a profile and its size in the profile. */
export interface StoredCurve {
  readonly curve: Curve;
  readonly bytes: number;
}

export const s15Fixed16 = (bytes: Buffer, offset: number): number => bytes.readInt32BE(offset) / 65_536;

export const clamp = (value: number): number => (value > 0 ? Math.min(value, 1) : 0);

/**
 * Reads a `curv` or `para` element (ICC.1:2022 sections 10.6 and 10.18).
 * @throws RangeError if the element is malformed or of another type
 */
export function readCurve(bytes: Buffer, offset: number): StoredCurve {
  const type = bytes.toString("latin1", offset, offset + 4);
  if (type === "para") return readParametricCurve(bytes, offset);
  if (type !== "curv") throw new RangeError(`a curve of type ${type}`);
  const count = bytes.readUInt32BE(offset + 8);
  if (count === 0) return { curve: (value) => value, bytes: 12 };
  if (count === 1) return { curve: power(bytes.readUInt16BE(offset + 12) / 256), bytes: 14 };
  return { curve: sampledCurve(bytes, offset + 12, count, 2), bytes: 12 + count * 2 };
}

/** Interpolates linearly between `count` equidistant samples of one or two bytes each. */
export function sampledCurve(bytes: Buffer, offset: number, count: number, width: 1 | 2): Curve {
  if (count < 2 || offset + count * width > bytes.length)
    throw new RangeError(`no curve of ${count} samples`);
  const sample = (index: number) =>
    width === 1 ? bytes.readUInt8(offset + index) / 255 : bytes.readUInt16BE(offset + index * 2) / 65_535;
  return (value) => {
    const position = clamp(value) * (count - 1);
    const index = Math.min(Math.floor(position), count - 2);
    const low = sample(index);
    return low + (sample(index + 1) - low) * (position - index);
  };
}

const power =
  (exponent: number): Curve =>
  (value) =>
    value > 0 ? value ** exponent : 0;

function readParametricCurve(bytes: Buffer, offset: number): StoredCurve {
  const kind = bytes.readUInt16BE(offset + 8);
  const parameters = [1, 3, 4, 5, 7][kind];
  if (parameters === undefined) throw new RangeError(`a parametric curve of kind ${kind}`);
  const value = (index: number) => (index < parameters ? s15Fixed16(bytes, offset + 12 + index * 4) : 0);
  const [g, a, b, c, d, e, f] = [0, 1, 2, 3, 4, 5, 6].map(value) as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const raised = (x: number) => Math.max(0, a * x + b) ** g;
  const curve = [
    (x: number) => Math.max(0, x) ** g,
    (x: number) => (a * x + b >= 0 ? raised(x) : 0),
    (x: number) => (a * x + b >= 0 ? raised(x) : 0) + c,
    (x: number) => (x >= d ? raised(x) : c * x),
    (x: number) => (x >= d ? raised(x) + e : c * x + f),
  ][kind] as Curve;
  return { curve, bytes: 12 + parameters * 4 };
}
