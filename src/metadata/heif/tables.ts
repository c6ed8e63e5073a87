import type { Box, BoxReader } from "../iso/boxes.ts";
import type { Extent } from "../iso/samples.ts";

// Readers for the tables in the `meta` box of a HEIF file (ISO/IEC 14496-12 section 8.11, ISO/IEC 23008-12 section 9.3).
// Every entry spends a structure element, and bytes after the entries of a box are added to `unused`.

/** Returns the range of a box after the first `usedBytes` bytes of its content. */
export function unusedTail(box: Box, usedBytes: number): Extent {
  const offset = Math.min(box.body + usedBytes, box.end);
  return { offset, length: box.end - offset };
}

/** One entry of `iinf`. */
export interface ItemInfo {
  readonly id: number;
  /** `hvc1`, `grid`, `Exif`, `mime`, … */
  readonly type: string;
  /** MIME type of `mime` items and of entries without a type; empty for others. */
  readonly contentType: string;
  /** Position of the type in the file; undefined for an entry without a type. */
  readonly typeAt: number | undefined;
  /** Range of the item's human-readable name. */
  readonly name: Extent;
}

/** Reads `iinf`, the entries of all items. */
export async function* readItemInfo(
  reader: BoxReader,
  iinf: Box,
  unused: Extent[],
): AsyncGenerator<ItemInfo> {
  const version = (await reader.content(iinf, 1)).readUInt8(0);
  for (const entry of await reader.within(iinf.body + (version === 0 ? 6 : 8), iinf.end)) {
    if (entry.type !== "infe") continue;
    const content = await reader.content(entry);
    const entryVersion = content.readUInt8(0);
    const isWide = entryVersion >= 3;
    const id = isWide ? content.readUInt32BE(4) : content.readUInt16BE(4);
    // Entries before version 2 have no type; they describe embedded files.
    const hasType = entryVersion >= 2;
    const typeOffset = isWide ? 10 : 8;
    const type = hasType ? content.toString("latin1", typeOffset, typeOffset + 4) : "mime";
    const nameOffset = hasType ? typeOffset + 4 : typeOffset;
    const end = content.indexOf(0, nameOffset);
    const nameEnd = end === -1 ? content.length : end;
    if (hasType)
      unused.push(unusedTail(entry, endOfStrings(content, nameOffset, 1 + (stringsAfterName[type] ?? 0))));
    yield {
      id,
      type,
      contentType: type === "mime" ? stringAt(content, nameEnd + 1) : "",
      typeAt: hasType ? entry.body + typeOffset : undefined,
      name: { offset: entry.body + nameOffset, length: nameEnd - nameOffset },
    };
  }
}

/** Number of strings after the name that are kept, by item type. The content encoding of `mime` items is not. */
const stringsAfterName: Readonly<Record<string, number>> = { mime: 1, "uri ": 1 };

/** Returns the end of `count` zero-terminated strings; the last ones may be missing. */
function endOfStrings(content: Buffer, offset: number, count: number): number {
  let position = offset;
  for (let left = count; left > 0 && position < content.length; left--) {
    const end = content.indexOf(0, position);
    position = end === -1 ? content.length : end + 1;
  }
  return position;
}

/** Reads a zero-terminated string. */
function stringAt(content: Buffer, offset: number): string {
  const end = content.indexOf(0, offset);
  return end === -1 ? "" : content.toString("latin1", offset, end);
}

/** A byte range of an item. */
export interface ItemExtent extends Extent {
  /** Range of the field with the length. */
  readonly lengthField: Extent;
}

/**
 * Reads `iloc`, the location of every item. Extents are undefined if they are relative to another item.
 * @param idat the box that some extents are relative to
 */
export async function* readLocations(
  reader: BoxReader,
  box: Box,
  idat: Box | undefined,
  unused: Extent[],
): AsyncGenerator<{ item: number; extents: ItemExtent[] | undefined }> {
  const iloc = await reader.content(box);
  const { elements } = reader.source.budget;
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
    elements.spend();
    const item = next(version < 2 ? 2 : 4);
    const method = version > 0 ? next(2) & 15 : 0;
    next(2);
    const base = next(baseWidth) + (method === 1 ? (idat?.body ?? 0) : 0);
    const count = next(2);
    elements.spend(count);
    const extents: ItemExtent[] = [];
    for (let index = 0; index < count; index++) {
      next(indexWidth);
      const offset = base + next(offsetWidth);
      const lengthField = { offset: box.body + position, length: lengthWidth };
      extents.push({ offset, length: next(lengthWidth), lengthField });
    }
    yield { item, extents: method < 2 ? extents : undefined };
  }
  unused.push(unusedTail(box, position));
}

/** Reads `ipma`: for each item, the indexes of its properties in `ipco`, counted from 1. */
export async function* readAssociations(
  reader: BoxReader,
  box: Box,
  unused: Extent[],
): AsyncGenerator<{ item: number; properties: { index: number; isEssential: boolean }[] }> {
  const ipma = await reader.content(box);
  const { elements } = reader.source.budget;
  const version = ipma.readUInt8(0);
  const isWide = (ipma.readUInt8(3) & 1) === 1;
  let position = 8;
  for (let left = ipma.readUInt32BE(4); left > 0; left--) {
    const item = version === 0 ? ipma.readUInt16BE(position) : ipma.readUInt32BE(position);
    position += version === 0 ? 2 : 4;
    const count = ipma.readUInt8(position++);
    elements.spend(1 + count);
    const properties: { index: number; isEssential: boolean }[] = [];
    for (let left = count; left > 0; left--) {
      const packed = isWide ? ipma.readUInt16BE(position) : ipma.readUInt8(position) << 8;
      const index = isWide ? packed & 0x7fff : (packed >> 8) & 0x7f;
      properties.push({ index, isEssential: packed >> 15 === 1 });
      position += isWide ? 2 : 1;
    }
    yield { item, properties };
  }
  unused.push(unusedTail(box, position));
}

/** Reads `iref`, the typed references between items. */
export async function* readReferences(
  reader: BoxReader,
  iref: Box,
  unused: Extent[],
): AsyncGenerator<{ type: string; from: number; to: number[] }> {
  const isWide = (await reader.content(iref, 1)).readUInt8(0) > 0;
  const width = isWide ? 4 : 2;
  for (const reference of await reader.within(iref.body + 4, iref.end)) {
    const content = await reader.content(reference);
    const count = content.readUInt16BE(width);
    reader.source.budget.elements.spend(count);
    const to: number[] = [];
    for (let index = 0; index < count; index++) to.push(content.readUIntBE(width + 2 + index * width, width));
    unused.push(unusedTail(reference, width + 2 + count * width));
    yield { type: reference.type, from: content.readUIntBE(0, width), to };
  }
}
