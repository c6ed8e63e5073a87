import type { Box, BoxReader } from "../iso/boxes.ts";
import type { Extent } from "../iso/samples.ts";

// The tables in the `meta` box of a HEIF file (ISO/IEC 14496-12 section 8.11, ISO/IEC 23008-12 section 9.3). Every entry
// of them spends the file's budget of structure elements, and what a box holds behind its entries is added to `unused`.

/** What is left of a box behind so many bytes of its content. */
export function restOf(box: Box, usedBytes: number): Extent {
  const offset = Math.min(box.body + usedBytes, box.end);
  return { offset, length: box.end - offset };
}

/** One entry of `iinf`. */
export interface ItemInfo {
  readonly id: number;
  /** `hvc1`, `grid`, `Exif`, `mime`, … */
  readonly type: string;
  /** Of `mime` and of entries without a type: what the item's bytes are; empty for others. */
  readonly contentType: string;
  /** Where the type stands in the file; undefined for an entry without one. */
  readonly typeAt: number | undefined;
  /** Where the item's name stands, which is for people. */
  readonly name: Extent;
}

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
    const wide = entryVersion >= 3;
    const id = wide ? content.readUInt32BE(4) : content.readUInt16BE(4);
    // Entries before version 2 have no type: what they describe is a file of its own.
    const hasType = entryVersion >= 2;
    const typeOffset = wide ? 10 : 8;
    const type = hasType ? content.toString("latin1", typeOffset, typeOffset + 4) : "mime";
    const nameOffset = hasType ? typeOffset + 4 : typeOffset;
    const end = content.indexOf(0, nameOffset);
    const nameEnd = end === -1 ? content.length : end;
    if (hasType)
      unused.push(restOf(entry, afterTexts(content, nameOffset, 1 + (textsBehindName[type] ?? 0))));
    yield {
      id,
      type,
      contentType: type === "mime" ? textAt(content, nameEnd + 1) : "",
      typeAt: hasType ? entry.body + typeOffset : undefined,
      name: { offset: entry.body + nameOffset, length: nameEnd - nameOffset },
    };
  }
}

/** Texts that follow an item's name, by the item's type. An encoding behind a content type is that of emptied items. */
const textsBehindName: Readonly<Record<string, number>> = { mime: 1, "uri ": 1 };

/** Where so many texts end, each with a zero; the last ones may be missing. */
function afterTexts(content: Buffer, offset: number, count: number): number {
  let position = offset;
  for (let left = count; left > 0 && position < content.length; left--) {
    const end = content.indexOf(0, position);
    position = end === -1 ? content.length : end + 1;
  }
  return position;
}

/** The text from `offset` up to a zero. */
function textAt(content: Buffer, offset: number): string {
  const end = content.indexOf(0, offset);
  return end === -1 ? "" : content.toString("latin1", offset, end);
}

/** A part of the file that belongs to an item. */
export interface ItemExtent extends Extent {
  /** Where its length stands, and in how many bytes. */
  readonly lengthField: Extent;
}

/**
 * `iloc`: where every item lies; its extents are undefined where they are parts of another item.
 * @param idat the box that some extents are counted from
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
  unused.push(restOf(box, position));
}

/** `ipma`: the items, each with the numbers, from 1, of its properties in `ipco`. */
export async function* readAssociations(
  reader: BoxReader,
  box: Box,
  unused: Extent[],
): AsyncGenerator<{ item: number; properties: { index: number; isEssential: boolean }[] }> {
  const ipma = await reader.content(box);
  const { elements } = reader.source.budget;
  const version = ipma.readUInt8(0);
  const wide = (ipma.readUInt8(3) & 1) === 1;
  let position = 8;
  for (let left = ipma.readUInt32BE(4); left > 0; left--) {
    const item = version === 0 ? ipma.readUInt16BE(position) : ipma.readUInt32BE(position);
    position += version === 0 ? 2 : 4;
    const count = ipma.readUInt8(position++);
    elements.spend(1 + count);
    const properties: { index: number; isEssential: boolean }[] = [];
    for (let left = count; left > 0; left--) {
      const packed = wide ? ipma.readUInt16BE(position) : ipma.readUInt8(position) << 8;
      const index = wide ? packed & 0x7fff : (packed >> 8) & 0x7f;
      properties.push({ index, isEssential: packed >> 15 === 1 });
      position += wide ? 2 : 1;
    }
    yield { item, properties };
  }
  unused.push(restOf(box, position));
}

/** `iref`: which item refers to which others, and as what. */
export async function* readReferences(
  reader: BoxReader,
  iref: Box,
  unused: Extent[],
): AsyncGenerator<{ type: string; from: number; to: number[] }> {
  const wide = (await reader.content(iref, 1)).readUInt8(0) > 0;
  const width = wide ? 4 : 2;
  for (const reference of await reader.within(iref.body + 4, iref.end)) {
    const content = await reader.content(reference);
    const count = content.readUInt16BE(width);
    reader.source.budget.elements.spend(count);
    const to: number[] = [];
    for (let index = 0; index < count; index++) to.push(content.readUIntBE(width + 2 + index * width, width));
    unused.push(restOf(reference, width + 2 + count * width));
    yield { type: reference.type, from: content.readUIntBE(0, width), to };
  }
}
