import { damaged, type ByteSource } from "../byte-source.ts";
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
const mostChunks = 500_000;

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
  const [width, height] = [header.readUInt32BE(8), header.readUInt32BE(12)];
  if (width === 0 || height === 0) throw damaged("a picture without a size");

  const body = new Pieces();
  let orientation: Orientation | undefined;
  let hasData = false;
  let position = headerEnd;
  for (let count = 0; ; count++) {
    if (count > mostChunks) throw damaged("too many chunks");
    const head = await source.read(position, 8);
    const length = head.readUInt32BE(0);
    const type = head.toString("latin1", 4, 8);
    const end = position + 12 + length;
    if (end > source.size) throw damaged(`a chunk beyond the end at ${position}`);
    if (kept.has(type)) {
      if (type === "IHDR") throw damaged("a second IHDR");
      body.keep(position, end - position);
      hasData ||= type === "IDAT";
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
    hasPicture: true,
  };
}

function chunk(type: string, content: Buffer): Buffer {
  const bytes = Buffer.alloc(12 + content.length);
  bytes.writeUInt32BE(content.length, 0);
  bytes.write(type, 4, "latin1");
  content.copy(bytes, 8);
  bytes.writeUInt32BE(Bun.hash.crc32(bytes.subarray(4, 8 + content.length)), 8 + content.length);
  return bytes;
}
