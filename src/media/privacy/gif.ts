import type { ByteSource } from "../byte-source.ts";
import { damaged } from "../damaged.ts";
import { Canvas } from "./canvas.ts";
import { Pieces, pictureSize, type Rewriting } from "./plan.ts";

const imageSeparator = 0x2c;
const extension = 0x21;
const trailer = 0x3b;
const graphicControl = 0xf9;
const application = 0xff;

/** Applications whose extension belongs to the picture: looping (two names) and the colour profile. */
const keptApplications = new Set(["NETSCAPE2.0", "ANIMEXTS1.0", "ICCRGBG1012"]);

/**
 * Plans a GIF (GIF89a) of its images, their timing, looping and colour profile. Comments, XMP and other extensions
 * are left out, and so is everything behind the trailer; a missing trailer is added.
 * @throws ApiError DAMAGED_MEDIA
 */
export async function planGif(source: ByteSource): Promise<Rewriting> {
  const screen = await source.read(0, 13);
  if (!/^GIF8[79]a$/.test(screen.toString("latin1", 0, 6))) throw damaged("no GIF signature");
  let canvas = new Canvas(screen.readUInt16LE(6), screen.readUInt16LE(8));
  const pieces = new Pieces();
  let position = 13 + colourTableBytes(screen.readUInt8(10));
  if (position > source.size) throw damaged("no colours");
  pieces.keep(0, position);

  let images = 0;
  for (;;) {
    source.budget.elements.spend();
    const [introducer, label] = await source.readUpTo(position, 2);
    if (introducer === imageSeparator) {
      const header = await source.read(position, 10);
      const [x, y] = [header.readUInt16LE(1), header.readUInt16LE(3)];
      const [width, height] = [header.readUInt16LE(5), header.readUInt16LE(7)];
      // Some encoders write an empty screen; decoders then take the size of the first image.
      if (images === 0 && (canvas.width === 0 || canvas.height === 0))
        canvas = new Canvas(x + width, y + height);
      canvas.addFrame(x, y, width, height);
      const end = await endOfSubBlocks(source, position + 11 + colourTableBytes(header.readUInt8(9)));
      pieces.keep(position, end - position);
      position = end;
      images++;
    } else if (introducer === extension && label !== undefined) {
      const isKept =
        label === graphicControl || (label === application && (await isKeptApplication(source, position)));
      const end = await endOfSubBlocks(source, position + 2);
      if (isKept) pieces.keep(position, end - position);
      position = end;
    } else if (introducer === trailer || images > 0) {
      // Whatever else follows an image is no block: decoders stop there as they do at the trailer.
      break;
    } else throw damaged(`no block at ${position}`);
  }
  if (images === 0) throw damaged("no picture");
  if (canvas.width === 0 || canvas.height === 0) throw damaged("a picture without a size");
  pieces.add(Buffer.from([trailer]));
  const { width, height } = canvas;
  return { pieces: pieces.list, orientation: 1, ...pictureSize({ width, height }), hasPicture: true };
}

function colourTableBytes(flags: number): number {
  return flags & 0x80 ? 3 << ((flags & 7) + 1) : 0;
}

async function isKeptApplication(source: ByteSource, offset: number): Promise<boolean> {
  const head = await source.readUpTo(offset + 2, 12);
  return head[0] === 11 && keptApplications.has(head.toString("latin1", 1));
}

/** Where the chain of sub-blocks from `offset` ends, behind its empty one. */
async function endOfSubBlocks(source: ByteSource, offset: number): Promise<number> {
  for (;;) {
    const bytes = await source.readSome(offset);
    if (bytes.length === 0) throw damaged("cut within a block");
    let index = 0;
    for (let length = bytes[0]; length !== undefined; length = bytes[index]) {
      index += 1 + length;
      if (length === 0) return offset + index;
    }
    offset += index;
    if (offset > source.size) throw damaged("cut within a block");
  }
}
