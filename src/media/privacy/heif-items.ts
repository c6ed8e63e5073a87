import { damaged } from "../damaged.ts";
import type { Box, BoxReader } from "../iso-boxes.ts";
import { blankChildren, blankHandlerName } from "./iso-blanking.ts";
import { orientationExif, readOrientation } from "./exif.ts";
import { readItemInfo, readLocations, type Extent } from "./heif-tables.ts";
import { wipeInData } from "./iso-samples.ts";
import type { Patches } from "./plan.ts";

const keptInMeta = new Set("hdlr pitm iinf iloc iprp iref idat grpl dinf ipro uuid".split(" "));
/** Item properties for people: a description, times of creation and change. */
const personalProperties = new Set(["udes", "crtt", "mdft"]);

const mostXmp = 65_536;

/**
 * Empties the items of a HEIF file's `meta` that hold EXIF, XMP or other text (ISO/IEC 14496-12 section 8.11), wherever
 * `iloc` says they are: in the media data or in `idat`.
 */
export async function blankItems(
  reader: BoxReader,
  patches: Patches,
  meta: Box,
  data: readonly Box[],
): Promise<void> {
  const all = await reader.within(meta.body + 4, meta.end);
  const boxes = await blankChildren(reader, patches, all, keptInMeta);
  const part = (type: string) => boxes.find((box) => box.type === type);
  for (const handler of boxes.filter(({ type }) => type === "hdlr")) blankHandlerName(patches, handler);
  const properties = part("iprp");
  const container = properties && (await reader.find(properties, "ipco"));
  // Properties are counted, so that a blanked one keeps its place.
  for (const property of container ? await reader.children(container) : [])
    if (personalProperties.has(property.type)) await blankChildren(reader, patches, [property], new Set());

  const [information, locations] = [part("iinf"), part("iloc")];
  if (!information || !locations) return;
  const items = await readPersonalItems(reader, information);
  if (items.size === 0) return;
  const idat = part("idat");
  const holders = [...data, ...(idat ? [idat] : [])].sort((a, b) => a.offset - b.offset);
  for await (const { item, extents } of readLocations(reader, locations, idat)) {
    const type = items.get(item);
    if (type === undefined) continue;
    if (extents === undefined) throw damaged("an item of metadata inside another item");
    for (const { offset, length } of extents) {
      if (length === 0) throw damaged("an item of metadata without an end");
      if (!wipeInData(patches, holders, offset, length))
        throw damaged("an item of metadata outside the data");
    }
    const [first] = extents;
    const empty = first && (await emptyItem(reader, type, first));
    if (empty && empty.length <= first.length) patches.write(first.offset, empty);
  }
}

/** What an item holds instead, so that its readers find it well-formed: the orientation it had, or no more than a root. */
async function emptyItem(
  reader: BoxReader,
  type: string,
  { offset, length }: Extent,
): Promise<Buffer | undefined> {
  if (type === "xmp")
    return Buffer.from('<x:xmpmeta xmlns:x="adobe:ns:meta/"/>'.padEnd(Math.min(length, mostXmp)));
  if (type !== "Exif") return undefined;
  const content = await reader.source.readUpTo(offset, Math.min(length, 65_536));
  // Four bytes say how far the TIFF header is (ISO/IEC 23008-12 annex A.2.1).
  const tiff = content.length < 4 ? content : content.subarray(4 + content.readUInt32BE(0));
  return Buffer.concat([Buffer.alloc(4), orientationExif(readOrientation(tiff) ?? 1)]);
}

/** The types of the items that are no picture, by number. */
async function readPersonalItems(reader: BoxReader, information: Box): Promise<Map<number, string>> {
  const items = new Map<number, string>();
  for await (const { id, type, names } of readItemInfo(reader, information)) {
    const isText = type === "mime" && !names.includes("\0image/");
    const isPlainXmp = /\0application\/rdf\+xml\0\0?$/.test(names);
    if (type === "Exif" || type === "uri " || isText) items.set(id, isPlainXmp ? "xmp" : type);
  }
  return items;
}
