import type { Box, BoxReader } from "../iso/boxes.ts";
import {
  readAssociations,
  readItemInfo,
  readLocations,
  readReferences,
  unusedTail,
  type ItemExtent,
  type ItemInfo,
} from "./tables.ts";
import type { Extent } from "../iso/samples.ts";

/** A property of an item, such as its size or decoder configuration (ISO/IEC 23008-12 section 6.5). */
export interface ItemProperty {
  readonly box: Box;
  /** A reader that does not know the property must not display the item. */
  readonly isEssential: boolean;
}

/** A picture, or metadata about one (ISO/IEC 14496-12 section 8.11.1). */
export interface HeifItem {
  /** The entry in `iinf`; undefined for an item that only other tables mention. */
  readonly info: ItemInfo | undefined;
  /** The ranges of the data; undefined if the data is part of other items. */
  readonly extents: readonly ItemExtent[] | undefined;
  /** Properties in the order of application. */
  readonly properties: readonly ItemProperty[];
  /** Ids of the items that this one is derived from (`dimg`), in order. */
  readonly parts: readonly number[];
  /** Ids of auxiliary pictures: opacity, depth, gain map (`auxl`). */
  readonly auxiliaries: readonly number[];
  /** Whether the item is displayed by itself: not a part of another item, a thumbnail (`thmb`) or an auxiliary picture. */
  readonly isShown: boolean;
}

/** The parsed `meta` box of a HEIF file. */
export interface HeifMeta {
  readonly boxes: readonly Box[];
  /** Item data inside `meta`. */
  readonly idat: Box | undefined;
  /** Id of the primary item; 0 if the file declares none. */
  readonly primary: number;
  readonly items: ReadonlyMap<number, HeifItem>;
  /** All properties; items refer to them by index. */
  readonly properties: readonly Box[];
  /** Boxes in `iprp` other than properties and associations. */
  readonly others: readonly Box[];
  /** Unused bytes after the entries of the tables. */
  readonly unused: readonly Extent[];
}

interface ItemDraft {
  info?: ItemInfo;
  extents: ItemExtent[] | undefined;
  properties: ItemProperty[];
  parts: number[];
  auxiliaries: number[];
  isShown: boolean;
}

/**
 * Parses the `meta` box of a HEIF file.
 * @throws ApiError DAMAGED_MEDIA for tables that exceed their boxes
 */
export async function readHeifMeta(reader: BoxReader, meta: Box): Promise<HeifMeta> {
  const boxes = await reader.within(meta.body + 4, meta.end);
  const find = (type: string) => boxes.find((box) => box.type === type);
  const [iinf, iloc, iref, iprp, pitm, idat] = ["iinf", "iloc", "iref", "iprp", "pitm", "idat"].map(find);
  const drafts = new Map<number, ItemDraft>();
  const draft = (id: number): ItemDraft => {
    const found = drafts.get(id) ?? {
      extents: [],
      properties: [],
      parts: [],
      auxiliaries: [],
      isShown: true,
    };
    drafts.set(id, found);
    return found;
  };

  const unused: Extent[] = [];
  if (iinf) for await (const info of readItemInfo(reader, iinf, unused)) draft(info.id).info ??= info;
  if (iloc)
    for await (const { item, extents } of readLocations(reader, iloc, idat, unused)) {
      const { extents: before } = draft(item);
      draft(item).extents = extents && before && [...before, ...extents];
    }
  if (iref)
    for await (const { type, from, to } of readReferences(reader, iref, unused))
      if (type === "dimg") {
        draft(from).parts = to;
        for (const part of to) draft(part).isShown = false;
      } else if (type === "thmb" || type === "auxl") {
        draft(from).isShown = false;
        if (type === "auxl") for (const owner of to) draft(owner).auxiliaries.push(from);
      }

  const groups = iprp ? await reader.children(iprp) : [];
  const container = groups.find(({ type }) => type === "ipco");
  const properties = container ? await reader.children(container) : [];
  for (const association of groups.filter(({ type }) => type === "ipma"))
    for await (const { item, properties: indexes } of readAssociations(reader, association, unused))
      for (const { index, isEssential } of indexes) {
        const box = properties[index - 1];
        if (box) draft(item).properties.push({ box, isEssential });
      }
  const items = new Map([...drafts].map(([id, item]) => [id, { info: undefined, ...item }]));
  const others = groups.filter((box) => box !== container && box.type !== "ipma");
  const primary = await readPrimaryItem(reader, pitm, unused);
  return { boxes, idat, primary, items, properties, others, unused };
}

async function readPrimaryItem(reader: BoxReader, pitm: Box | undefined, unused: Extent[]): Promise<number> {
  if (!pitm) return 0;
  const content = await reader.content(pitm);
  const isWide = content.readUInt8(0) > 0;
  unused.push(unusedTail(pitm, isWide ? 8 : 6));
  return isWide ? content.readUInt32BE(4) : content.readUInt16BE(4);
}
