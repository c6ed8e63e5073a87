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
 * Pixels of a track's largest coded picture, as its sample entries say (ISO/IEC 14496-12 section 12.1.3), which its
 * size as shown may hide.
 */
export async function trackCodedPixels(reader: BoxReader, track: Box): Promise<number> {
  const descriptions = await reader.find(track, "mdia", "minf", "stbl", "stsd");
  if (!descriptions) return 0;
  let largest = 0;
  for (let offset = descriptions.body + 8; ;) {
    const entry = await reader.at(offset, descriptions.end);
    if (!entry) return largest;
    if (entry.end - entry.body >= 28) {
      const content = await reader.content(entry, 28);
      largest = Math.max(largest, content.readUInt16BE(24) * content.readUInt16BE(26));
    }
    offset = entry.end;
  }
}
