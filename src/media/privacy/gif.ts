import type { ByteSource } from "../byte-source.ts";
import { cutOff, damaged } from "../damaged.ts";
import { Canvas } from "./canvas.ts";
import { hasAllPixels } from "./gif-lzw.ts";
import { cleanProfile } from "./icc.ts";
import { Pieces, pictureSize, type Frame, type Rewriting } from "./plan.ts";

const imageSeparator = 0x2c;
const extension = 0x21;
const trailer = 0x3b;
const graphicControl = 0xf9;
const application = 0xff;

/** Applications whose extension belongs to the picture: looping, under two names. */
const loopingApplications = new Set(["NETSCAPE2.0", "ANIMEXTS1.0"]);
const profileApplication = "ICCRGBG1012";
/** Of an application's extension, in front of its sub-blocks. */
const applicationHeadBytes = 14;
const maxSubBlockBytes = 255;
const maxProfileBytes = 16 * 1024 * 1024;
/** Of an image that the file ends in, which are counted in memory. */
const maxDataBytes = 64 * 1024 * 1024;

/** Bytes of memory for a pixel: its number, and the colour that this stands for. */
const decodedPixelBytes = 5.2;

/**
 * Plans a GIF (GIF89a) of its images, their timing and looping, and its colour profile made anew. Comments, XMP and other
 * extensions are left out, and so is everything behind the trailer. Where the file ends early, the image that it ends in
 * is left out, unless all its pixels are there, and the trailer is added.
 * @throws ApiError DAMAGED_MEDIA; CUT_OFF_MEDIA for a file that ends within its first image
 */
export async function planGif(source: ByteSource): Promise<Rewriting> {
  const screen = await source.read(0, 13);
  if (!/^GIF8[79]a$/.test(screen.toString("latin1", 0, 6))) throw damaged("no GIF signature");
  let canvas = new Canvas(screen.readUInt16LE(6), screen.readUInt16LE(8));
  const pieces = new Pieces();
  let position = 13 + colourTableBytes(screen.readUInt8(10));
  if (position > source.size) throw cutOff("no colours");
  pieces.keep(0, position);

  let firstFrame: Frame | undefined;
  /** Extensions that belong to the image behind them. */
  let pending = new Pieces();
  for (;;) {
    source.budget.elements.spend();
    const [introducer, label] = await source.readUpTo(position, 2);
    if (introducer === imageSeparator) {
      const image = await readImage(source, position);
      if (!image) break;
      const { frame } = image;
      // Some encoders write an empty screen; decoders then take the size of the first image.
      if (!firstFrame && (canvas.width === 0 || canvas.height === 0))
        canvas = new Canvas(frame.x + frame.width, frame.y + frame.height);
      canvas.addFrame(frame);
      const mended = image.isCut ? await mendedEnd(source, image) : Buffer.alloc(0);
      if (!mended) break;
      firstFrame ??= frame;
      pending.keep(position, image.end - position);
      pending.add(mended);
      pieces.addAll(pending);
      pending = new Pieces();
      position = image.end;
    } else if (introducer === extension && label !== undefined) {
      const { end, isCut } = await walkSubBlocks(source, position + 2);
      if (isCut) break;
      const name = label === application ? await applicationName(source, position) : undefined;
      if (label === graphicControl || (name && loopingApplications.has(name)))
        pending.keep(position, end - position);
      else if (name === profileApplication) {
        const isBounded = end - position <= maxProfileBytes;
        const profile =
          isBounded && cleanProfile(await readSubBlocks(source, position + applicationHeadBytes, end));
        if (profile) pending.add(profileExtension(profile));
      }
      position = end;
    } else {
      // Whatever else follows an image is no block: decoders stop there as they do at the trailer.
      if (!firstFrame && introducer !== undefined) throw damaged(`no block at ${position}`);
      if (introducer === trailer) pieces.addAll(pending);
      break;
    }
  }
  if (!firstFrame) throw cutOff("cut within the first image");
  if (canvas.width === 0 || canvas.height === 0) throw damaged("a picture without a size");
  pieces.add(Buffer.from([trailer]));
  const size = pictureSize({ width: canvas.width, height: canvas.height });
  return {
    pieces: pieces.list,
    orientation: 1,
    ...size,
    hasPicture: true,
    // Browsers do not follow profiles in GIFs.
    decoding: {
      memoryBytes: size.decodedPixels * decodedPixelBytes,
      components: 3,
      firstFrame: canvas.unlessWhole(firstFrame),
    },
  };
}

function colourTableBytes(flags: number): number {
  return flags & 0x80 ? 3 << ((flags & 7) + 1) : 0;
}

/** A chain of sub-blocks (GIF89a section 15). */
interface SubBlocks {
  /** Behind the empty one that ends the chain or, where the file ends before it, behind the last whole one. */
  readonly end: number;
  readonly isCut: boolean;
}

interface Image extends SubBlocks {
  readonly frame: Frame;
  /** Where the sub-blocks of its data start. */
  readonly data: number;
}

/** Reads the header of an image and walks over its data; undefined where the file ends in front of that. */
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
  return data > source.size ? undefined : { frame, data, ...(await walkSubBlocks(source, data)) };
}

async function walkSubBlocks(source: ByteSource, from: number): Promise<SubBlocks> {
  for (let offset = from; ;) {
    const bytes = await source.readSome(offset);
    let index = 0;
    for (let length = bytes[0]; length !== undefined; length = bytes[index]) {
      if (offset + index + 1 + length > source.size) return { end: offset + index, isCut: true };
      index += 1 + length;
      if (length === 0) return { end: offset + index, isCut: false };
    }
    offset += index;
    if (offset >= source.size) return { end: offset, isCut: true };
  }
}

/** What ends an image whose data the file ends in, with what is left of its last sub-block; undefined for lack of pixels. */
async function mendedEnd(source: ByteSource, { frame, data, end }: Image): Promise<Buffer | undefined> {
  const rest = (await source.readUpTo(end, 1 + maxSubBlockBytes)).subarray(1);
  const ending = subBlocks(rest);
  if (end - data > maxDataBytes) return undefined;
  const whole = Buffer.concat([await readSubBlocks(source, data, end), rest]);
  const codeBits = (await source.read(data - 1, 1)).readUInt8(0);
  return hasAllPixels(whole, codeBits, frame.width * frame.height) ? ending : undefined;
}

/** The bytes in the whole sub-blocks between two places. */
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

/** Bytes as a chain of sub-blocks. */
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
