import { codedColours } from "../../colour/coded-colours.ts";
import type { SourceColours } from "../../colour/source-colours.ts";
import type { ByteSource } from "../../metadata/byte-source.ts";
import { readHeifMeta, type HeifItem, type HeifMeta } from "../../metadata/heif/meta.ts";
import { readPictureSizes } from "../../metadata/heif/sizes.ts";
import { BoxReader, type Box } from "../../metadata/iso/boxes.ts";
import { CannotDecode } from "./cannot-decode.ts";
import type { Rectangle, Transformation } from "./pixel-view.ts";

/** The declared properties of a HEIF file's primary picture. */
export interface PictureItem {
  /** The item type of its coded pictures: `hvc1`, `av01` or another one; undefined if the file has only a sequence. */
  readonly coding: string | undefined;
  /** Pixels of the largest picture in the file; the tiles of a grid count together. */
  readonly pixels: number;
  /** Bytes of a pixel in its coded pictures, all channels together; a fraction with chroma subsampling. */
  readonly codedBytesPerPixel: number;
  /** Undefined for sRGB, and if the file does not say. */
  readonly colours: SourceColours | undefined;
  /** The steps to the displayed picture, in order. */
  readonly transformations: readonly Transformation[];
}

/** Limit on pictures derived from each other, far above real files. */
const maxDerivations = 8;

/**
 * Reads how the primary picture of a HEIC or AVIF is coded, coloured and displayed (ISO/IEC 23008-12 section 6.5).
 * @throws ApiError DAMAGED_MEDIA; CannotDecode for a file without a primary picture, or properties without a meaning
 */
export async function readPictureItem(source: ByteSource): Promise<PictureItem> {
  const reader = new BoxReader(source);
  for (let offset = 0; offset < source.size;) {
    const box = await reader.at(offset, source.size);
    if (!box) break;
    if (box.type === "meta") return readPrimary(reader, await readHeifMeta(reader, box));
    offset = box.end;
  }
  return { coding: undefined, pixels: 0, codedBytesPerPixel: 0, colours: undefined, transformations: [] };
}

async function readPrimary(reader: BoxReader, meta: HeifMeta): Promise<PictureItem> {
  let coded = meta.items.get(meta.primary);
  if (!coded) throw new CannotDecode("no primary picture");
  const transformations = await readTransformations(reader, coded);
  let colours = await readColours(reader, coded);
  // A derived picture may leave its colours to its parts.
  for (let depth = 0; coded.parts.length > 0 && depth < maxDerivations; depth++) {
    const part: HeifItem | undefined = meta.items.get(coded.parts[0] as number);
    if (!part) throw new CannotDecode("a picture without its part");
    coded = part;
    colours ??= await readColours(reader, coded);
  }
  return {
    coding: coded.info?.type,
    pixels: (await readPictureSizes(reader, meta)).decodedPixels,
    codedBytesPerPixel: await readCodedBytesPerPixel(reader, coded),
    colours: colours ?? undefined,
    transformations,
  };
}

/** Samples of a pixel by HEVC's code for chroma subsampling: none, 4:2:0, 4:2:2, 4:4:4. */
const hevcSamples = [1, 1.5, 2, 3];

/** Reads the form of the samples from a decoder configuration (ISO/IEC 14496-15 section 8.3.3, AV1-ISOBMFF section 2.3). */
async function readCodedBytesPerPixel(reader: BoxReader, { properties }: HeifItem): Promise<number> {
  for (const { box } of properties) {
    if (box.type === "hvcC") {
      const content = await reader.content(box, 19);
      const samples = hevcSamples[content.readUInt8(16) & 3] as number;
      return (content.readUInt8(17) & 7) > 0 || (content.readUInt8(18) & 7) > 0 ? samples * 2 : samples;
    }
    if (box.type === "av1C") {
      const form = (await reader.content(box, 4)).readUInt8(2);
      const [isDeep, isGrey] = [(form & 0x40) > 0, (form & 0x10) > 0];
      const chroma = (form & 8 ? 1 : 2) / (form & 4 ? 2 : 1);
      return (isGrey ? 1 : 1 + chroma) * (isDeep ? 2 : 1);
    }
  }
  return 0;
}

/**
 * Reads the colours of an item. A profile precedes coded colours, which then only describe the coding.
 * @returns undefined for sRGB; null if the item has no colours
 */
async function readColours(
  reader: BoxReader,
  { properties }: HeifItem,
): Promise<SourceColours | undefined | null> {
  let coded: SourceColours | undefined | null = null;
  for (const { box } of properties) {
    if (box.type !== "colr") continue;
    const content = await reader.content(box);
    const type = content.toString("latin1", 0, 4);
    // A copy, because the reader reuses its buffer.
    if (type === "prof" || type === "rICC") return { profile: Buffer.from(content.subarray(4)) };
    if (type === "nclx" && content.length >= 8)
      coded ??= codedColours(content.readUInt16BE(4), content.readUInt16BE(6));
  }
  return coded;
}

async function readTransformations(reader: BoxReader, { properties }: HeifItem): Promise<Transformation[]> {
  const steps: Transformation[] = [];
  let size: { width: number; height: number } | undefined;
  for (const { box } of properties)
    if (box.type === "ispe") {
      const content = await reader.content(box, 12);
      size ??= { width: content.readUInt32BE(4), height: content.readUInt32BE(8) };
    }
  for (const { box } of properties) {
    if (box.type === "irot") {
      const quarterTurns = (await reader.content(box, 1)).readUInt8(0) & 3;
      steps.push({ quarterTurns });
      if (size && quarterTurns % 2 === 1) size = { width: size.height, height: size.width };
    } else if (box.type === "imir") {
      const isAcross = ((await reader.content(box, 1)).readUInt8(0) & 1) === 1;
      steps.push({ mirror: isAcross ? "left to right" : "top to bottom" });
    } else if (box.type === "clap" && size) {
      const crop = await readCrop(reader, box, size);
      steps.push({ crop });
      size = crop;
    }
  }
  return steps;
}

/** Reads a clean aperture, whose offset is that of its centre from the picture's (ISO/IEC 14496-12 section 12.1.4). */
async function readCrop(
  reader: BoxReader,
  box: Box,
  picture: { readonly width: number; readonly height: number },
): Promise<Rectangle> {
  const content = await reader.content(box, 32);
  const fraction = (at: number) => content.readInt32BE(at) / content.readInt32BE(at + 4);
  const [width, height] = [Math.round(fraction(0)), Math.round(fraction(8))];
  const x = Math.round((picture.width - width) / 2 + fraction(16));
  const y = Math.round((picture.height - height) / 2 + fraction(24));
  if (![x, y, width, height].every(Number.isSafeInteger)) throw new CannotDecode("a crop without a size");
  return { x, y, width, height };
}
