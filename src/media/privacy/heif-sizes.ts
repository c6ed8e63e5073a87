import { damaged } from "../damaged.ts";
import type { Box, BoxReader } from "../iso-boxes.ts";
import type { DisplaySize } from "../iso-display.ts";
import { readAssociations, readItemInfo, readLocations, readParts } from "./heif-tables.ts";

export interface PictureSizes {
  /** Of the primary picture as shown; null where the file has no such picture. */
  readonly size: DisplaySize | null;
  /** Of the largest item; the tiles of a grid count together. */
  readonly decodedPixels: number;
}

/**
 * The sizes of the pictures in a HEIF file: their `ispe`, turned by `irot` for the primary one, and those that items
 * put together from others have of their own (`grid`, `iovl`; ISO/IEC 23008-12 sections 6.5 and 6.6.2).
 * @param meta the file's `meta` box
 * @throws ApiError DAMAGED_MEDIA for a picture without pixels, or a grid that its tiles do not cover
 */
export async function readPictureSizes(reader: BoxReader, meta: Box): Promise<PictureSizes> {
  const boxes = await reader.within(meta.body + 4, meta.end);
  const { sizes, turned, largest } = await readProperties(reader, find(boxes, "iprp"));
  let decodedPixels = largest;
  const references = find(boxes, "iref");
  const parts = references ? await readParts(reader, references) : new Map<number, number[]>();
  for await (const { item, output, rows, columns } of readDerivedItems(reader, boxes)) {
    decodedPixels = Math.max(decodedPixels, pixelsOf(output));
    if (rows === 0) continue;
    const tiles = parts.get(item) ?? [];
    const tile = sizes.get(tiles[0] ?? 0);
    if (!tile || tiles.length !== rows * columns) throw damaged("a grid without its tiles");
    const covered = { width: columns * tile.width, height: rows * tile.height };
    if (output.width > covered.width || output.height > covered.height)
      throw damaged("a grid that its tiles do not cover");
    decodedPixels = Math.max(decodedPixels, pixelsOf(covered));
  }

  const primary = await readPrimaryItem(reader, find(boxes, "pitm"));
  const stored = sizes.get(primary) ?? null;
  const size = stored && turned.has(primary) ? { width: stored.height, height: stored.width } : stored;
  return { size, decodedPixels };
}

/** The size of every item that has one, the pixels of the largest, and the items that are shown on their side. */
async function readProperties(
  reader: BoxReader,
  iprp: Box | undefined,
): Promise<{ sizes: Map<number, DisplaySize>; largest: number; turned: Set<number> }> {
  let largest = 0;
  const sizes = new Map<number, DisplaySize>();
  const turned = new Set<number>();
  const groups = iprp ? await reader.children(iprp) : [];
  const container = find(groups, "ipco");
  const all = container ? await reader.children(container) : [];
  for (const association of groups.filter(({ type }) => type === "ipma"))
    for await (const { item, properties } of readAssociations(reader, association))
      for (const index of properties) {
        const property = all[index - 1];
        if (property?.type === "ispe") {
          const extent = await reader.content(property, 12);
          const size = { width: extent.readUInt32BE(4), height: extent.readUInt32BE(8) };
          largest = Math.max(largest, pixelsOf(size));
          sizes.set(item, size);
        } else if (property?.type === "irot" && (await reader.content(property, 1)).readUInt8(0) & 1)
          turned.add(item);
      }
  return { sizes, largest, turned };
}

interface DerivedItem {
  readonly item: number;
  readonly output: DisplaySize;
  /** 0 for an overlay. */
  readonly rows: number;
  readonly columns: number;
}

/** The items that are a grid or an overlay of others, with the size that their own few bytes declare. */
async function* readDerivedItems(reader: BoxReader, boxes: readonly Box[]): AsyncGenerator<DerivedItem> {
  const [iinf, iloc] = [find(boxes, "iinf"), find(boxes, "iloc")];
  if (!iinf || !iloc) return;
  const types = new Map<number, string>();
  for await (const { id, type } of readItemInfo(reader, iinf))
    if (type === "grid" || type === "iovl") types.set(id, type);
  if (types.size === 0) return;
  for await (const { item, extents } of readLocations(reader, iloc, find(boxes, "idat"))) {
    const type = types.get(item);
    if (!type) continue;
    const place = extents?.[0];
    if (!place) throw damaged("a grid or overlay without a place");
    // A length of zero means up to the end. An overlay has the colour of its background before its size.
    const header = await reader.source.readUpTo(place.offset, Math.min(place.length || 18, 18));
    const wide = (header.readUInt8(1) & 1) === 1;
    const at = type === "grid" ? 4 : 10;
    const output = wide
      ? { width: header.readUInt32BE(at), height: header.readUInt32BE(at + 4) }
      : { width: header.readUInt16BE(at), height: header.readUInt16BE(at + 2) };
    const [rows, columns] =
      type === "grid" ? [header.readUInt8(2) + 1, header.readUInt8(3) + 1] : ([0, 0] as const);
    yield { item, output, rows, columns };
  }
}

/** The number of the item to show, 0 where the file names none. */
async function readPrimaryItem(reader: BoxReader, pitm: Box | undefined): Promise<number> {
  if (!pitm) return 0;
  const content = await reader.content(pitm);
  return content.readUInt8(0) === 0 ? content.readUInt16BE(4) : content.readUInt32BE(4);
}

function pixelsOf({ width, height }: DisplaySize): number {
  if (width === 0 || height === 0) throw damaged("a picture without a size");
  return width * height;
}

function find(boxes: readonly Box[], type: string): Box | undefined {
  return boxes.find((box) => box.type === type);
}
