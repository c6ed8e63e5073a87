import { ByteSource } from "../metadata/byte-source.ts";
import { cutOff } from "../metadata/damaged.ts";
import type { Orientation } from "../metadata/exif.ts";
import { endOfImage, rst0 } from "../metadata/jpeg/markers.ts";
import type { DecodingFacts } from "../metadata/plan.ts";
import type { RawPicture } from "./raw-picture.ts";

/** Bits that decode to visible pixels with most Huffman tables; zeros are often the code for an empty block. */
const bits = Buffer.alloc(4096, 0xaa);
/** Coded data, repeated after each restart marker, because a decoder may wait for any one of them. */
const filler = Buffer.concat([
  bits,
  ...[0, 1, 2, 3, 4, 5, 6, 7].flatMap((n) => [Buffer.from([0xff, rst0 + n]), bits]),
]);

/** Limit for files that are loaded into memory: more than twice the default limit for images. */
const maxCheckedBytes = 64 * 1024 * 1024;
const bytesPerRead = 1024 * 1024;

/** The value that decoders show for blocks without data. */
const missing = 128;

/**
 * Rejects a JPEG that was truncated, even if an end marker follows the truncated scan. Decoders show such pictures, so
 * only the pixels reveal it: data added to the last scan changes the picture if the scan was incomplete.
 *
 * The check decodes the picture again. It is needed if the end of the data is not visible at the end of the picture
 * (several scans, no end marker), and otherwise only if the last corner is as grey as missing blocks are.
 * @param path a file that ends with an end marker
 * @param picture the decoded picture
 * @param decode decodes other bytes in the same way
 * @throws ApiError CUT_OFF_MEDIA for a truncated picture, and for one without an end marker that is too large to check
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
    // Freed at once: until garbage collection, the files of several uploads would add up.
    bytes.buffer.transfer(0);
  }
}

/** Loads the file with additional data before its end marker. */
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

/** Whether the corner that is coded last is grey, wherever it is in the upright picture. */
function isGreyAtTheEnd(picture: RawPicture, orientation: Orientation): boolean {
  const x = [2, 3, 6, 7].includes(orientation) ? 0 : picture.width - 1;
  const y = [3, 4, 7, 8].includes(orientation) ? 0 : picture.height - 1;
  const at = picture.at(x, y);
  return picture.rows.subarray(at, at + 3).every((value) => Math.abs(value - missing) <= 2);
}
