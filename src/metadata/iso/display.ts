import type { Box, BoxReader } from "./boxes.ts";
import { stretched } from "../plan.ts";

export interface DisplaySize {
  readonly width: number;
  readonly height: number;
}

/** Reads the handler type of a track: `vide`, `soun`, … (ISO/IEC 14496-12 section 8.4.3). */
export async function trackHandler(reader: BoxReader, track: Box): Promise<string> {
  const handler = await reader.find(track, "mdia", "hdlr");
  return handler ? (await reader.content(handler, 12)).toString("latin1", 8, 12) : "";
}

/** The rotation and scale of a picture: x' = a·x + c·y, y' = b·x + d·y. */
interface Matrix {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
}

/** Largest width or height that a track header can declare. */
const maxSide = 65_535;

const identity: Matrix = { a: 1, b: 0, c: 0, d: 1 };

/** Reads the matrix of the whole movie (`mvhd`). */
export async function movieMatrix(reader: BoxReader, movie: Box): Promise<Matrix> {
  const header = await reader.find(movie, "mvhd");
  if (!header) return identity;
  const version = (await reader.content(header, 1)).readUInt8(0);
  const at = version === 1 ? 48 : 36;
  return header.end - header.body < at + 36
    ? identity
    : readMatrix(await reader.content(header, at + 36), at);
}

function readMatrix(content: Buffer, at: number): Matrix {
  const value = (index: number) => content.readInt32BE(at + index * 4) / 65_536;
  const matrix = { a: value(0), b: value(1), c: value(3), d: value(4) };
  // Some muxers write zeros.
  return matrix.a * matrix.d === matrix.b * matrix.c ? identity : matrix;
}

const multiply = (first: Matrix, second: Matrix): Matrix => ({
  a: first.a * second.a + first.b * second.c,
  b: first.a * second.b + first.b * second.d,
  c: first.c * second.a + first.d * second.c,
  d: first.c * second.b + first.d * second.d,
});

/**
 * Computes the display size of a track, transformed by its own matrix and the movie's (ISO/IEC 14496-12 section 8.3.2),
 * as Chromium shows it: all coded pixels, stretched to the pixel aspect ratio (`pasp`, section 12.1.4) or else to the
 * aspect ratio of the size in the track header. The clean aperture (`clap`) is not applied.
 * @returns the size, and whether the track is enabled; undefined for a track without a size
 */
export async function trackDisplaySize(
  reader: BoxReader,
  track: Box,
  movie: Matrix,
): Promise<{ readonly size: DisplaySize; readonly isEnabled: boolean } | undefined> {
  const header = await reader.find(track, "tkhd");
  if (!header) return undefined;
  const version = (await reader.content(header, 1)).readUInt8(0);
  const at = version === 1 ? 52 : 40;
  const content = await reader.content(header, at + 44);
  const declared = {
    width: content.readUInt32BE(at + 36) / 65_536,
    height: content.readUInt32BE(at + 40) / 65_536,
  };
  const picture = await readPicture(reader, track);
  const { width, height } = picture ? presentedSize(declared, picture) : declared;
  const { a, b, c, d } = multiply(readMatrix(content, at), movie);
  const size = {
    width: Math.round(Math.abs(a) * width + Math.abs(c) * height),
    height: Math.round(Math.abs(b) * width + Math.abs(d) * height),
  };
  const isValid = size.width > 0 && size.height > 0 && Math.max(size.width, size.height) <= maxSide;
  return isValid ? { size, isEnabled: (content.readUInt8(3) & 1) === 1 } : undefined;
}

/** The picture size in a sample entry. */
interface CodedPicture extends DisplaySize {
  /** Width of a pixel divided by its height; undefined if the entry does not say. */
  readonly pixelRatio: number | undefined;
}

/** Returns the size before rotation, which may be fractional where pixels are not square. */
function presentedSize(declared: DisplaySize, picture: CodedPicture): DisplaySize {
  const isDeclared = declared.width > 0 && declared.height > 0;
  const declaredRatio = isDeclared
    ? (declared.width * picture.height) / (declared.height * picture.width)
    : 1;
  return stretched(picture, picture.pixelRatio ?? declaredRatio);
}

async function readPicture(reader: BoxReader, track: Box): Promise<CodedPicture | undefined> {
  const descriptions = await reader.find(track, "mdia", "minf", "stbl", "stsd");
  const entry = descriptions && (await reader.at(descriptions.body + 8, descriptions.end));
  if (!entry || entry.end - entry.body < 78) return undefined;
  const content = await reader.content(entry, 28);
  const [width, height] = [content.readUInt16BE(24), content.readUInt16BE(26)];
  if (width === 0 || height === 0) return undefined;
  let pixelRatio: number | undefined;
  for (
    let box = await reader.at(entry.body + 78, entry.end);
    box;
    box = await reader.at(box.end, entry.end)
  ) {
    if (box.type === "pasp" && box.end - box.body >= 8) {
      const ratio = await reader.content(box, 8);
      const [across, down] = [ratio.readUInt32BE(0), ratio.readUInt32BE(4)];
      if (across > 0 && down > 0) pixelRatio = across / down;
    }
  }
  return { width, height, pixelRatio };
}

/**
 * Returns the pixel count of the largest coded picture among a track's sample entries (ISO/IEC 14496-12 section 12.1.3),
 * which may be far larger than the display size.
 */
export async function trackCodedPixels(reader: BoxReader, track: Box): Promise<number> {
  const descriptions = await reader.find(track, "mdia", "minf", "stbl", "stsd");
  if (!descriptions) return 0;
  let largest = 0;
  for (let offset = descriptions.body + 8; ;) {
    const entry = await reader.at(offset, descriptions.end);
    if (!entry) return largest;
    if (entry.end - entry.body >= 28) {
      const content = await reader.content(entry, 28);
      largest = Math.max(largest, content.readUInt16BE(24) * content.readUInt16BE(26));
    }
    offset = entry.end;
  }
}
