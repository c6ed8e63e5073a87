import type { ByteSource } from "./byte-source.ts";
import { cutOff, damaged } from "./damaged.ts";
import { Canvas } from "./canvas.ts";
import { cleanProfile } from "./icc.ts";
import { Pieces, type DecodingFacts, type Frame, type Rewriting } from "./plan.ts";

const hasProfile = 0x20;
const hasAlpha = 0x10;
const isAnimated = 0x02;

/** Bytes of decoder memory for a pixel. */
const lossyPixelBytes = 4.2;
const losslessPixelBytes = 8.4;
/** Bytes of a key frame before its first partition (RFC 6386 section 9.1). */
const vp8HeaderBytes = 10;

/** Bytes of the content of ANIM: the background and the number of repetitions. */
const animationBytes = 6;

interface Chunk {
  readonly type: string;
  readonly offset: number;
  readonly body: number;
  /** Bytes of the content, without padding. */
  readonly length: number;
}

/**
 * Plans the rewriting of a WebP (RFC 9649). The new file consists of the image or frames, alpha, looping, a rebuilt
 * colour profile and a VP8X with flags for these. Lossless images include their alpha. All EXIF is dropped with its
 * orientation, which browsers ignore and some viewers would follow. Everything after the end of the RIFF is dropped,
 * and so is an incomplete last frame of an animation.
 * @throws ApiError DAMAGED_MEDIA; CUT_OFF_MEDIA if the file ends within its picture or its first frame
 */
export async function planWebp(source: ByteSource): Promise<Rewriting> {
  const riff = await source.read(0, 12);
  if (riff.toString("latin1", 0, 4) !== "RIFF" || riff.toString("latin1", 8, 12) !== "WEBP")
    throw damaged("no WebP signature");
  const end = riff.readUInt32LE(4) + 8;
  // Some writers omit the padding of the last chunk, which is complete nevertheless.
  const isCut = end > source.size;
  const missing = isCut ? cutOff : damaged;
  const chunks = await readChunks(source, 12, Math.min(end, source.size), isCut);
  const extended = chunks[0]?.type === "VP8X" ? await source.read(chunks[0].body, 10) : undefined;
  const chunkOfType = (type: string) => chunks.find((chunk) => chunk.type === type);
  const image = chunks.find(isImageData);

  const body = new Pieces();
  if (!extended) {
    if (!image || image !== chunks[0]) throw missing("no picture");
    addChunk(body, image);
    const size = await imageSize(source, image);
    return assemble(body, size, { memoryBytes: decoderBytes(size, image) });
  }
  const flags = extended.readUInt8(0);
  const profile = await readProfile(source, chunkOfType("ICCP"));
  const header = Buffer.alloc(10);
  header.writeUInt8((flags & (hasAlpha | isAnimated)) | (profile ? hasProfile : 0), 0);
  extended.copy(header, 4, 4);
  body.add(chunkOf("VP8X", header));
  const canvas = new Canvas(extended.readUIntLE(4, 3) + 1, extended.readUIntLE(7, 3) + 1);
  if (profile) body.add(chunkOf("ICCP", profile));
  const colours = profile && { profile };
  if (flags & isAnimated) {
    const animation = chunkOfType("ANIM");
    if (!animation) throw missing("no frames");
    if (animation.length < animationBytes) throw damaged("a short ANIM");
    body.add(chunkOf("ANIM", Buffer.from(await source.read(animation.body, animationBytes))));
    let first: PlannedFrame | undefined;
    for (const frame of chunks.filter((chunk) => chunk.type === "ANMF")) {
      const planned = await planFrame(source, frame, canvas);
      body.addAll(planned.pieces);
      first ??= planned;
    }
    if (!first) throw missing("no frames");
    const memoryBytes = decoderBytes(first.place, first.image);
    return assemble(body, canvas, {
      ...{ memoryBytes, colours, isAnimated: true },
      firstFrame: canvas.unlessWhole(first.place),
    });
  }
  if (!image) throw missing("no picture");
  await requireSize(source, image, canvas);
  const alpha = image.type === "VP8 " ? chunkOfType("ALPH") : undefined;
  if (alpha) addChunk(body, alpha);
  addChunk(body, image);
  return assemble(body, canvas, { memoryBytes: decoderBytes(canvas, image), colours });
}

function assemble(
  body: Pieces,
  { width, height }: { readonly width: number; readonly height: number },
  decoding: Omit<DecodingFacts, "components">,
): Rewriting {
  const riff = Buffer.from("RIFF\0\0\0\0WEBP", "latin1");
  riff.writeUInt32LE(body.bytes + 4, 4);
  const pieces = new Pieces();
  pieces.add(riff);
  pieces.addAll(body);
  return {
    pieces: pieces.list,
    orientation: 1,
    size: { width, height },
    decodedPixels: width * height,
    hasPicture: true,
    decoding: { components: 3, ...decoding },
  };
}

/** Lossless images are first decoded to a separate buffer. */
const decoderBytes = ({ width, height }: { readonly width: number; readonly height: number }, image: Chunk) =>
  width * height * (image.type === "VP8L" ? losslessPixelBytes : lossyPixelBytes);

async function readProfile(source: ByteSource, chunk: Chunk | undefined): Promise<Buffer | undefined> {
  return chunk && cleanProfile(await source.read(chunk.body, chunk.length));
}

interface PlannedFrame {
  readonly pieces: Pieces;
  readonly place: Frame;
  readonly image: Chunk;
}

/** Plans a frame without the unknown chunks that it may contain. */
async function planFrame(source: ByteSource, frame: Chunk, canvas: Canvas): Promise<PlannedFrame> {
  const headerBytes = 16;
  if (frame.length < headerBytes) throw damaged(`a frame of ${frame.length} bytes`);
  const header = await source.read(frame.body, headerBytes);
  const place = {
    x: header.readUIntLE(0, 3) * 2,
    y: header.readUIntLE(3, 3) * 2,
    width: header.readUIntLE(6, 3) + 1,
    height: header.readUIntLE(9, 3) + 1,
  };
  canvas.addFrame(place);
  const inside = await readChunks(source, frame.body + headerBytes, frame.body + frame.length, false);
  const image = inside.find(isImageData);
  if (!image) throw damaged("a frame without a picture");
  await requireSize(source, image, place);
  const alpha = image.type === "VP8 " ? inside.find((chunk) => chunk.type === "ALPH") : undefined;
  const content = new Pieces();
  // Only two bits of the last byte are used: they say how the frame is drawn over earlier ones.
  if (header.readUInt8(15) <= 3) content.keep(frame.body, headerBytes);
  else content.add(Buffer.from([...header.subarray(0, 15), header.readUInt8(15) & 3]));
  if (alpha) addChunk(content, alpha);
  addChunk(content, image);
  const pieces = new Pieces();
  const head = Buffer.from("ANMF\0\0\0\0", "latin1");
  head.writeUInt32LE(content.bytes, 4);
  pieces.add(head);
  pieces.addAll(content);
  return { pieces, place, image };
}

/** @param mayBeCut whether to drop a last chunk that does not fit, rather than throw */
async function readChunks(source: ByteSource, from: number, to: number, mayBeCut: boolean): Promise<Chunk[]> {
  const chunks: Chunk[] = [];
  for (let offset = from; offset + 8 <= to;) {
    source.budget.elements.spend();
    const head = await source.read(offset, 8);
    const length = head.readUInt32LE(4);
    const body = offset + 8;
    if (body + length > to) {
      if (mayBeCut) break;
      throw damaged(`a chunk beyond the end at ${offset}`);
    }
    chunks.push({ type: head.toString("latin1", 0, 4), offset, body, length });
    offset = body + length + (length % 2);
  }
  return chunks;
}

/** Adds a chunk with padding, which may be missing at the end of the source. */
function addChunk(pieces: Pieces, { offset, body, length }: Chunk): void {
  pieces.keep(offset, body + length - offset);
  if (length % 2) pieces.add(Buffer.alloc(1));
}

function isImageData({ type }: Chunk): boolean {
  return type === "VP8 " || type === "VP8L";
}

/** Requires that the image has the declared size, because decoders use that of the image. */
async function requireSize(
  source: ByteSource,
  image: Chunk,
  expected: { width: number; height: number },
): Promise<void> {
  const { width, height } = await imageSize(source, image);
  if (width !== expected.width || height !== expected.height)
    throw damaged(`an image of ${width} × ${height} instead of ${expected.width} × ${expected.height}`);
}

/**
 * Reads the size from the header of the bitstream (RFC 6386 section 9.1, RFC 9649 section 3.4).
 * @throws ApiError DAMAGED_MEDIA for a header that no decoder accepts
 */
async function imageSize(
  source: ByteSource,
  { type, body, length }: Chunk,
): Promise<{ width: number; height: number }> {
  const header = await source.readUpTo(body, Math.min(length, 10));
  if (type === "VP8L") {
    const bits = header.readUInt32LE(1);
    // The version, in the last three bits, must be 0.
    if (header.readUInt8(0) !== 0x2f || bits >>> 29 !== 0) throw damaged("no VP8L header");
    return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
  }
  const tag = header.readUIntLE(0, 3);
  // The first bit of a key frame is 0, and the highest version is 3.
  if (tag & 1 || ((tag >>> 1) & 7) > 3 || header.readUIntBE(3, 3) !== 0x9d012a)
    throw damaged("no VP8 key frame");
  const firstPartitionBytes = tag >>> 5;
  if (firstPartitionBytes === 0 || vp8HeaderBytes + firstPartitionBytes > length)
    throw damaged("a VP8 partition beyond its chunk");
  const size = { width: header.readUInt16LE(6) & 0x3fff, height: header.readUInt16LE(8) & 0x3fff };
  if (size.width === 0 || size.height === 0) throw damaged("a picture without a size");
  return size;
}

function chunkOf(type: string, content: Buffer): Buffer {
  const head = Buffer.from(`${type}\0\0\0\0`, "latin1");
  head.writeUInt32LE(content.length, 4);
  return Buffer.concat([head, content, Buffer.alloc(content.length % 2)]);
}
