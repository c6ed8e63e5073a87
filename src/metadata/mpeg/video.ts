import { damaged } from "../damaged.ts";

/** The size of a video stream in pixels as shown, and its number of coded pixels. */
export interface MpegSize {
  readonly size: { readonly width: number; readonly height: number };
  readonly decodedPixels: number;
  /** Duration of a picture. */
  readonly frameSeconds: number;
}

const picture = 0x00;
const lastSlice = 0xaf;
const userData = 0xb2;
const sequenceHeader = 0xb3;
const extension = 0xb5;
const sequenceEnd = 0xb7;
const groupOfPictures = 0xb8;
const afterPicture = new Set([userData, sequenceHeader, extension, sequenceEnd, groupOfPictures, picture]);

/** The first bytes of every start code (ISO/IEC 13818-2 section 6.2.1). */
export const startCodePrefix = Buffer.from([0, 0, 1]);
/** Start codes that are checked. */
const maxStartCodes = 64;

/** Returns the last byte of the start code at `offset`; undefined if there is none. */
export function startCodeAt(bytes: Buffer, offset: number): number | undefined {
  return bytes.subarray(offset, offset + 3).equals(startCodePrefix) ? bytes[offset + 3] : undefined;
}

/**
 * Checks the start of an MPEG-1 or MPEG-2 video stream: a sequence header, then pictures with slices.
 * @returns the size of its pictures
 * @throws ApiError DAMAGED_MEDIA for anything else
 */
export function readVideoStream(bytes: Buffer): MpegSize {
  const size = startCodeAt(bytes, 0) === sequenceHeader ? sequenceSize(bytes) : undefined;
  if (!size) throw damaged("no sequence header");
  let pictures = 0;
  let slices = 0;
  let offset = 0;
  for (let count = 0; count < maxStartCodes; count++) {
    offset = bytes.indexOf(startCodePrefix, offset + startCodePrefix.length);
    const code = offset === -1 ? undefined : bytes[offset + 3];
    if (code === undefined) break;
    if (code === picture) pictures++;
    else if (code <= lastSlice && pictures > 0) slices++;
    else if (!afterPicture.has(code)) throw damaged(`no video at ${offset}`);
  }
  if (slices === 0) throw damaged("no picture");
  return size;
}

/** Whether the content of a packet belongs to a video stream, whose parts all begin with a start code. */
export function hasVideoStartCode(content: Buffer): boolean {
  const at = content.indexOf(startCodePrefix);
  return at !== -1 && (content[at + 3] ?? 0xff) <= groupOfPictures;
}

/** Returns the size in the first sequence header among these bytes; undefined if there is none. */
export function findSequenceSize(bytes: Buffer): MpegSize | undefined {
  const at = bytes.indexOf(Buffer.from([0, 0, 1, sequenceHeader]));
  return at === -1 ? undefined : sequenceSize(bytes.subarray(at));
}

/** Pixel height divided by width, by the code in an MPEG-1 sequence header (ISO/IEC 11172-2 section 2.4.3.2). */
const pixelRatios1 = [
  ...[1, 1, 0.6735, 0.7031, 0.7615, 0.8055, 0.8437, 0.8935],
  ...[0.9157, 0.9815, 1.0255, 1.0695, 1.095, 1.1575, 1.2015],
];
/**
 * Picture width divided by height, by the code in an MPEG-2 sequence header (ISO/IEC 13818-2 section 6.3.3); 1: square
 * pixels.
 */
const pictureRatios2 = [undefined, undefined, 4 / 3, 16 / 9, 2.21];

/** Pictures in a second, by the code in a sequence header (ISO/IEC 13818-2 table 6-4). */
const frameRates = [0, 24_000 / 1001, 24, 25, 30_000 / 1001, 30, 50, 60_000 / 1001, 60];

/** Parses a sequence header and the extension of MPEG-2 after it; undefined if the header is invalid. */
function sequenceSize(bytes: Buffer): MpegSize | undefined {
  if (bytes.length < 12) return undefined;
  const sizes = bytes.readUIntBE(4, 3);
  const [aspectRatio, frameRate] = [bytes.readUInt8(7) >> 4, bytes.readUInt8(7) & 15];
  const hasMarker = (bytes.readUInt8(10) & 0x20) !== 0;
  let [width, height] = [sizes >> 12, sizes & 0xfff];
  let shownWidth = width / (pixelRatios1[aspectRatio] ?? 1);
  const next = bytes.indexOf(startCodePrefix, 12);
  if (next !== -1 && startCodeAt(bytes, next) === extension && next + 8 <= bytes.length) {
    // The extension has the upper two bits of width and height.
    const bits = bytes.readUInt32BE(next + 4);
    if (bits >>> 28 === 1) {
      [width, height] = [width | (((bits >>> 15) & 3) << 12), height | (((bits >>> 13) & 3) << 12)];
      const ratio = pictureRatios2[aspectRatio];
      shownWidth = ratio === undefined ? width : height * ratio;
    }
  }
  const isPlausible = width > 0 && height > 0 && aspectRatio > 0 && frameRate > 0 && hasMarker;
  if (!isPlausible) return undefined;
  const frameSeconds = 1 / (frameRates[frameRate] ?? Infinity);
  return { size: { width: Math.round(shownWidth), height }, decodedPixels: width * height, frameSeconds };
}
