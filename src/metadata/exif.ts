/** The orientation of stored pixels (EXIF 2.32, tag 0x0112): 1 is upright, 5 to 8 swap width and height. */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

const orientationTag = 0x0112;
const short = 3;

/** The prefix of EXIF in a JPEG. Some writers use it in PNG and WebP too. */
const exifPrefix = Buffer.from("Exif\0\0", "latin1");

/**
 * Reads the orientation from the first directory of EXIF data, a TIFF file with or without the prefix `Exif\0\0`.
 * @returns undefined if there is no valid orientation; never throws
 */
export function readOrientation(exif: Buffer): Orientation | undefined {
  const tiff = exif.subarray(0, 6).equals(exifPrefix) ? exif.subarray(6) : exif;
  if (tiff.length < 14) return undefined;
  const mark = tiff.toString("latin1", 0, 2);
  if (mark !== "II" && mark !== "MM") return undefined;
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.length);
  const little = mark === "II";
  if (view.getUint16(2, little) !== 42) return undefined;
  const directory = view.getUint32(4, little);
  if (directory + 2 > tiff.length) return undefined;
  const entries = view.getUint16(directory, little);
  for (let index = 0; index < entries; index++) {
    const entry = directory + 2 + index * 12;
    if (entry + 12 > tiff.length) return undefined;
    if (view.getUint16(entry, little) !== orientationTag || view.getUint16(entry + 2, little) !== short)
      continue;
    const value = view.getUint16(entry + 8, little);
    return value >= 1 && value <= 8 ? (value as Orientation) : undefined;
  }
  return undefined;
}

/** Returns EXIF data of 26 bytes with nothing but the orientation. */
export function orientationExif(orientation: Orientation): Buffer {
  const tiff = Buffer.alloc(26);
  tiff.write("MM\0*", 0, "latin1");
  tiff.writeUInt32BE(8, 4);
  tiff.writeUInt16BE(1, 8);
  tiff.writeUInt16BE(orientationTag, 10);
  tiff.writeUInt16BE(short, 12);
  tiff.writeUInt32BE(1, 14);
  tiff.writeUInt16BE(orientation, 18);
  return tiff;
}

/** Returns width and height as shown, after applying the orientation. */
export function turned(
  width: number,
  height: number,
  orientation: Orientation,
): { width: number; height: number } {
  return orientation >= 5 ? { width: height, height: width } : { width, height };
}
