import { cutOff, damaged } from "../damaged.ts";
import type { Box, BoxReader } from "../iso/boxes.ts";
import { orientationExif, readOrientation } from "../exif.ts";
import { requireCodedPicture } from "./coding.ts";
import { cleanGroups } from "./groups.ts";
import type { HeifItem, HeifMeta } from "./meta.ts";
import { cleanProperties } from "./properties.ts";
import type { ItemInfo } from "./tables.ts";
import { blankBox, blankHandlerName } from "../iso/blanking.ts";
import { blankJpeg } from "../jpeg/blanking.ts";
import { blankDataReferences } from "../iso/sample-entries.ts";
import type { Extent } from "../iso/samples.ts";
import type { MediaData } from "../iso/media-data.ts";
import type { Patches } from "../plan.ts";

/** Boxes of `meta` that readers need, the first one of each type. */
const keptInMeta = new Set("hdlr pitm iinf iloc iprp iref idat grpl dinf".split(" "));

/** Types of items that are pictures: coded, or made of others (ISO/IEC 23008-12 section 6 and annexes). */
const pictureTypes = new Set(
  "hvc1 hev1 lhv1 hvt1 av01 avc1 svc1 vvc1 evc1 j2k1 unci mski grid iovl iden tmap".split(" "),
);

/** What a decoder must be told before it can begin with an item of this type. */
const configurations: Readonly<Record<string, string>> = {
  hvc1: "hvcC",
  hev1: "hvcC",
  av01: "av1C",
  avc1: "avcC",
  vvc1: "vvcC",
};
const derived = new Set(["grid", "iovl", "iden", "tmap"]);
const mostExif = 65_536;

/** The items of a file that stay, and those that are emptied. */
interface SortedItems {
  readonly pictures: readonly HeifItem[];
  readonly others: readonly HeifItem[];
}

/**
 * Sorts the items of a HEIF file. Pictures that are shown stay, also further ones, with their parts and what belongs to
 * them. Smaller versions of a picture go like other metadata, and so do JPEGs that are not the picture, which cameras
 * write for their own screen: both may show what was cropped or covered later.
 */
function sortItems({ items, primary }: HeifMeta): SortedItems {
  const needed = new Set<number>();
  const waiting = [primary];
  for (const [id, { info, isShown }] of items)
    if (isShown && pictureTypes.has(info?.type ?? "")) waiting.push(id);
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    if (needed.has(id)) continue;
    needed.add(id);
    const { parts = [], auxiliaries = [] } = items.get(id) ?? {};
    for (const other of [...parts, ...auxiliaries]) waiting.push(other);
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
 * Refuses a primary picture that no decoder could show, for lack of its configuration, its data or its parts, or because
 * its data is not a coded picture.
 * @throws ApiError DAMAGED_MEDIA; CUT_OFF_MEDIA where its data reaches beyond the file
 */
export async function requireDecodable(
  reader: BoxReader,
  { items, primary }: HeifMeta,
  data: MediaData,
): Promise<void> {
  const checked = new Set<number>();
  const waiting = [primary];
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    if (checked.has(id)) continue;
    checked.add(id);
    const item = items.get(id);
    const type = item?.info?.type;
    if (!item || type === undefined) throw damaged("a picture that is not there");
    if (derived.has(type)) {
      if (item.parts.length === 0) throw damaged(`a picture of nothing (${type})`);
      waiting.push(...item.parts);
      continue;
    }
    const name = configurations[type];
    const configuration = item.properties.find(({ box }) => box.type === name)?.box;
    if (name && !configuration) throw damaged(`a picture (${type}) without ${name}`);
    if (!item.extents) continue;
    if (item.extents.length === 0) throw damaged(`a picture (${type}) without data`);
    for (const { offset, length } of item.extents) {
      if (offset + length > reader.source.size) throw cutOff("data beyond the end of the file");
      const holder = data.holderOf(offset);
      if (!holder || offset + length > holder.end)
        throw damaged(`a picture (${type}) outside the media data`);
    }
    const extents = item.extents.map((extent) => wholeExtent(extent, data));
    await requireCodedPicture(reader, type, configuration, extents);
  }
}

/**
 * Blanks what a HEIF file's `meta` says beside pictures, and empties the items that are none (ISO/IEC 14496-12 section
 * 8.11): EXIF, XMP, texts and smaller versions. The JPEGs among the pictures lose their own metadata.
 * @returns where the data lies that readers look for; undefined where that is not all known
 * @throws ApiError DAMAGED_MEDIA for an item without a place that can be emptied
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
  for (const { extents = [] } of pictures)
    for (const extent of extents) needed.push(wholeExtent(extent, data));
  return needed;
}

/** A length of zero means up to the end of the data. */
const wholeExtent = ({ offset, length }: Extent, data: MediaData): Extent =>
  length > 0 ? { offset, length } : { offset, length: (data.holderOf(offset)?.end ?? offset) - offset };

/** Empties an item, and makes it as short as what is left. Returns where that lies. */
async function emptyItem(
  reader: BoxReader,
  patches: Patches,
  { info, extents }: HeifItem,
  data: MediaData,
): Promise<Extent[]> {
  if (extents === undefined) throw damaged("an item of metadata inside another item");
  for (const { offset, length } of extents) {
    if (length === 0) throw damaged("an item of metadata without an end");
    const holder = data.holderOf(offset);
    if (!holder || offset + length > holder.end) throw damaged("an item of metadata outside the data");
    patches.wipe(offset, offset + length);
  }
  const isText = info?.type === "Exif" || info?.type === "mime" || info?.type === "uri ";
  // Nothing that a reader would try to decode.
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

/** What an item holds instead, so that its readers find it well-formed: the orientation it had, or no more than a root. */
async function emptyContent(
  reader: BoxReader,
  { type, contentType }: ItemInfo,
  { offset, length }: Extent,
): Promise<Buffer | undefined> {
  if (contentType === "application/rdf+xml") return Buffer.from('<x:xmpmeta xmlns:x="adobe:ns:meta/"/>');
  if (type !== "Exif") return undefined;
  const content = await reader.source.readUpTo(offset, Math.min(length, mostExif));
  // Four bytes say how far the TIFF header is (ISO/IEC 23008-12 annex A.2.1).
  const tiff = content.length < 4 ? content : content.subarray(4 + content.readUInt32BE(0));
  return Buffer.concat([Buffer.alloc(4), orientationExif(readOrientation(tiff) ?? 1)]);
}

/** A picture that is a JPEG has metadata of its own. */
async function cleanJpeg(reader: BoxReader, patches: Patches, { extents }: HeifItem): Promise<void> {
  const [extent, ...more] = extents ?? [];
  if (!extent || extent.length === 0 || more.length > 0) throw damaged("a JPEG that is not in one piece");
  await blankJpeg(reader.source.part(extent.offset, extent.length), (offset, bytes) =>
    patches.write(extent.offset + offset, bytes),
  );
}
