import { damaged } from "../byte-source.ts";
import type { Box, BoxReader } from "../iso-boxes.ts";
import { blankChildren, blankHandlerName } from "./iso-blanking.ts";
import { orientationExif, readOrientation } from "./exif.ts";
import { wipeInData } from "./iso-samples.ts";
import type { Patches } from "./plan.ts";

const keptInMeta = new Set("hdlr pitm iinf iloc iprp iref idat grpl dinf ipro uuid".split(" "));
/** Item properties for people: a description, times of creation and change. */
const personalProperties = new Set(["udes", "crtt", "mdft"]);

const mostXmp = 65_536;

interface Extent {
  readonly offset: number;
  readonly length: number;
}

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
  for (const { item, extents } of readLocations(await reader.content(locations), idat)) {
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

/** The types of the items that are no picture, by number (`infe`). */
async function readPersonalItems(reader: BoxReader, information: Box): Promise<Map<number, string>> {
  const version = (await reader.content(information, 1)).readUInt8(0);
  const items = new Map<number, string>();
  for (const entry of await reader.within(information.body + (version === 0 ? 6 : 8), information.end)) {
    if (entry.type !== "infe") continue;
    const content = await reader.content(entry);
    const entryVersion = content.readUInt8(0);
    const wide = entryVersion >= 3;
    const id = wide ? content.readUInt32BE(4) : content.readUInt16BE(4);
    // Entries before version 2 have no type: what they describe is a file of its own.
    const typeOffset = wide ? 10 : 8;
    const type = entryVersion >= 2 ? content.toString("latin1", typeOffset, typeOffset + 4) : "mime";
    const isText = type === "mime" && !content.includes("\0image/", typeOffset, "latin1");
    const isPlainXmp = /\0application\/rdf\+xml\0\0?$/.test(content.toString("latin1", typeOffset + 4));
    if (type === "Exif" || type === "uri " || isText) items.set(id, isPlainXmp ? "xmp" : type);
  }
  return items;
}

/** `iloc`: where every item lies in the file; its extents are undefined where they are parts of another item. */
function* readLocations(
  iloc: Buffer,
  idat: Box | undefined,
): Generator<{ item: number; extents: Extent[] | undefined }> {
  const version = iloc.readUInt8(0);
  const [offsetWidth, lengthWidth] = [iloc.readUInt8(4) >> 4, iloc.readUInt8(4) & 15];
  const [baseWidth, indexWidth] = [iloc.readUInt8(5) >> 4, version > 0 ? iloc.readUInt8(5) & 15 : 0];
  let position = 6;
  const next = (width: number) => {
    position += width;
    if (width === 0) return 0;
    return width === 8
      ? Number(iloc.readBigUInt64BE(position - 8))
      : iloc.readUIntBE(position - width, width);
  };
  for (let left = next(version < 2 ? 2 : 4); left > 0; left--) {
    const item = next(version < 2 ? 2 : 4);
    const method = version > 0 ? next(2) & 15 : 0;
    next(2);
    const base = next(baseWidth) + (method === 1 ? (idat?.body ?? 0) : 0);
    const extents: Extent[] = [];
    let count = next(2);
    // Extents without bytes of their own would make a short table a long one.
    if (offsetWidth + lengthWidth + indexWidth === 0 && count > 1) throw damaged("extents without a place");
    for (; count > 0; count--) {
      next(indexWidth);
      extents.push({ offset: base + next(offsetWidth), length: next(lengthWidth) });
    }
    yield { item, extents: method < 2 ? extents : undefined };
  }
}
