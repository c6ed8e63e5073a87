import type { ByteSource } from "../byte-source.ts";
import { damaged } from "../damaged.ts";

/** Bits that decode to something to see, in most tables; zeros are often the code for nothing. */
const filler = Buffer.alloc(16_384, 0xaa);
const endOfImage = Buffer.from([0xff, 0xd9]);
const maxPixels = 50_000_000;

/** Bytes that are held in memory once: more than twice the default limit for images. */
const maxCheckedBytes = 64 * 1024 * 1024;
const bytesPerRead = 1024 * 1024;

/**
 * Tells a JPEG that only lacks its end marker, which every decoder shows, from one that was cut in the middle: bytes
 * added to the last scan change the picture when the scan was not over. It holds the file in memory once; one of more
 * than {@link maxCheckedBytes} counts as cut.
 * @param end where the last scan's data ends
 * @throws ApiError DAMAGED_MEDIA for one that was cut, or that cannot be checked
 */
export async function requireWholeScan(source: ByteSource, end: number): Promise<void> {
  if (end > maxCheckedBytes) throw damaged(`no end marker in ${end} bytes`);
  const bytes = Buffer.allocUnsafeSlow(end + filler.length + endOfImage.length);
  try {
    for (let offset = 0; offset < end; offset += bytesPerRead)
      await source.readInto(bytes.subarray(offset, Math.min(offset + bytesPerRead, end)), offset);
    bytes.set(endOfImage, end);
    const picture = await smallPicture(bytes.subarray(0, end + endOfImage.length));
    bytes.set(filler, end);
    bytes.set(endOfImage, end + filler.length);
    if (!picture.equals(await smallPicture(bytes))) throw damaged("cut within a scan");
  } finally {
    // Left to the garbage collector, the files of several uploads would add up.
    bytes.buffer.transfer(0);
  }
}

async function smallPicture(bytes: Buffer): Promise<Buffer> {
  try {
    const image = new Bun.Image(bytes, { maxPixels });
    return Buffer.from(await image.resize(128, 128, { fit: "fill" }).png().bytes());
  } catch (error) {
    throw damaged(`not decodable: ${String(error)}`);
  }
}
