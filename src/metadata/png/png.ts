import { deflateSync, inflateSync } from "node:zlib";

import type { ByteSource } from "../byte-source.ts";
import { pngColours, type PngColourChunks } from "../../colour/png-colours.ts";
import { cutOff, damaged } from "../damaged.ts";
import { pngChunk, pngSignature, type PngChunkContent } from "./chunks.ts";
import { RowChecker } from "./rows.ts";
import { Canvas } from "../canvas.ts";
import { orientationExif, orientedSize, readOrientation, type Orientation } from "../exif.ts";
import { cleanProfile, maxProfileBytes } from "../icc.ts";
import { Pieces, type DataProblem, type Rewriting } from "../plan.ts";
import { chunkChecksum, keepWithChecksum, keepPictureData } from "./data.ts";
import { PngFrames } from "./frames.ts";

const headerEnd = pngSignature.length + 12 + 13;

/** Chunks that describe the picture and are kept, at most once each, with the length that their content must have. */
const contentBytes: Readonly<Record<string, number>> = {
  gAMA: 4,
  cHRM: 32,
  sRGB: 1,
  cICP: 4,
  mDCV: 24,
  mDCv: 24,
  cLLI: 8,
  cLLi: 8,
  pHYs: 9,
};
const frameControlBytes = 26;
/** Limit for the inflated rows of all animation frames together; inflating takes about a second per gigabyte. */
const maxFrameBytes = 1024 * 1024 * 1024;
/** Chunks that define the colour space. */
const colourChunks = new Set(["gAMA", "cHRM", "sRGB", "cICP"] as const);
type ColourChunk = typeof colourChunks extends ReadonlySet<infer T> ? T : never;

const maxExifBytes = 65_536;
/** Bytes of memory for a pixel, which decoders expand to RGBA. */
const decodedPixelBytes = 4.2;

/** The allowed bit depths of each colour type (PNG third edition, table 12). */
const bitDepths: Readonly<Record<number, readonly number[]>> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
};

const indexedColour = 3;

/**
 * Plans the rewriting of a PNG or APNG (PNG third edition). The new file consists of the chunks that make up the
 * picture, a rebuilt colour profile and an eXIf with nothing but the orientation. Everything after IEND or after the
 * last row of the picture is dropped. If the file ends early but after the picture, IEND is added and an incomplete
 * last frame of an animation is dropped.
 *
 * Data chunks of one picture are joined if other chunks interrupt them, and dropped after the end of its data.
 *
 * Wrong checksums are treated as browsers treat them: that of the last data chunk is corrected; those of earlier data
 * chunks, IHDR and PLTE make the file invalid; any other chunk with a wrong checksum or length is dropped.
 * @throws ApiError DAMAGED_MEDIA; CUT_OFF_MEDIA if the file ends within its picture
 */
export async function planPng(source: ByteSource): Promise<Rewriting> {
  if (!(await source.read(0, pngSignature.length)).equals(pngSignature)) throw damaged("no PNG signature");
  const header = await source.read(pngSignature.length, 8 + 13);
  if (header.toString("latin1", 4, 8) !== "IHDR" || header.readUInt32BE(0) !== 13)
    throw damaged("no IHDR first");
  const { width, height, colourType, bitDepth } = readHeader(header.subarray(8));
  const hasRightChecksum = async (chunk: PngChunkContent) =>
    (await source.read(chunk.offset + 8 + chunk.length, 4)).readUInt32BE(0) ===
    (await chunkChecksum(source, chunk));
  if (!(await hasRightChecksum({ type: "IHDR", offset: pngSignature.length, length: 13 })))
    throw damaged("a wrong checksum of IHDR");
  const pictureHeader = Buffer.from(header.subarray(8));
  const frames = new PngFrames(new Canvas(width, height));
  const colours: { -readonly [T in keyof PngColourChunks]: PngColourChunks[T] } = {};
  let orientation: Orientation | undefined;
  /** From an eXIf after the picture. Browsers ignore it there; it stays there for viewers that do not. */
  let trailingOrientation: Orientation | undefined;
  const seen = new Set<string>();
  /** The type of the chunks that hold the data of the current picture or frame. */
  let dataType = "IDAT";
  let data: Chunk[] = [];
  let frameHeader = pictureHeader;
  let frameBytesLeft = maxFrameBytes;
  let paletteEntries = 0;
  let hasData = false;
  let isRepaired = false;
  let dataProblem: DataProblem | undefined;
  /**
   * Keeps the collected data.
   * @returns false for the data of an animation frame that lacks rows; `dataProblem` is about the picture's own data
   */
  const keepData = async (): Promise<boolean> => {
    if (data.length === 0) return true;
    const isFrame = dataType === "fdAT";
    const rows = new RowChecker(frameHeader);
    if (isFrame) frameBytesLeft -= rows.bytes;
    let problem: DataProblem | undefined;
    if (frameBytesLeft >= 0) problem = await keepPictureData(frames.pieces, source, data, rows);
    else for (const chunk of data) await keepWithChecksum(frames.pieces, source, chunk);
    data = [];
    if (!isFrame) dataProblem = problem;
    return !isFrame || problem === undefined;
  };
  for (let position = headerEnd; ;) {
    source.budget.elements.spend();
    const chunk = await readChunk(source, position, hasData);
    if (chunk === undefined || chunk.isCut) {
      if (!hasData || (chunk?.type === "IDAT" && dataType === "IDAT")) throw cutOff("cut within the picture");
      const isWhole = await keepData();
      frames.repair(!isWhole || chunk?.type === "fdAT");
      isRepaired = true;
      break;
    }
    const { type, length, end } = chunk;
    if (type === "IDAT" || type === "fdAT") {
      if (type === "fdAT" && length < 4) throw damaged("data of a frame without its number");
      if (type === dataType) {
        if (type === "fdAT") frames.addData();
        data.push(chunk);
      }
      hasData ||= type === "IDAT";
      position = end;
      continue;
    }
    if ((type === "fcTL" || type === "IEND") && !(await keepData()))
      throw damaged("a frame without all its rows");
    if (type === "IEND") break;
    const content = async (maxLength = length) =>
      Buffer.from(await source.readUpTo(position + 8, Math.min(length, maxLength)));
    if (type === "acTL") {
      if (length === 8 && !hasData) frames.addControl(await content());
    } else if (type === "fcTL") {
      if (length !== frameControlBytes) throw damaged(`a frame control of ${length} bytes`);
      const control = await content();
      frames.start(control, !hasData);
      if (hasData) {
        dataType = "fdAT";
        frameHeader = Buffer.concat([control.subarray(4, 12), pictureHeader.subarray(8)]);
      }
      await keepWithChecksum(frames.pieces, source, chunk);
    } else if (type === "PLTE") {
      // In other pictures, PLTE only suggests colours to devices that have few.
      if (colourType === indexedColour && !hasData) {
        if (seen.has(type) || length === 0 || length % 3 > 0 || length > 3 * 256)
          throw damaged("an impossible palette");
        if (!(await hasRightChecksum(chunk))) throw damaged("a wrong checksum of PLTE");
        paletteEntries = Math.min(length / 3, 2 ** bitDepth);
        if (paletteEntries * 3 === length) frames.pieces.keep(position, end - position);
        else frames.pieces.add(pngChunk(type, await content(paletteEntries * 3)));
      }
    } else if (describes(chunk, colourType, paletteEntries)) {
      if (!hasData && !seen.has(type) && (await hasRightChecksum(chunk))) {
        frames.pieces.keep(position, end - position);
        if (colourChunks.has(type as ColourChunk)) colours[type as ColourChunk] = await content();
      }
    } else if (type === "iCCP" && !hasData && !seen.has(type)) {
      const profile = (await hasRightChecksum(chunk))
        ? readProfile(await source.read(position + 8, length))
        : undefined;
      if (profile) {
        frames.pieces.add(profileChunk(profile));
        colours.iCCP = profile;
      }
    } else if (type === "eXIf" && orientation === undefined) {
      const found = readOrientation(await content(maxExifBytes)) ?? 1;
      if (hasData) trailingOrientation ??= found;
      else orientation = found;
    } else if (!isAncillary(type)) {
      throw damaged(`${type === "IHDR" ? "a second IHDR" : "an unknown critical chunk"} at ${position}`);
    }
    seen.add(type);
    position = end;
  }
  if (!hasData) throw damaged("no picture");
  frames.finish();

  const pieces = new Pieces();
  pieces.keep(0, headerEnd);
  if (orientation && orientation > 1) pieces.add(pngChunk("eXIf", orientationExif(orientation)));
  pieces.addAll(frames.pieces);
  if (trailingOrientation && trailingOrientation > 1)
    pieces.add(pngChunk("eXIf", orientationExif(trailingOrientation)));
  pieces.add(pngChunk("IEND", Buffer.alloc(0)));
  return {
    pieces: pieces.list,
    orientation: orientation ?? 1,
    size: orientedSize(width, height, orientation ?? 1),
    decodedPixels: width * height,
    hasPicture: true,
    decoding: {
      memoryBytes: width * height * decodedPixelBytes,
      components: colourType === 0 || colourType === 4 ? 1 : 3,
      isAnimated: frames.isAnimated,
      colours: pngColours(colours),
      mustBeChecked: isRepaired ? "no end" : undefined,
      dataProblem,
    },
  };
}

interface Chunk extends PngChunkContent {
  readonly end: number;
  /** Whether the file ends within the chunk. */
  readonly isCut: boolean;
}

/**
 * Reads the chunk at `offset`; undefined at the end of the file, or if anything but a chunk follows the picture's data.
 */
async function readChunk(source: ByteSource, offset: number, hasData: boolean): Promise<Chunk | undefined> {
  const head = await source.readUpTo(offset, 8);
  if (head.length < 8) return undefined;
  const type = head.toString("latin1", 4, 8);
  if (hasData && !/^[A-Za-z]{4}$/.test(type)) return undefined;
  const length = head.readUInt32BE(0);
  const end = offset + 12 + length;
  return { type, offset, length, end, isCut: end > source.size };
}

/** Critical chunks start with a capital letter; dropping one would change the picture. */
const isAncillary = (type: string) => /^[a-z][A-Za-z]{3}$/.test(type);

/** Whether a chunk describes the picture and has the right length; decoders ignore any other length. */
function describes({ type, length }: PngChunkContent, colourType: number, paletteEntries: number): boolean {
  switch (type) {
    case "tRNS":
      if (colourType === indexedColour) return length > 0 && length <= paletteEntries;
      return length === (colourType === 0 ? 2 : colourType === 2 ? 6 : undefined);
    case "bKGD":
      return length === (colourType === indexedColour ? 1 : colourType === 0 || colourType === 4 ? 2 : 6);
    case "sBIT":
      return length === ({ 0: 1, 2: 3, 3: 3, 4: 2, 6: 4 } as Record<number, number>)[colourType];
    default:
      return length === contentBytes[type];
  }
}

interface PngHeader {
  readonly width: number;
  readonly height: number;
  readonly bitDepth: number;
  readonly colourType: number;
}

/** @throws ApiError DAMAGED_MEDIA for values in IHDR that PNG does not allow */
function readHeader(header: Buffer): PngHeader {
  const [width, height] = [header.readInt32BE(0), header.readInt32BE(4)];
  if (width <= 0 || height <= 0) throw damaged("a picture without a size");
  const [bitDepth = 0, colourType = 0, compression, filter, interlacing = 0] = header.subarray(8);
  if (!bitDepths[colourType]?.includes(bitDepth) || compression !== 0 || filter !== 0 || interlacing > 1)
    throw damaged("impossible values in IHDR");
  return { width, height, bitDepth, colourType };
}

/** Returns the rebuilt profile from the content of an iCCP; undefined for a profile that decoders ignore. */
function readProfile(content: Buffer): Buffer | undefined {
  const nameEnd = content.indexOf(0);
  if (nameEnd === -1 || content[nameEnd + 1] !== 0) return undefined;
  try {
    return cleanProfile(inflateSync(content.subarray(nameEnd + 2), { maxOutputLength: maxProfileBytes }));
  } catch {
    return undefined;
  }
}

/** Returns an iCCP chunk with a neutral profile name. */
function profileChunk(profile: Buffer): Buffer {
  return pngChunk("iCCP", Buffer.concat([Buffer.from("icc\0\0", "latin1"), deflateSync(profile)]));
}
