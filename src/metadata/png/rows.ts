/** Samples per pixel by colour type (PNG third edition, section 11.2.1). */
const samplesPerPixel: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

/** The passes of Adam7 interlacing: first column, first row, column step, row step (section 8.1). */
const passes = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

/**
 * Returns the number of rows of each pass of a PNG, and the bytes of a row without its filter byte.
 * @param header content of IHDR
 */
export function rowLengths(header: Buffer): { count: number; bytes: number }[] {
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  const bits = header.readUInt8(8) * (samplesPerPixel[header.readUInt8(9)] ?? 4);
  const bytesOf = (pixels: number) => Math.ceil((pixels * bits) / 8);
  if (header.readUInt8(12) === 0) return [{ count: height, bytes: bytesOf(width) }];
  return passes
    .map(([x, y, across, down]) => ({
      pixels: Math.ceil((width - x) / across),
      count: Math.ceil((height - y) / down),
    }))
    .filter(({ pixels, count }) => pixels > 0 && count > 0)
    .map(({ pixels, count }) => ({ count, bytes: bytesOf(pixels) }));
}
