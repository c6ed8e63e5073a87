import type { ByteSource } from "../byte-source.ts";
import { damaged } from "../damaged.ts";
import { Canvas } from "./canvas.ts";
import { orientationExif, readOrientation, turned, type Orientation } from "./exif.ts";
import { Pieces, type Rewriting } from "./plan.ts";

const signature = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");
const headerEnd = signature.length + 12 + 13;

/** Chunks that make the picture: its data, colours, transparency, density, animation. */
const kept = new Set(
  "IHDR PLTE IDAT tRNS gAMA cHRM sRGB iCCP cICP mDCV mDCv cLLI cLLi sBIT bKGD hIST pHYs acTL fcTL fdAT".split(
    " ",
  ),
);

/** Bit depths that each colour type may have (PNG third edition, table 12). */
const bitDepths: Readonly<Record<number, readonly number[]>> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
};

/**
 * Plans a PNG or APNG (PNG third edition) of the chunks that make the picture, and an eXIf of the orientation alone.
 * Everything behind IEND is left out. Checksums are not verified: a decoder will.
 * @throws ApiError DAMAGED_MEDIA
 */
export async function planPng(source: ByteSource): Promise<Rewriting> {
  if (!(await source.read(0, signature.length)).equals(signature)) throw damaged("no PNG signature");
  const header = await source.read(signature.length, 8 + 13);
  if (header.toString("latin1", 4, 8) !== "IHDR" || header.readUInt32BE(0) !== 13)
    throw damaged("no IHDR first");
  const { width, height } = readHeader(header.subarray(8));
  const canvas = new Canvas(width, height);

  const body = new Pieces();
  let orientation: Orientation | undefined;
  let hasData = false;
  let position = headerEnd;
  for (;;) {
    source.budget.elements.spend();
    const head = await source.read(position, 8);
    const length = head.readUInt32BE(0);
    const type = head.toString("latin1", 4, 8);
    const end = position + 12 + length;
    if (end > source.size) throw damaged(`a chunk beyond the end at ${position}`);
    if (kept.has(type)) {
      if (type === "IHDR") throw damaged("a second IHDR");
      body.keep(position, end - position);
      hasData ||= type === "IDAT";
      if (type === "fcTL") addFrame(canvas, await source.read(position + 8, Math.min(length, 26)));
    } else if (type === "IEND") {
      body.add(chunk("IEND", Buffer.alloc(0)));
      break;
    } else if (type === "eXIf") {
      orientation ??= readOrientation(await source.readUpTo(position + 8, Math.min(length, 65_536)));
    } else if (!/^[a-z][A-Za-z]{3}$/.test(type)) {
      // Critical by its first letter: without it the picture would be another one.
      throw damaged(`an unknown critical chunk at ${position}`);
    }
    position = end;
  }
  if (!hasData) throw damaged("no picture");

  const pieces = new Pieces();
  pieces.keep(0, headerEnd);
  if (orientation && orientation > 1) pieces.add(chunk("eXIf", orientationExif(orientation)));
  pieces.addAll(body);
  return {
    pieces: pieces.list,
    orientation: orientation ?? 1,
    size: turned(width, height, orientation ?? 1),
    decodedPixels: width * height,
    hasPicture: true,
  };
}

/** Width and height in the content of IHDR. @throws ApiError DAMAGED_MEDIA for values that PNG does not have */
function readHeader(header: Buffer): { width: number; height: number } {
  const [width, height] = [header.readInt32BE(0), header.readInt32BE(4)];
  if (width <= 0 || height <= 0) throw damaged("a picture without a size");
  const [bitDepth = 0, colourType = 0, compression, filter, interlacing = 0] = header.subarray(8);
  if (!bitDepths[colourType]?.includes(bitDepth) || compression !== 0 || filter !== 0 || interlacing > 1)
    throw damaged("impossible values in IHDR");
  return { width, height };
}

/** Checks the content of an fcTL: a frame of an animation. */
function addFrame(canvas: Canvas, content: Buffer): void {
  const [width, height] = [content.readUInt32BE(4), content.readUInt32BE(8)];
  const [x, y] = [content.readUInt32BE(12), content.readUInt32BE(16)];
  if (width === 0 || height === 0) throw damaged("a frame without a size");
  canvas.addFrame(x, y, width, height);
}

function chunk(type: string, content: Buffer): Buffer {
  const bytes = Buffer.alloc(12 + content.length);
  bytes.writeUInt32BE(content.length, 0);
  bytes.write(type, 4, "latin1");
  content.copy(bytes, 8);
  bytes.writeUInt32BE(Bun.hash.crc32(bytes.subarray(4, 8 + content.length)), 8 + content.length);
  return bytes;
}
