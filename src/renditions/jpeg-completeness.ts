import { ByteSource } from "../metadata/byte-source.ts";
import { cutOff } from "../metadata/damaged.ts";
import type { Orientation } from "../metadata/exif.ts";
import type { DecodingFacts } from "../metadata/plan.ts";
import type { RawPicture } from "./raw-picture.ts";

/** Bits that decode to something to see, in most tables; zeros are often the code for nothing. */
const bits = Buffer.alloc(4096, 0xaa);
/** Coded data, and once more behind each restart marker, one of which is the one that a decoder waits for. */
const filler = Buffer.concat([
  bits,
  ...[0, 1, 2, 3, 4, 5, 6, 7].flatMap((n) => [Buffer.from([0xff, 0xd0 + n]), bits]),
]);
const endOfImage = Buffer.from([0xff, 0xd9]);

/** Bytes that are held in memory once: more than twice the default limit for images. */
const maxCheckedBytes = 64 * 1024 * 1024;
const bytesPerRead = 1024 * 1024;

/** What decoders show of blocks that they have no data for. */
const missing = 128;

/**
 * Tells whole JPEGs from those that were cut in the middle, with an end marker behind the cut or without. Decoders show
 * both, so that only pixels tell: bytes added to the last scan change the picture when the scan was not over.
 *
 * That costs a second decoding. It is needed where the end of the data is not to be seen (several scans, no end marker);
 * elsewhere only if the last corner of the picture is as grey as missing blocks are.
 * @param path of the file, which ends with an end marker
 * @param picture what it decodes to
 * @param decode makes the same picture from other bytes
 * @throws ApiError CUT_OFF_MEDIA for a picture that was cut, or that has no end marker and is too large to be checked
 */
export async function requireWholeJpeg(
  path: string,
  picture: RawPicture,
  { mustBeChecked }: DecodingFacts,
  orientation: Orientation,
  decode: (bytes: Buffer<ArrayBuffer>) => Promise<RawPicture>,
): Promise<void> {
  if (!mustBeChecked && !isGreyAtTheEnd(picture, orientation)) return;
  const file = Bun.file(path);
  if (file.size > maxCheckedBytes) {
    if (mustBeChecked === "no end") throw cutOff(`no end marker in ${file.size} bytes`);
    return;
  }
  const bytes = await withFiller(path);
  try {
    if (!(await decode(bytes)).rows.equals(picture.rows)) throw cutOff("cut within a scan");
  } finally {
    // Left to the garbage collector, the files of several uploads would add up.
    bytes.buffer.transfer(0);
  }
}

/** The file, held in memory once, with more data in front of its end marker. */
async function withFiller(path: string): Promise<Buffer<ArrayBuffer>> {
  const source = await ByteSource.open(path);
  try {
    const end = source.size - endOfImage.length;
    const bytes = Buffer.allocUnsafeSlow(end + filler.length + endOfImage.length);
    for (let offset = 0; offset < end; offset += bytesPerRead)
      await source.readInto(bytes.subarray(offset, Math.min(offset + bytesPerRead, end)), offset);
    bytes.set(filler, end);
    bytes.set(endOfImage, end + filler.length);
    return bytes;
  } finally {
    await source.close();
  }
}

/** Looks at the corner that is coded last, wherever it is in the upright picture. */
function isGreyAtTheEnd(picture: RawPicture, orientation: Orientation): boolean {
  const x = [2, 3, 6, 7].includes(orientation) ? 0 : picture.width - 1;
  const y = [3, 4, 7, 8].includes(orientation) ? 0 : picture.height - 1;
  const at = picture.at(x, y);
  return picture.rows.subarray(at, at + 3).every((value) => Math.abs(value - missing) <= 2);
}
