import type { Box, BoxReader } from "../iso/boxes.ts";
import {
  readAssociations,
  readItemInfo,
  readLocations,
  readReferences,
  restOf,
  type ItemExtent,
  type ItemInfo,
} from "./tables.ts";
import type { Extent } from "../iso/samples.ts";

/** A property of an item, such as its size or its decoder's configuration (ISO/IEC 23008-12 section 6.5). */
export interface ItemProperty {
  readonly box: Box;
  /** Readers that do not know it must not show the item. */
  readonly isEssential: boolean;
}

/** A picture, or metadata about one (ISO/IEC 14496-12 section 8.11.1). */
export interface HeifItem {
  /** Its entry in `iinf`; undefined for one that only other tables name. */
  readonly info: ItemInfo | undefined;
  /** Where its data lies; undefined where that is part of other items. */
  readonly extents: readonly ItemExtent[] | undefined;
  /** In the order in which they apply. */
  readonly properties: readonly ItemProperty[];
  /** Numbers of the items that it is made of (`dimg`), in order. */
  readonly parts: readonly number[];
  /** Numbers of the items that belong to it: opacity, depth, gain (`auxl`). */
  readonly auxiliaries: readonly number[];
  /** It is shown by itself: neither part of another item, nor a smaller version (`thmb`), nor an auxiliary. */
  readonly isShown: boolean;
}

/** What the `meta` box of a HEIF file says. */
export interface HeifMeta {
  readonly boxes: readonly Box[];
  /** Data in the box itself. */
  readonly idat: Box | undefined;
  /** Number of the item to show; 0 where the file names none. */
  readonly primary: number;
  readonly items: ReadonlyMap<number, HeifItem>;
  /** All properties, in the order by which items refer to them. */
  readonly properties: readonly Box[];
  /** Boxes inside `iprp` that are neither the properties nor their associations. */
  readonly others: readonly Box[];
  /** What the tables hold behind their entries. */
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

/** @throws ApiError DAMAGED_MEDIA for tables that do not fit their boxes */
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
  unused.push(restOf(pitm, isWide ? 8 : 6));
  return isWide ? content.readUInt32BE(4) : content.readUInt16BE(4);
}
