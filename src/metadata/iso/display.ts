import type { Box, BoxReader } from "./boxes.ts";

export interface DisplaySize {
  readonly width: number;
  readonly height: number;
}

/** What kind of track this is: `vide`, `soun`, … (ISO/IEC 14496-12 section 8.4.3). */
export async function trackHandler(reader: BoxReader, track: Box): Promise<string> {
  const handler = await reader.find(track, "mdia", "hdlr");
  return handler ? (await reader.content(handler, 12)).toString("latin1", 8, 12) : "";
}

/** How a picture is turned and scaled: x' = a·x + c·y, y' = b·x + d·y. */
interface Matrix {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
}

/** Of a picture as shown: what a track can declare. */
const maxSide = 65_535;

const identity: Matrix = { a: 1, b: 0, c: 0, d: 1 };

/** How the whole movie is turned (`mvhd`); most are not. */
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
 * Size of a track as shown, turned by its matrix and the movie's (ISO/IEC 14496-12 section 8.3.2), and whether the
 * track is enabled; undefined where it has no size. Where the track's size is that of its coded pictures, their clean
 * aperture (`clap`) and the shape of their pixels (`pasp`; section 12.1.4) are applied.
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
  const isShown = size.width > 0 && size.height > 0 && Math.max(size.width, size.height) <= maxSide;
  return isShown ? { size, isEnabled: (content.readUInt8(3) & 1) === 1 } : undefined;
}

/** What a sample entry says of its pictures. */
interface CodedPicture extends DisplaySize {
  /** What of it is shown; all unless given. */
  readonly aperture: DisplaySize | undefined;
  /** Width of a pixel by its height. */
  readonly pixelRatio: number;
}

/** The size of a track before it is turned: a fraction where pixels are not square. */
function presentedSize(declared: DisplaySize, picture: CodedPicture): DisplaySize {
  const isWidth = (width: number) => Math.abs(declared.width - width) < 1;
  const isCoded =
    Math.abs(declared.height - picture.height) < 1 &&
    (isWidth(picture.width) || isWidth(picture.width * picture.pixelRatio));
  // A size of its own is meant.
  if (!isCoded && declared.width > 0 && declared.height > 0) return declared;
  const { width, height } = picture.aperture ?? picture;
  return { width: width * picture.pixelRatio, height };
}

async function readPicture(reader: BoxReader, track: Box): Promise<CodedPicture | undefined> {
  const descriptions = await reader.find(track, "mdia", "minf", "stbl", "stsd");
  const entry = descriptions && (await reader.at(descriptions.body + 8, descriptions.end));
  if (!entry || entry.end - entry.body < 78) return undefined;
  const content = await reader.content(entry, 28);
  const [width, height] = [content.readUInt16BE(24), content.readUInt16BE(26)];
  if (width === 0 || height === 0) return undefined;
  let aperture: DisplaySize | undefined;
  let pixelRatio = 1;
  for (
    let box = await reader.at(entry.body + 78, entry.end);
    box;
    box = await reader.at(box.end, entry.end)
  ) {
    if (box.type === "pasp" && box.end - box.body >= 8) {
      const ratio = await reader.content(box, 8);
      const [across, down] = [ratio.readUInt32BE(0), ratio.readUInt32BE(4)];
      if (across > 0 && down > 0) pixelRatio = across / down;
    } else if (box.type === "clap" && box.end - box.body >= 32) {
      const clean = await reader.content(box, 16);
      const shown = {
        width: clean.readUInt32BE(0) / clean.readUInt32BE(4),
        height: clean.readUInt32BE(8) / clean.readUInt32BE(12),
      };
      const isInside =
        shown.width >= 1 && shown.width <= width && shown.height >= 1 && shown.height <= height;
      if (isInside) aperture = shown;
    }
  }
  return { width, height, aperture, pixelRatio };
}

/**
 * Pixels of a track's largest coded picture, as its sample entries say (ISO/IEC 14496-12 section 12.1.3), which its
 * size as shown may hide.
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
