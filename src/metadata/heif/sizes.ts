import { damaged } from "../damaged.ts";
import type { Box, BoxReader } from "../iso/boxes.ts";
import type { DisplaySize } from "../iso/display.ts";
import type { HeifItem, HeifMeta } from "./meta.ts";

export interface PictureSizes {
  /** Display size of the primary picture; null if there is none. */
  readonly size: DisplaySize | null;
  /** Pixel count of the largest item; the tiles of a grid count together. */
  readonly decodedPixels: number;
}

/**
 * Reads the sizes of the pictures in a HEIF file from `ispe`, and from the derived items `grid` and `iovl` (ISO/IEC 23008-12
 * sections 6.5 and 6.6.2). The size of the primary picture is cropped by `clap` and rotated by `irot`.
 * @throws ApiError DAMAGED_MEDIA for an empty picture, or a grid that its tiles do not cover
 */
export async function readPictureSizes(reader: BoxReader, meta: HeifMeta): Promise<PictureSizes> {
  const sizes = new Map<number, DisplaySize>();
  let decodedPixels = 0;
  for (const [id, { properties }] of meta.items)
    for (const { box } of properties) {
      if (box.type !== "ispe") continue;
      const extent = await reader.content(box, 12);
      const size = { width: extent.readUInt32BE(4), height: extent.readUInt32BE(8) };
      decodedPixels = Math.max(decodedPixels, pixelsOf(size));
      sizes.set(id, size);
    }
  for (const item of meta.items.values()) {
    const { type } = item.info ?? {};
    if (type !== "grid" && type !== "iovl") continue;
    const { output, rows, columns } = await readDerivation(reader, item, type);
    decodedPixels = Math.max(decodedPixels, pixelsOf(output));
    if (rows === 0) continue;
    const tile = sizes.get(item.parts[0] ?? 0);
    if (!tile || item.parts.length !== rows * columns) throw damaged("a grid without its tiles");
    const covered = { width: columns * tile.width, height: rows * tile.height };
    if (output.width > covered.width || output.height > covered.height)
      throw damaged("a grid that its tiles do not cover");
    decodedPixels = Math.max(decodedPixels, pixelsOf(covered));
  }
  const primary = meta.items.get(meta.primary);
  const stored = sizes.get(meta.primary);
  return { size: primary && stored ? await displaySize(reader, stored, primary) : null, decodedPixels };
}

/** Applies the transformative properties of a picture in order. */
async function displaySize(reader: BoxReader, stored: DisplaySize, item: HeifItem): Promise<DisplaySize> {
  let size = stored;
  for (const { box } of item.properties)
    if (box.type === "clap") size = (await readCleanAperture(reader, box, size)) ?? size;
    else if (box.type === "irot" && (await reader.content(box, 1)).readUInt8(0) & 1)
      size = { width: size.height, height: size.width };
  return size;
}

/** Returns the size of a clean aperture in whole pixels (ISO/IEC 14496-12 section 12.1.4); undefined if invalid. */
async function readCleanAperture(
  reader: BoxReader,
  box: Box,
  { width, height }: DisplaySize,
): Promise<DisplaySize | undefined> {
  const content = await reader.content(box, 32);
  const fraction = (at: number) => Math.round(content.readUInt32BE(at) / content.readUInt32BE(at + 4));
  const shown = { width: fraction(0), height: fraction(8) };
  const fits = shown.width >= 1 && shown.width <= width && shown.height >= 1 && shown.height <= height;
  return fits ? shown : undefined;
}

interface Derivation {
  readonly output: DisplaySize;
  /** 0 for an overlay. */
  readonly rows: number;
  readonly columns: number;
}

/** Reads the output size and the layout from the data of a grid or overlay item. */
async function readDerivation(
  reader: BoxReader,
  { extents }: HeifItem,
  type: "grid" | "iovl",
): Promise<Derivation> {
  const extent = extents?.[0];
  if (!extent) throw damaged("a grid or overlay without data");
  // A length of zero means up to the end. In an overlay, the background colour precedes the size.
  const header = await reader.source.readUpTo(extent.offset, Math.min(extent.length || 18, 18));
  const isWide = (header.readUInt8(1) & 1) === 1;
  const at = type === "grid" ? 4 : 10;
  const output = isWide
    ? { width: header.readUInt32BE(at), height: header.readUInt32BE(at + 4) }
    : { width: header.readUInt16BE(at), height: header.readUInt16BE(at + 2) };
  const [rows, columns] =
    type === "grid" ? [header.readUInt8(2) + 1, header.readUInt8(3) + 1] : ([0, 0] as const);
  return { output, rows, columns };
}

function pixelsOf({ width, height }: DisplaySize): number {
  if (width === 0 || height === 0) throw damaged("a picture without a size");
  return width * height;
}
