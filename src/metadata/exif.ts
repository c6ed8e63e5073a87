/** The orientation of stored pixels (EXIF 2.32, tag 0x0112): 1 is upright, 5 to 8 swap width and height. */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

const orientationTag = 0x0112;
const short = 3;

/** The prefix of EXIF in a JPEG. Some writers use it in PNG and WebP too. */
const exifPrefix = Buffer.from("Exif\0\0", "latin1");

/** A TIFF file, the format of EXIF data: directories of entries of twelve bytes. */
export class Tiff {
  private constructor(
    readonly bytes: Buffer,
    private readonly view: DataView,
    private readonly little: boolean,
  ) {}

  /**
   * @param exif with or without the prefix `Exif\0\0`
   * @returns undefined if it does not begin with the header of a TIFF file
   */
  static open(exif: Buffer): Tiff | undefined {
    const bytes = exif.subarray(0, 6).equals(exifPrefix) ? exif.subarray(6) : exif;
    if (bytes.length < 14) return undefined;
    const mark = bytes.toString("latin1", 0, 2);
    if (mark !== "II" && mark !== "MM") return undefined;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    return view.getUint16(2, mark === "II") === 42 ? new Tiff(bytes, view, mark === "II") : undefined;
  }

  /** The offset of the first directory. */
  get firstDirectory(): number {
    return this.long(4);
  }

  /** @returns the offset of the first entry with this tag and type, inside the file; undefined for none */
  find(directory: number, tag: number, type: number): number | undefined {
    if (directory + 2 > this.bytes.length) return undefined;
    const entries = this.short(directory);
    for (let index = 0; index < entries; index++) {
      const entry = directory + 2 + index * 12;
      if (entry + 12 > this.bytes.length) return undefined;
      if (this.short(entry) === tag && this.short(entry + 2) === type) return entry;
    }
    return undefined;
  }

  short(offset: number): number {
    return this.view.getUint16(offset, this.little);
  }

  long(offset: number): number {
    return this.view.getUint32(offset, this.little);
  }
}

/**
 * Reads the orientation from the first directory of EXIF data, a TIFF file with or without the prefix `Exif\0\0`.
 * @returns undefined if there is no valid orientation; never throws
 */
export function readOrientation(exif: Buffer): Orientation | undefined {
  const tiff = Tiff.open(exif);
  const entry = tiff?.find(tiff.firstDirectory, orientationTag, short);
  const value = entry === undefined ? 0 : tiff!.short(entry + 8);
  return value >= 1 && value <= 8 ? (value as Orientation) : undefined;
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
export function orientedSize(
  width: number,
  height: number,
  orientation: Orientation,
): { width: number; height: number } {
  return orientation >= 5 ? { width: height, height: width } : { width, height };
}
