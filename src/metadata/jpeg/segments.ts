import type { ByteSource } from "../byte-source.ts";
import { damaged } from "../damaged.ts";
import { eoi, isRestart, jpg, jpg0, jpg13, sof0, soi } from "./markers.ts";

/** A segment of a JPEG (ITU T.81 section B.1.1.4). */
export interface Segment {
  readonly marker: number;
  /** Offset of the last 0xFF before the marker's code. */
  readonly offset: number;
  readonly body: number;
  readonly end: number;
}

/** Finds the segment at or after `from`; undefined if the file ends before or within it. */
export async function nextSegment(source: ByteSource, from: number): Promise<Segment | undefined> {
  const found = await findMarker(source, from, (code) => code !== 0x00);
  if (!found) return undefined;
  const { marker, end } = found;
  const hasNoBody = marker === 0x01 || marker === soi || marker === eoi || isRestart(marker);
  if (hasNoBody) return { marker, offset: end - 2, body: end, end };
  const size = await source.readUpTo(end, 2);
  if (size.length < 2) return undefined;
  const length = size.readUInt16BE(0);
  if (length < 2) throw damaged(`a segment of ${length} bytes at ${end}`);
  return end + length > source.size
    ? undefined
    : { marker, offset: end - 2, body: end + 2, end: end + length };
}

/** Returns the end of the coded data from `from`: the 0xFF of the next marker, or the end of the file. */
export async function endOfScan(source: ByteSource, from: number): Promise<number> {
  const next = await findMarker(source, from, endsScan);
  if (next) return next.start;
  const isHalfMarker = (await source.read(source.size - 1, 1)).readUInt8(0) === 0xff;
  return isHalfMarker ? Math.max(from, source.size - 1) : source.size;
}

/**
 * Finds the first matching marker from `from` on. Any number of 0xFF may precede a marker's code. Call it between
 * segments and inside scans only, because thumbnails inside segments contain markers too.
 */
async function findMarker(
  source: ByteSource,
  from: number,
  matches: (marker: number) => boolean,
): Promise<{ marker: number; start: number; end: number } | undefined> {
  let start: number | undefined;
  for (let offset = from; offset < source.size;) {
    const bytes = await source.readSome(offset);
    for (let index = 0; index < bytes.length; index++) {
      if (start === undefined) {
        index = bytes.indexOf(0xff, index);
        if (index === -1) break;
        start = offset + index;
      } else if (bytes[index] !== 0xff) {
        const marker = bytes[index] as number;
        if (matches(marker)) return { marker, start, end: offset + index + 1 };
        start = undefined;
      }
    }
    offset += bytes.length;
  }
  return undefined;
}

/** Stuffed zeros and restart markers are part of a scan; decoders skip reserved codes as damage. */
function endsScan(marker: number): boolean {
  return marker >= sof0 && marker !== jpg && !isRestart(marker) && !(marker >= jpg0 && marker <= jpg13);
}

export function segmentOf(marker: number, content: Buffer): Buffer {
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(content.length + 2, 2);
  return Buffer.concat([head, content]);
}

export function startsWith(content: Buffer, signature: string): boolean {
  return content.toString("latin1", 0, signature.length) === signature;
}
