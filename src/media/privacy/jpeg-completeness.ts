import type { ByteSource } from "../byte-source.ts";
import { damaged } from "../damaged.ts";

/** Bits that decode to something to see, in most tables; zeros are often the code for nothing. */
const filler = Buffer.alloc(16_384, 0xaa);
const endOfImage = Buffer.from([0xff, 0xd9]);
const readAtOnce = 1024 * 1024;
const maxPixels = 50_000_000;

/**
 * Tells a JPEG that only lacks its end marker, which every decoder shows, from one that was cut in the middle: bytes
 * added to the last scan change the picture when the scan was not over. Holds the file in memory, for this rare case.
 * @param end where the last scan's data ends
 * @throws ApiError DAMAGED_MEDIA for one that was cut
 */
export async function requireWholeScan(source: ByteSource, end: number): Promise<void> {
  const asIs = Buffer.allocUnsafe(end);
  for (let offset = 0; offset < end; offset += readAtOnce)
    asIs.set(await source.read(offset, Math.min(readAtOnce, end - offset)), offset);
  const [picture, filled] = await Promise.all([
    smallPicture([asIs, endOfImage]),
    smallPicture([asIs, filler, endOfImage]),
  ]);
  if (!picture.equals(filled)) throw damaged("cut within a scan");
}

async function smallPicture(parts: Buffer[]): Promise<Buffer> {
  const image = new Bun.Image(Buffer.concat(parts), { maxPixels });
  try {
    return Buffer.from(await image.resize(128, 128, { fit: "fill" }).png().bytes());
  } catch (error) {
    throw damaged(`not decodable: ${String(error)}`);
  }
}
