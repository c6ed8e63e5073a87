/** A 3×3 matrix in row-major order. */
export type Matrix = readonly [number, number, number, number, number, number, number, number, number];

/** Converts XYZ relative to D50, the connection space's white, to linear sRGB (Bradford-adapted). */
export const srgbFromXyz: Matrix = [
  3.1338561, -1.6168667, -0.4906146, -0.9787684, 1.9161415, 0.033454, 0.0719453, -0.2289914, 1.4052427,
];

/** D50, the white of the connection space (ICC.1:2022 section 7.2.16). */
export const connectionWhite = [0.9642, 1, 0.8249] as const;

export function multiply(a: Matrix, b: Matrix): Matrix {
  const cell = (row: number, column: number) =>
    [0, 1, 2].reduce((sum, k) => sum + (a[row * 3 + k] as number) * (b[k * 3 + column] as number), 0);
  return [0, 1, 2].flatMap((row) => [0, 1, 2].map((column) => cell(row, column))) as unknown as Matrix;
}

/** @throws RangeError for a matrix that has no inverse */
function invert([a, b, c, d, e, f, g, h, i]: Matrix): Matrix {
  const determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
  if (!(Math.abs(determinant) > 1e-9)) throw new RangeError("primaries on a line");
  return [
    e * i - f * h,
    c * h - b * i,
    b * f - c * e,
    f * g - d * i,
    a * i - c * g,
    c * d - a * f,
    d * h - e * g,
    b * g - a * h,
    a * e - b * d,
  ].map((cofactor) => cofactor / determinant) as unknown as Matrix;
}

/** CIE xy chromaticities of white, red, green and blue. */
export type Chromaticities = readonly [number, number, number, number, number, number, number, number];

const bradford: Matrix = [0.8951, 0.2664, -0.1614, -0.7502, 1.7135, 0.0367, 0.0389, -0.0685, 1.0296];

/**
 * Returns the matrix from linear RGB with these primaries to XYZ relative to D50.
 * @throws RangeError if the primaries are impossible
 */
export function xyzFromPrimaries([wx, wy, rx, ry, gx, gy, bx, by]: Chromaticities): Matrix {
  const toXyz = (x: number, y: number) => {
    if (!(y > 0)) throw new RangeError("a colour without brightness");
    return [x / y, 1, (1 - x - y) / y] as const;
  };
  const [red, green, blue, white] = [toXyz(rx, ry), toXyz(gx, gy), toXyz(bx, by), toXyz(wx, wy)];
  const primaries: Matrix = [red[0], green[0], blue[0], red[1], green[1], blue[1], red[2], green[2], blue[2]];
  const share = apply(invert(primaries), white);
  const cone = apply(bradford, white);
  const target = apply(bradford, connectionWhite);
  const scale: Matrix = [target[0] / cone[0], 0, 0, 0, target[1] / cone[1], 0, 0, 0, target[2] / cone[2]];
  const adaptation = multiply(invert(bradford), multiply(scale, bradford));
  return multiply(adaptation, multiply(primaries, [share[0], 0, 0, 0, share[1], 0, 0, 0, share[2]]));
}

export function apply(
  [a, b, c, d, e, f, g, h, i]: Matrix,
  [x, y, z]: readonly [number, number, number],
): [number, number, number] {
  return [a * x + b * y + c * z, d * x + e * y + f * z, g * x + h * y + i * z];
}
