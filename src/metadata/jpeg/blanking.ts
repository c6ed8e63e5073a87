import type { ByteSource } from "../byte-source.ts";
import { planJpeg } from "./jpeg.ts";
import { endOfImage, fillByte } from "./markers.ts";

/**
 * Overwrites everything in a JPEG that planJpeg would drop or rebuild, without changing its size: with fill bytes
 * before the end of the picture, with zeros after it. The file that contains the JPEG holds its orientation and
 * colours.
 * @param write receives each overwritten range
 * @throws ApiError DAMAGED_MEDIA, CUT_OFF_MEDIA
 */
export async function blankJpeg(
  source: ByteSource,
  write: (offset: number, bytes: Buffer) => void,
): Promise<void> {
  const { pieces } = await planJpeg(source);
  let position = 0;
  for (const piece of pieces) {
    if (piece instanceof Uint8Array) continue;
    if (piece.offset > position) write(position, Buffer.alloc(piece.offset - position, fillByte));
    position = piece.offset + piece.length;
  }
  const rest = Buffer.alloc(source.size - position);
  rest.set(endOfImage.slice(0, rest.length));
  if (rest.length > 0) write(position, rest);
}
