import { deflateSync, inflateSync } from "node:zlib";

import type { ByteSource } from "../byte-source.ts";
import { pngColours, type PngColourChunks } from "../colour/png-colours.ts";
import { cutOff, damaged } from "../damaged.ts";
import { pngChunk, pngSignature } from "../png-chunks.ts";
import { Canvas } from "./canvas.ts";
import { orientationExif, readOrientation, turned, type Orientation } from "./exif.ts";
import { cleanProfile } from "./icc.ts";
import { Pieces, type Rewriting } from "./plan.ts";
import { PngFrames } from "./png-frames.ts";

const headerEnd = pngSignature.length + 12 + 13;

/** Chunks that make the picture and stay as they are: its data, colours, transparency, density, animation. */
const kept = new Set(
  "PLTE IDAT tRNS gAMA cHRM sRGB cICP mDCV mDCv cLLI cLLi sBIT bKGD hIST pHYs acTL fcTL fdAT".split(" "),
);
/** Those of them that say what the picture's numbers look like. */
const colourChunks = new Set(["gAMA", "cHRM", "sRGB", "cICP"] as const);
type ColourChunk = typeof colourChunks extends ReadonlySet<infer T> ? T : never;

/** Bytes of a colour profile, not compressed. */
const maxProfileBytes = 16 * 1024 * 1024;
const maxExifBytes = 65_536;
/** Of a chunk about colours. */
const maxColourBytes = 64;
/** Bytes of memory for a pixel, which decoders make four numbers of. */
const decodedPixelBytes = 4.2;

/** Bit depths that each colour type may have (PNG third edition, table 12). */
const bitDepths: Readonly<Record<number, readonly number[]>> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
};

/**
 * Plans a PNG or APNG (PNG third edition) of the chunks that make the picture, its colour profile made anew, and an eXIf
 * of the orientation alone. Everything behind IEND is left out. Where the file ends early, behind the picture, IEND is
 * added, and the frame of an animation that it ends in is left out. Checksums are not verified, and compressed data is
 * not looked at: a decoder will.
 * @throws ApiError DAMAGED_MEDIA; CUT_OFF_MEDIA for a file that ends within its picture
 */
export async function planPng(source: ByteSource): Promise<Rewriting> {
  if (!(await source.read(0, pngSignature.length)).equals(pngSignature)) throw damaged("no PNG signature");
  const header = await source.read(pngSignature.length, 8 + 13);
  if (header.toString("latin1", 4, 8) !== "IHDR" || header.readUInt32BE(0) !== 13)
    throw damaged("no IHDR first");
  const { width, height, components } = readHeader(header.subarray(8));
  const frames = new PngFrames(new Canvas(width, height));
  const colours: { -readonly [T in keyof PngColourChunks]: PngColourChunks[T] } = {};
  let orientation: Orientation | undefined;
  let hasProfile = false;
  let hasData = false;
  let isMended = false;
  for (let position = headerEnd; ;) {
    source.budget.elements.spend();
    const chunk = await readChunk(source, position, hasData);
    if (chunk === undefined || chunk.isCut) {
      if (!hasData || chunk?.type === "IDAT") throw cutOff("cut within the picture");
      frames.mend(chunk?.type === "fdAT");
      isMended = true;
      break;
    }
    const { type, length, end } = chunk;
    if (type === "IEND") break;
    const content = async (most: number) =>
      Buffer.from(await source.readUpTo(position + 8, Math.min(length, most)));
    if (type === "fcTL") frames.start(await content(26), !hasData);
    if (type === "acTL" && length === 8) frames.addControl(await content(8));
    else if (kept.has(type)) {
      frames.pieces.keep(position, end - position);
      hasData ||= type === "IDAT";
      if (type === "fdAT") frames.addData();
      if (!hasData && colourChunks.has(type as ColourChunk))
        colours[type as ColourChunk] ??= await content(maxColourBytes);
    } else if (type === "iCCP" && !hasData && !hasProfile) {
      hasProfile = true;
      const profile = readProfile(await source.read(position + 8, length));
      if (profile) {
        frames.pieces.add(profileChunk(profile));
        colours.iCCP = profile;
      }
    } else if (type === "eXIf" && orientation === undefined) {
      orientation = readOrientation(await content(maxExifBytes)) ?? 1;
      // Browsers read it in front of the picture only, so that it stays where it was.
      if (hasData) {
        if (orientation > 1) frames.pieces.add(pngChunk("eXIf", orientationExif(orientation)));
        orientation = 1;
      }
    } else if (!isAncillary(type)) {
      throw damaged(`${type === "IHDR" ? "a second IHDR" : "an unknown critical chunk"} at ${position}`);
    }
    position = end;
  }
  if (!hasData) throw damaged("no picture");
  frames.finish();

  const pieces = new Pieces();
  pieces.keep(0, headerEnd);
  if (orientation && orientation > 1) pieces.add(pngChunk("eXIf", orientationExif(orientation)));
  pieces.addAll(frames.pieces);
  pieces.add(pngChunk("IEND", Buffer.alloc(0)));
  return {
    pieces: pieces.list,
    orientation: orientation ?? 1,
    size: turned(width, height, orientation ?? 1),
    decodedPixels: width * height,
    hasPicture: true,
    decoding: {
      memoryBytes: width * height * decodedPixelBytes,
      components,
      colours: pngColours(colours),
      mustBeChecked: isMended ? "no end" : undefined,
    },
  };
}

interface Chunk {
  readonly type: string;
  /** Bytes of the content. */
  readonly length: number;
  readonly end: number;
  /** The file ends within it. */
  readonly isCut: boolean;
}

/** The chunk at `offset`; undefined where the file ends, or where what follows the picture's data is none. */
async function readChunk(source: ByteSource, offset: number, hasData: boolean): Promise<Chunk | undefined> {
  const head = await source.readUpTo(offset, 8);
  if (head.length < 8) return undefined;
  const type = head.toString("latin1", 4, 8);
  if (hasData && !/^[A-Za-z]{4}$/.test(type)) return undefined;
  const length = head.readUInt32BE(0);
  const end = offset + 12 + length;
  return { type, length, end, isCut: end > source.size };
}

/** Critical chunks have a capital first: without one of them the picture would be another one. */
const isAncillary = (type: string) => /^[a-z][A-Za-z]{3}$/.test(type);

/** @throws ApiError DAMAGED_MEDIA for values in IHDR that PNG does not have */
function readHeader(header: Buffer): { width: number; height: number; components: number } {
  const [width, height] = [header.readInt32BE(0), header.readInt32BE(4)];
  if (width <= 0 || height <= 0) throw damaged("a picture without a size");
  const [bitDepth = 0, colourType = 0, compression, filter, interlacing = 0] = header.subarray(8);
  if (!bitDepths[colourType]?.includes(bitDepth) || compression !== 0 || filter !== 0 || interlacing > 1)
    throw damaged("impossible values in IHDR");
  return { width, height, components: colourType === 0 || colourType === 4 ? 1 : 3 };
}

/** The profile in the content of an iCCP, made anew; undefined for one that decoders ignore. */
function readProfile(content: Buffer): Buffer | undefined {
  const nameEnd = content.indexOf(0);
  if (nameEnd === -1 || content[nameEnd + 1] !== 0) return undefined;
  try {
    return cleanProfile(inflateSync(content.subarray(nameEnd + 2), { maxOutputLength: maxProfileBytes }));
  } catch {
    return undefined;
  }
}

/** An iCCP whose profile has no name to speak of. */
function profileChunk(profile: Buffer): Buffer {
  return pngChunk("iCCP", Buffer.concat([Buffer.from("icc\0\0", "latin1"), deflateSync(profile)]));
}
