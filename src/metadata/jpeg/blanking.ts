import type { ByteSource } from "../byte-source.ts";
import { planJpeg } from "./jpeg.ts";

/** May stand any number of times in front of a marker (ITU T.81 section B.1.1.2). */
const fillByte = 0xff;
const endOfImage = [0xff, 0xd9];

/**
 * Overwrites everything in a JPEG that planJpeg would leave out or write anew, in a file that must keep its size: with
 * fill bytes in front of the picture's end, with zeros behind it. What holds the JPEG says its orientation and colours.
 * @param write called for each range that is overwritten
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
