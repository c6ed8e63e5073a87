import { cutOff, damaged } from "../damaged.ts";
import type { Box, BoxReader } from "../iso/boxes.ts";
import { orientationExif, readOrientation } from "../exif.ts";
import { requireCodedPicture } from "./coding.ts";
import type { HeifItem, HeifMeta } from "./meta.ts";
import { cleanProperties } from "./properties.ts";
import type { ItemInfo } from "./tables.ts";
import { blankBox, blankHandlerName } from "../iso/blanking.ts";
import { blankJpeg } from "../jpeg/blanking.ts";
import { blankDataReferences } from "../iso/sample-entries.ts";
import type { Extent } from "../iso/samples.ts";
import type { MediaData } from "../iso/media-data.ts";
import type { Patches } from "../plan.ts";

/** Boxes in `meta` that readers need. Only the first one of each type is kept. */
const keptInMeta = new Set("hdlr pitm iinf iloc iprp iref idat grpl dinf".split(" "));

/** Item types of pictures, coded or derived from others (ISO/IEC 23008-12 section 6 and annexes). */
const pictureTypes = new Set(
  "hvc1 hev1 lhv1 hvt1 av01 avc1 svc1 vvc1 evc1 j2k1 unci mski grid iovl iden tmap".split(" "),
);

/** The decoder configuration that each item type requires. */
const requiredConfigurations: Readonly<Record<string, string>> = {
  hvc1: "hvcC",
  hev1: "hvcC",
  av01: "av1C",
  avc1: "avcC",
  vvc1: "vvcC",
};
const derivedTypes = new Set(["grid", "iovl", "iden", "tmap"]);
const maxExifBytes = 65_536;

interface SortedItems {
  /** Items that are kept. */
  readonly pictures: readonly HeifItem[];
  /** Items that are emptied. */
  readonly others: readonly HeifItem[];
}

/**
 * Selects the items to keep: all displayed pictures with their parts and auxiliary pictures. Thumbnails are removed like
 * other metadata, and so are JPEG previews that cameras write for their own screen: both may show parts of the picture
 * that were cropped or covered later.
 */
function sortItems({ items, primary }: HeifMeta): SortedItems {
  const needed = new Set<number>();
  const pending = [primary];
  for (const [id, { info, isShown }] of items)
    if (isShown && pictureTypes.has(info?.type ?? "")) pending.push(id);
  for (let id = pending.pop(); id !== undefined; id = pending.pop()) {
    if (needed.has(id)) continue;
    needed.add(id);
    const { parts = [], auxiliaries = [] } = items.get(id) ?? {};
    for (const other of [...parts, ...auxiliaries]) pending.push(other);
  }
  const isPicture = ([id, item]: [number, HeifItem]) =>
    needed.has(id) && (pictureTypes.has(item.info?.type ?? "") || isJpeg(item));
  const all = [...items];
  return {
    pictures: all.filter(isPicture).map(([, item]) => item),
    others: all.filter((entry) => !isPicture(entry)).map(([, item]) => item),
  };
}

const isJpeg = ({ info }: HeifItem) => info?.type === "jpeg" || info?.contentType === "image/jpeg";

/**
 * Checks that the primary picture can be decoded: its configuration, data and parts exist, and the data is a coded
 * picture.
 * @throws ApiError DAMAGED_MEDIA; CUT_OFF_MEDIA if the data extends beyond the file
 */
export async function requireDecodable(
  reader: BoxReader,
  { items, primary }: HeifMeta,
  data: MediaData,
): Promise<void> {
  const checked = new Set<number>();
  const pending = [primary];
  for (let id = pending.pop(); id !== undefined; id = pending.pop()) {
    if (checked.has(id)) continue;
    checked.add(id);
    const item = items.get(id);
    const type = item?.info?.type;
    if (!item || type === undefined) throw damaged("a missing picture");
    if (derivedTypes.has(type)) {
      if (item.parts.length === 0) throw damaged(`a picture (${type}) without parts`);
      pending.push(...item.parts);
      continue;
    }
    const name = requiredConfigurations[type];
    const configuration = item.properties.find(({ box }) => box.type === name)?.box;
    if (name && !configuration) throw damaged(`a picture (${type}) without ${name}`);
    if (!item.extents) continue;
    if (item.extents.length === 0) throw damaged(`a picture (${type}) without data`);
    for (const { offset, length } of item.extents) {
      if (offset + length > reader.source.size) throw cutOff("data beyond the end of the file");
      const holder = data.boxAt(offset);
      if (!holder || offset + length > holder.end)
        throw damaged(`a picture (${type}) outside the media data`);
    }
    const extents = item.extents.map((extent) => wholeExtent(extent, data));
    await requireCodedPicture(reader, type, configuration, extents);
  }
}

/**
 * Blanks the metadata in a HEIF file's `meta` box, and empties items that are not kept (ISO/IEC 14496-12 section 8.11):
 * EXIF, XMP, texts and thumbnails. JPEG pictures lose their own metadata.
 * @returns the ranges of data that readers need; undefined if some are unknown
 * @throws ApiError DAMAGED_MEDIA for an item to remove whose data cannot be located
 */
export async function cleanItems(
  reader: BoxReader,
  patches: Patches,
  meta: HeifMeta,
  data: MediaData,
): Promise<Extent[] | undefined> {
  const seen = new Set<string>();
  for (const box of meta.boxes) {
    if (!keptInMeta.has(box.type) || seen.has(box.type)) {
      blankBox(patches, box);
      continue;
    }
    seen.add(box.type);
    if (box.type === "hdlr") blankHandlerName(patches, box);
    if (box.type === "grpl") await cleanGroups(reader, patches, box);
    const references = box.type === "dinf" && (await reader.find(box, "dref"));
    if (references) await blankDataReferences(reader, patches, references);
  }
  for (const { offset, length } of meta.unused) patches.wipe(offset, offset + length);
  await cleanProperties(reader, patches, meta);
  for (const { info } of meta.items.values())
    if (info && info.name.length > 0) patches.write(info.name.offset, Buffer.alloc(info.name.length, " "));

  const { pictures, others } = sortItems(meta);
  const needed: Extent[] = [];
  for (const item of others) needed.push(...(await emptyItem(reader, patches, item, data)));
  for (const item of pictures) if (isJpeg(item)) await cleanJpeg(reader, patches, item);
  if (pictures.some(({ extents }) => !extents)) return undefined;
  for (const item of pictures) {
    let left = await usedBytes(reader, item);
    for (const extent of item.extents ?? []) {
      const { offset, length } = wholeExtent(extent, data);
      needed.push({ offset, length: Math.min(length, left) });
      left -= Math.min(length, left);
    }
  }
  return needed;
}

/** Returns how many bytes of a picture's data readers use (ISO/IEC 23008-12 section 6.6.2). Coded pictures use all. */
async function usedBytes(reader: BoxReader, { info, extents, parts }: HeifItem): Promise<number> {
  if (info?.type === "iden") return 0;
  const [first] = extents ?? [];
  if (!first || (info?.type !== "grid" && info?.type !== "iovl")) return Infinity;
  // A flag widens the sizes and positions from 16 to 32 bits.
  const pairBytes = (await reader.source.read(first.offset, 2)).readUInt8(1) & 1 ? 8 : 4;
  return info.type === "grid" ? 4 + pairBytes : 10 + pairBytes * (1 + parts.length);
}

/** Resolves a length of zero, which means up to the end of the data box. */
const wholeExtent = ({ offset, length }: Extent, data: MediaData): Extent =>
  length > 0 ? { offset, length } : { offset, length: (data.boxAt(offset)?.end ?? offset) - offset };

/** Empties an item and shortens its length to the replacement content. Returns the remaining ranges. */
async function emptyItem(
  reader: BoxReader,
  patches: Patches,
  { info, extents }: HeifItem,
  data: MediaData,
): Promise<Extent[]> {
  if (extents === undefined) throw damaged("an item of metadata inside another item");
  for (const { offset, length } of extents) {
    if (length === 0) throw damaged("an item of metadata without an end");
    const holder = data.boxAt(offset);
    if (!holder || offset + length > holder.end) throw damaged("an item of metadata outside the data");
    patches.wipe(offset, offset + length);
  }
  const isText = info?.type === "Exif" || info?.type === "mime" || info?.type === "uri ";
  // Readers must not try to decode it.
  if (!isText && info?.typeAt !== undefined) patches.write(info.typeAt, Buffer.from("free", "latin1"));
  const [first, ...more] = extents;
  if (!first) return [];
  const content = info && (await emptyContent(reader, info, first));
  const fits = content !== undefined && content.length <= first.length;
  if (fits) patches.write(first.offset, content);
  if (more.length > 0) return [...extents];
  const length = fits ? content.length : 1;
  const field = Buffer.alloc(first.lengthField.length);
  if (field.length === 8) field.writeBigUInt64BE(BigInt(length));
  else field.writeUIntBE(length, 0, field.length);
  patches.write(first.lengthField.offset, field);
  return [{ offset: first.offset, length }];
}

/** Returns well-formed replacement content for an item: its orientation, or an empty XMP root element. */
async function emptyContent(
  reader: BoxReader,
  { type, contentType }: ItemInfo,
  { offset, length }: Extent,
): Promise<Buffer | undefined> {
  if (contentType === "application/rdf+xml") return Buffer.from('<x:xmpmeta xmlns:x="adobe:ns:meta/"/>');
  if (type !== "Exif") return undefined;
  const content = await reader.source.readUpTo(offset, Math.min(length, maxExifBytes));
  // Four bytes give the offset of the TIFF header (ISO/IEC 23008-12 annex A.2.1).
  const tiff = content.length < 4 ? content : content.subarray(4 + content.readUInt32BE(0));
  return Buffer.concat([Buffer.alloc(4), orientationExif(readOrientation(tiff) ?? 1)]);
}

/** Removes the metadata inside a JPEG item. */
async function cleanJpeg(reader: BoxReader, patches: Patches, { extents }: HeifItem): Promise<void> {
  const [extent, ...more] = extents ?? [];
  if (!extent || extent.length === 0 || more.length > 0) throw damaged("a JPEG in several pieces");
  await blankJpeg(reader.source.part(extent.offset, extent.length), (offset, bytes) =>
    patches.write(extent.offset + offset, bytes),
  );
}

/** Entity groups that contain only the ids of their members (ISO/IEC 23008-12 section 6.8). */
const plainGroups = new Set("altr brst tsyn iaug eqiv slid favc albc".split(" "));
/** Its group box may have further bytes, which describe the cameras of the left and right picture. */
const stereoPair = "ster";
/** Size of version, flags, group id and number of members. */
const groupHeadBytes = 12;

/** Keeps known entity groups with their members (`grpl`), and blanks others. */
async function cleanGroups(reader: BoxReader, patches: Patches, grpl: Box): Promise<void> {
  for (const group of await reader.children(grpl)) {
    if (!plainGroups.has(group.type) && group.type !== stereoPair) {
      blankBox(patches, group);
      continue;
    }
    const members = (await reader.content(group, groupHeadBytes)).readUInt32BE(8);
    const end = Math.min(group.end, group.body + groupHeadBytes + 4 * members);
    patches.wipe(end, group.end);
  }
}
