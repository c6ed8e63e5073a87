import type { Box, BoxReader } from "./iso-boxes.ts";

export interface DisplaySize {
  readonly width: number;
  readonly height: number;
}

/** What kind of track this is: `vide`, `soun`, … (ISO/IEC 14496-12 section 8.4.3). */
export async function trackHandler(reader: BoxReader, track: Box): Promise<string> {
  const handler = await reader.find(track, "mdia", "hdlr");
  return handler ? (await reader.content(handler, 12)).toString("latin1", 8, 12) : "";
}

/** Size of a track as shown, turned by its matrix (ISO/IEC 14496-12 section 8.3.2); null where it has none. */
export async function trackDisplaySize(reader: BoxReader, track: Box): Promise<DisplaySize | null> {
  const header = await reader.find(track, "tkhd");
  if (!header) return null;
  const version = (await reader.content(header, 1)).readUInt8(0);
  const matrix = version === 1 ? 52 : 40;
  const content = await reader.content(header, matrix + 44);
  const width = content.readUInt32BE(matrix + 36) >>> 16;
  const height = content.readUInt32BE(matrix + 40) >>> 16;
  if (width === 0 || height === 0) return null;
  const [a, d] = [content.readInt32BE(matrix), content.readInt32BE(matrix + 16)];
  const turnedSideways = a === 0 && d === 0;
  return turnedSideways ? { width: height, height: width } : { width, height };
}

/**
 * Size of a HEIF file's primary picture as shown: its `ispe`, turned by its `irot` (ISO/IEC 23008-12 section 6.5);
 * null where the file has no such picture.
 * @param meta the file's `meta` box
 */
export async function pictureDisplaySize(reader: BoxReader, meta: Box): Promise<DisplaySize | null> {
  const parts = await reader.within(meta.body + 4, meta.end);
  const part = (type: string) => parts.find((box) => box.type === type);
  const [primary, properties] = [part("pitm"), part("iprp")];
  if (!primary || !properties) return null;
  const content = await reader.content(primary);
  const id = content.readUInt8(0) === 0 ? content.readUInt16BE(4) : content.readUInt32BE(4);

  const groups = await reader.children(properties);
  const container = groups.find((box) => box.type === "ipco");
  if (!container) return null;
  const all = await reader.children(container);
  let size: DisplaySize | null = null;
  let quarterTurns = 0;
  for (const association of groups.filter((box) => box.type === "ipma"))
    for (const index of propertiesOf(id, await reader.content(association))) {
      const property = all[index - 1];
      if (property?.type === "ispe") {
        const extent = await reader.content(property, 12);
        size = { width: extent.readUInt32BE(4), height: extent.readUInt32BE(8) };
      } else if (property?.type === "irot")
        quarterTurns = (await reader.content(property, 1)).readUInt8(0) & 3;
    }
  return size && quarterTurns % 2 ? { width: size.height, height: size.width } : size;
}

/** The numbers, from 1, of an item's properties in `ipco` (`ipma`, ISO/IEC 23008-12 section 9.3.1). */
function propertiesOf(item: number, ipma: Buffer): number[] {
  const version = ipma.readUInt8(0);
  const wide = (ipma.readUInt8(3) & 1) === 1;
  const found: number[] = [];
  let position = 8;
  for (let left = ipma.readUInt32BE(4); left > 0; left--) {
    const id = version === 0 ? ipma.readUInt16BE(position) : ipma.readUInt32BE(position);
    position += version === 0 ? 2 : 4;
    const count = ipma.readUInt8(position++);
    for (let index = 0; index < count; index++) {
      // The highest bit says whether a reader must understand the property.
      if (id === item)
        found.push(wide ? ipma.readUInt16BE(position) & 0x7fff : ipma.readUInt8(position) & 0x7f);
      position += wide ? 2 : 1;
    }
  }
  return found;
}
