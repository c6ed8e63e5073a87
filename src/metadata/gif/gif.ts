import type { ByteSource } from "../byte-source.ts";
import { cutOff, damaged } from "../damaged.ts";
import { Canvas } from "../canvas.ts";
import { LzwCounter } from "./lzw.ts";
import { cleanProfile, maxProfileBytes } from "../icc.ts";
import { Pieces, pictureSize, type Frame, type Piece, type Rewriting } from "../plan.ts";

const imageSeparator = 0x2c;
const extension = 0x21;
const trailer = 0x3b;
const graphicControl = 0xf9;
const application = 0xff;

/** The two names of the looping extension. */
const loopingApplications = new Set(["NETSCAPE2.0", "ANIMEXTS1.0"]);
const profileApplication = "ICCRGBG1012";
/** Bytes of an application extension before its sub-blocks. */
const applicationHeadBytes = 14;
const maxSubBlockBytes = 255;
const bytesPerRead = 64 * 1024;
/** Limit for the LZW minimum code size, which precedes the data of an image. */
const maxMinimumCodeBits = 11;

/** Bytes of memory for a pixel: its index and its colour. */
const decodedPixelBytes = 5.2;

/**
 * Plans the rewriting of a GIF (GIF89a). The new file consists of the images, their timing and looping, and a rebuilt
 * colour profile. Comments, XMP, other extensions and everything after the trailer or after the last pixel of an image
 * are dropped. If the file ends early, the trailer is added and a last image that lacks pixels is dropped.
 * @throws ApiError DAMAGED_MEDIA; CUT_OFF_MEDIA if the file ends within its first image
 */
export async function planGif(source: ByteSource): Promise<Rewriting> {
  const screen = await source.read(0, 13);
  if (!/^GIF8[79]a$/.test(screen.toString("latin1", 0, 6))) throw damaged("no GIF signature");
  let canvas = new Canvas(screen.readUInt16LE(6), screen.readUInt16LE(8));
  const pieces = new Pieces();
  let position = 13 + colourTableBytes(screen.readUInt8(10));
  if (position > source.size) throw cutOff("no colours");
  pieces.keep(0, position);

  let firstImage: Image | undefined;
  let imageCount = 0;
  /** Extensions that belong to the next image. */
  let pending = new Pieces();
  /** The last graphic control extension before the next image, which is the one that decoders follow. */
  let control: Piece | undefined;
  for (;;) {
    source.budget.elements.spend();
    const [introducer, label] = await source.readUpTo(position, 2);
    if (introducer === imageSeparator) {
      const image = await readImage(source, position);
      if (!image) break;
      const { frame } = image;
      // Some encoders write an empty screen; decoders then use the size of the first image.
      if (!firstImage && (canvas.width === 0 || canvas.height === 0))
        canvas = new Canvas(frame.x + frame.width, frame.y + frame.height);
      canvas.addFrame(frame);
      if (image.isCut && !image.hasAllPixels) break;
      firstImage ??= image;
      imageCount++;
      if (control) pending.append(control);
      if (!image.isCut && image.usedBytes === image.dataBytes) pending.keep(position, image.end - position);
      else {
        const { start, rest } = await usedSubBlocks(source, image);
        pending.keep(position, start - position);
        pending.add(subBlocks(rest));
      }
      pieces.addAll(pending);
      pending = new Pieces();
      control = undefined;
      position = image.end;
    } else if (introducer === extension && label !== undefined) {
      const { end, isCut } = await forEachSubBlock(source, position + 2, () => true);
      if (isCut) break;
      const name = label === application ? await applicationName(source, position) : undefined;
      if (label === graphicControl) control = (await controlPiece(source, position, end)) ?? control;
      else if (name && loopingApplications.has(name)) {
        const looping = await loopingPiece(source, position, end);
        if (looping) pending.append(looping);
      } else if (name === profileApplication) {
        const isBounded = end - position <= maxProfileBytes;
        const profile =
          isBounded && cleanProfile(await readSubBlocks(source, position + applicationHeadBytes, end));
        if (profile) pending.add(profileExtension(profile));
      }
      position = end;
    } else {
      // Decoders treat any other byte after an image like the trailer.
      if (!firstImage && introducer !== undefined) throw damaged(`no block at ${position}`);
      if (introducer === trailer) pieces.addAll(pending);
      break;
    }
  }
  if (!firstImage) throw cutOff("cut within the first image");
  if (canvas.width === 0 || canvas.height === 0) throw damaged("a picture without a size");
  pieces.add(Buffer.from([trailer]));
  const size = pictureSize({ width: canvas.width, height: canvas.height });
  return {
    pieces: pieces.list,
    orientation: 1,
    ...size,
    hasPicture: true,
    // No colours, because browsers ignore profiles in GIFs.
    decoding: {
      memoryBytes: size.decodedPixels * decodedPixelBytes,
      components: 3,
      isAnimated: imageCount > 1,
      firstFrame: canvas.unlessWhole(firstImage.frame),
      mustBeChecked: firstImage.hasAllPixels ? undefined : "no end",
    },
  };
}

function colourTableBytes(flags: number): number {
  return flags & 0x80 ? 3 << ((flags & 7) + 1) : 0;
}

/** A chain of sub-blocks (GIF89a section 15). */
interface SubBlocks {
  /**
   * Offset after the empty sub-block that ends the chain; if the file ends first, after the last complete sub-block.
   */
  readonly end: number;
  readonly isCut: boolean;
}

interface Image extends SubBlocks {
  readonly frame: Frame;
  /** Offset of the sub-blocks of its data. */
  readonly data: number;
  /** Bytes in all sub-blocks together, including a last one that is cut off. */
  readonly dataBytes: number;
  /** The first bytes of the data that decoders need. */
  readonly usedBytes: number;
  readonly hasAllPixels: boolean;
}

/**
 * Reads the header of an image and walks its data.
 * @returns undefined if the file ends before the data
 * @throws ApiError DAMAGED_MEDIA for codes of an impossible size
 */
async function readImage(source: ByteSource, offset: number): Promise<Image | undefined> {
  const header = await source.readUpTo(offset, 10);
  if (header.length < 10) return undefined;
  const frame = {
    x: header.readUInt16LE(1),
    y: header.readUInt16LE(3),
    width: header.readUInt16LE(5),
    height: header.readUInt16LE(7),
  };
  const data = offset + 11 + colourTableBytes(header.readUInt8(9));
  if (data > source.size) return undefined;
  const codeBits = (await source.read(data - 1, 1)).readUInt8(0);
  if (codeBits === 0 || codeBits > maxMinimumCodeBits) throw damaged(`codes of ${codeBits} bits`);
  const counter = new LzwCounter(codeBits, frame.width * frame.height);
  let dataBytes = 0;
  const walked = await forEachSubBlock(source, data, (bytes, from, to) => {
    counter.take(bytes, from, to);
    dataBytes += to - from;
    return true;
  });
  const { usedBytes, hasAllPixels } = counter;
  return { frame, data, ...walked, dataBytes, usedBytes, hasAllPixels };
}

/** Finds the last sub-block of an image that decoders need: its offset, and the bytes of it that they need. */
async function usedSubBlocks(
  source: ByteSource,
  { data, usedBytes }: Image,
): Promise<{ start: number; rest: Buffer }> {
  let start = data;
  let left = usedBytes;
  let rest = Buffer.alloc(0);
  await forEachSubBlock(source, data, (bytes, from, to) => {
    if (to - from > left) {
      rest = Buffer.from(bytes.subarray(from, from + left));
      return false;
    }
    left -= to - from;
    start += 1 + to - from;
    return left > 0;
  });
  return { start, rest };
}

/**
 * Walks a chain of sub-blocks, including a last one that is cut off.
 * @param take receives a buffer and the range in it that is the content of a sub-block; returns whether to continue
 */
async function forEachSubBlock(
  source: ByteSource,
  from: number,
  take: (bytes: Buffer, from: number, to: number) => boolean,
): Promise<SubBlocks> {
  for (let offset = from; ;) {
    let bytes = await source.readSome(offset);
    if (bytes.length <= maxSubBlockBytes) bytes = await source.readUpTo(offset, bytesPerRead);
    let index = 0;
    for (let length = bytes[0]; length !== undefined; length = bytes[index]) {
      const end = index + 1 + length;
      if (length === 0) return { end: offset + end, isCut: false };
      const isCut = offset + end > source.size;
      if (end > bytes.length && offset + bytes.length < source.size) break;
      if (!take(bytes, index + 1, Math.min(end, bytes.length)) || isCut)
        return { end: offset + index, isCut };
      index = end;
    }
    offset += index;
    if (offset >= source.size) return { end: offset, isCut: true };
  }
}

/**
 * Returns a range of the source if it holds these bytes, and the bytes otherwise. Adjacent ranges are merged, which saves memory.
 */
async function pieceOf(
  source: ByteSource,
  offset: number,
  end: number,
  bytes: Buffer<ArrayBuffer>,
): Promise<Piece> {
  const isSame = end - offset === bytes.length && bytes.equals(await source.read(offset, bytes.length));
  return isSame ? { offset, length: bytes.length } : bytes;
}

/** Returns a graphic control extension of exactly four bytes (GIF89a section 23); undefined if the source has fewer. */
async function controlPiece(source: ByteSource, offset: number, end: number): Promise<Piece | undefined> {
  const [, , length = 0, flags = 0, ...values] = await source.readUpTo(offset, 7);
  if (length < 4) return undefined;
  // The first three bits are reserved.
  const bytes = Buffer.from([extension, graphicControl, 4, flags & 0x1f, ...values, 0]);
  return pieceOf(source, offset, end, bytes);
}

/** Returns a looping extension with nothing but the number of repetitions; undefined if the source has none. */
async function loopingPiece(source: ByteSource, offset: number, end: number): Promise<Piece | undefined> {
  const content = await source.read(offset, Math.min(end - offset, applicationHeadBytes + 4));
  const [length = 0, kind = 0, ...repetitions] = content.subarray(applicationHeadBytes);
  if (length < 3 || (kind & 7) !== 1) return undefined;
  const head = content.subarray(0, applicationHeadBytes);
  return pieceOf(source, offset, end, Buffer.concat([head, Buffer.from([3, 1, ...repetitions, 0])]));
}

/** Reads the content of the sub-blocks in a range. */
async function readSubBlocks(source: ByteSource, from: number, end: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let offset = from;
  while (offset < end) {
    const length = (await source.read(offset, 1)).readUInt8(0);
    parts.push(Buffer.from(await source.read(offset + 1, length)));
    offset += 1 + length;
  }
  return Buffer.concat(parts);
}

/** Encodes bytes as a chain of sub-blocks. */
function subBlocks(bytes: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let offset = 0; offset < bytes.length; offset += maxSubBlockBytes) {
    const part = bytes.subarray(offset, offset + maxSubBlockBytes);
    parts.push(Buffer.from([part.length]), part);
  }
  return Buffer.concat([...parts, Buffer.alloc(1)]);
}

async function applicationName(source: ByteSource, offset: number): Promise<string> {
  const head = await source.readUpTo(offset + 2, 12);
  return head[0] === 11 ? head.toString("latin1", 1) : "";
}

function profileExtension(profile: Buffer): Buffer {
  const head = Buffer.from(`!\xff\x0b${profileApplication}`, "latin1");
  return Buffer.concat([head, subBlocks(profile)]);
}
