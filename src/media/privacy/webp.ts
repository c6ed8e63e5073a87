import type { ByteSource } from "../byte-source.ts";
import { damaged } from "../damaged.ts";
import { Canvas } from "./canvas.ts";
import { orientationExif, readOrientation, turned, type Orientation } from "./exif.ts";
import { Pieces, type Rewriting } from "./plan.ts";

const hasProfile = 0x20;
const hasAlpha = 0x10;
const hasExif = 0x08;
const isAnimated = 0x02;

interface Chunk {
  readonly type: string;
  readonly offset: number;
  readonly body: number;
  /** Bytes of the content, without padding. */
  readonly length: number;
}

/**
 * Plans a WebP (RFC 9649) of its image or frames, alpha, colour profile and looping, with an EXIF of the orientation
 * alone and VP8X's flags set anew. Everything behind the RIFF's end is left out.
 * @throws ApiError DAMAGED_MEDIA
 */
export async function planWebp(source: ByteSource): Promise<Rewriting> {
  const riff = await source.read(0, 12);
  if (riff.toString("latin1", 0, 4) !== "RIFF" || riff.toString("latin1", 8, 12) !== "WEBP")
    throw damaged("no WebP signature");
  const end = riff.readUInt32LE(4) + 8;
  // The last chunk's padding is forgotten by some writers.
  if (end > source.size + 1) throw damaged("cut");
  const chunks = await readChunks(source, 12, Math.min(end, source.size));
  const extended = chunks[0]?.type === "VP8X" ? await source.read(chunks[0].body, 10) : undefined;
  const only = (type: string) => chunks.find((chunk) => chunk.type === type);
  const image = chunks.find(isImageData);

  const body = new Pieces();
  if (!extended) {
    if (!image || image !== chunks[0]) throw damaged("no picture");
    addChunk(body, image);
    return assemble(body, 1, await imageSize(source, image));
  }
  const flags = extended.readUInt8(0);
  const exif = only("EXIF");
  const orientation =
    (exif && readOrientation(await source.readUpTo(exif.body, Math.min(exif.length, 65_536)))) ?? 1;
  const profile = only("ICCP");
  const header = Buffer.alloc(18);
  header.write("VP8X", 0, "latin1");
  header.writeUInt32LE(10, 4);
  header.writeUInt8(
    (flags & (hasAlpha | isAnimated)) | (profile ? hasProfile : 0) | (orientation > 1 ? hasExif : 0),
    8,
  );
  extended.copy(header, 12, 4);
  body.add(header);
  const canvas = new Canvas(extended.readUIntLE(4, 3) + 1, extended.readUIntLE(7, 3) + 1);
  if (profile) addChunk(body, profile);
  if (flags & isAnimated) {
    const animation = only("ANIM");
    const frames = chunks.filter((chunk) => chunk.type === "ANMF");
    if (!animation || frames.length === 0) throw damaged("no frames");
    addChunk(body, animation);
    for (const frame of frames) body.addAll(await planFrame(source, frame, canvas));
  } else {
    if (!image) throw damaged("no picture");
    await requireSize(source, image, canvas);
    const alpha = only("ALPH");
    if (alpha) addChunk(body, alpha);
    addChunk(body, image);
  }
  if (orientation > 1) body.add(exifChunk(orientation));
  return assemble(body, orientation, canvas);
}

function assemble(
  body: Pieces,
  orientation: Orientation,
  { width, height }: { width: number; height: number },
): Rewriting {
  const riff = Buffer.from("RIFF\0\0\0\0WEBP", "latin1");
  riff.writeUInt32LE(body.bytes + 4, 4);
  const pieces = new Pieces();
  pieces.add(riff);
  pieces.addAll(body);
  const size = turned(width, height, orientation);
  return { pieces: pieces.list, orientation, size, decodedPixels: width * height, hasPicture: true };
}

/** A frame may hold unknown chunks beside its image; they go. */
async function planFrame(source: ByteSource, frame: Chunk, canvas: Canvas): Promise<Pieces> {
  const place = 16;
  if (frame.length < place) throw damaged(`a frame of ${frame.length} bytes`);
  const header = await source.read(frame.body, place);
  const size = { width: header.readUIntLE(6, 3) + 1, height: header.readUIntLE(9, 3) + 1 };
  canvas.addFrame(header.readUIntLE(0, 3) * 2, header.readUIntLE(3, 3) * 2, size.width, size.height);
  const inside = await readChunks(source, frame.body + place, frame.body + frame.length);
  const image = inside.find(isImageData);
  if (!image) throw damaged("a frame without a picture");
  await requireSize(source, image, size);
  const alpha = inside.find((chunk) => chunk.type === "ALPH");
  const content = new Pieces();
  content.keep(frame.body, place);
  if (alpha) addChunk(content, alpha);
  addChunk(content, image);
  const pieces = new Pieces();
  const head = Buffer.from("ANMF\0\0\0\0", "latin1");
  head.writeUInt32LE(content.bytes, 4);
  pieces.add(head);
  pieces.addAll(content);
  return pieces;
}

async function readChunks(source: ByteSource, from: number, to: number): Promise<Chunk[]> {
  const chunks: Chunk[] = [];
  for (let offset = from; offset + 8 <= to;) {
    source.budget.elements.spend();
    const head = await source.read(offset, 8);
    const length = head.readUInt32LE(4);
    const body = offset + 8;
    if (body + length > to) throw damaged(`a chunk beyond the end at ${offset}`);
    chunks.push({ type: head.toString("latin1", 0, 4), offset, body, length });
    offset = body + length + (length % 2);
  }
  return chunks;
}

/** The chunk, padded anew: the padding may be missing at the end of the source. */
function addChunk(pieces: Pieces, { offset, body, length }: Chunk): void {
  pieces.keep(offset, body + length - offset);
  if (length % 2) pieces.add(Buffer.alloc(1));
}

function isImageData({ type }: Chunk): boolean {
  return type === "VP8 " || type === "VP8L";
}

/** A decoder takes the size from the image, not from what stands around it. */
async function requireSize(
  source: ByteSource,
  image: Chunk,
  expected: { width: number; height: number },
): Promise<void> {
  const { width, height } = await imageSize(source, image);
  if (width !== expected.width || height !== expected.height)
    throw damaged(`an image of ${width} × ${height} instead of ${expected.width} × ${expected.height}`);
}

/** Size in the bitstream's own header (RFC 6386 section 9.1, RFC 9649 section 3.4). */
async function imageSize(
  source: ByteSource,
  { type, body, length }: Chunk,
): Promise<{ width: number; height: number }> {
  const header = await source.readUpTo(body, Math.min(length, 10));
  if (type === "VP8L") {
    if (header.readUInt8(0) !== 0x2f) throw damaged("no VP8L signature");
    const bits = header.readUInt32LE(1);
    return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
  }
  // The first bit of a key frame is zero.
  if (header.readUInt8(0) & 1 || header.readUIntBE(3, 3) !== 0x9d012a) throw damaged("no VP8 key frame");
  const size = { width: header.readUInt16LE(6) & 0x3fff, height: header.readUInt16LE(8) & 0x3fff };
  if (size.width === 0 || size.height === 0) throw damaged("a picture without a size");
  return size;
}

function exifChunk(orientation: Orientation): Buffer {
  const content = orientationExif(orientation);
  const head = Buffer.from("EXIF\0\0\0\0", "latin1");
  head.writeUInt32LE(content.length, 4);
  return Buffer.concat([head, content]);
}
