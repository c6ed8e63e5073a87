import { damaged } from "../byte-source.ts";
import type { Box, BoxReader } from "../iso-boxes.ts";
import type { Patches } from "./plan.ts";

/** Entries of a table that is read: ten hours of positions, twenty-five a second. */
const mostEntries = 1_000_000;

/**
 * Zeros the samples of a track where its tables say they are (`stco` or `co64`, `stsc`, `stsz`; ISO/IEC 14496-12
 * sections 8.6 and 8.7).
 */
export async function wipeSamples(
  reader: BoxReader,
  patches: Patches,
  track: Box,
  data: readonly Box[],
): Promise<void> {
  const tables = await reader.find(track, "mdia", "minf", "stbl");
  if (!tables) return;
  const boxes = await reader.children(tables);
  const table = async (type: string, head: number, width: number) => {
    const box = boxes.find((child) => child.type === type);
    return box && readTable(reader, box, head, width);
  };
  const short = await table("stco", 4, 4);
  const long = short ? undefined : await table("co64", 4, 8);
  const groups = await table("stsc", 4, 12);
  const sizes = await readSizes(reader, boxes);
  const chunks = short ?? long;
  if (!chunks || !groups || !sizes) return;

  let sample = 0;
  let group = 0;
  for (let chunk = 1; chunk <= chunks.length / (long ? 8 : 4); chunk++) {
    const next = (group + 1) * 12;
    if (next < groups.length && groups.readUInt32BE(next) <= chunk) group++;
    if (groups.length === 0) break;
    const perChunk = groups.readUInt32BE(group * 12 + 4);
    const length = sizes(sample, Math.min(sample + perChunk, 0xffff_ffff));
    sample += perChunk;
    const at = (chunk - 1) * (long ? 8 : 4);
    const offset = long ? Number(long.readBigUInt64BE(at)) : chunks.readUInt32BE(at);
    wipeInData(patches, data, offset, length);
  }
}

/**
 * Zeros what of a range lies inside the media data: tables may lie, and other boxes have their own rules.
 * @param data boxes in the order of the file
 * @returns whether all of it lies there
 */
export function wipeInData(patches: Patches, data: readonly Box[], offset: number, length: number): boolean {
  let low = 0;
  for (let high = data.length; low < high;) {
    const middle = (low + high) >>> 1;
    if ((data[middle] as Box).end <= offset) low = middle + 1;
    else high = middle;
  }
  const box = data[low];
  if (!box || offset < box.body) return false;
  patches.wipe(offset, Math.min(offset + length, box.end));
  return offset + length <= box.end;
}

/** The bytes of the samples from one number up to another, together. */
async function readSizes(
  reader: BoxReader,
  boxes: readonly Box[],
): Promise<((from: number, to: number) => number) | undefined> {
  const box = boxes.find(({ type }) => type === "stsz");
  if (!box) {
    if (boxes.some(({ type }) => type === "stz2")) throw damaged("compact sizes of a track to be blanked");
    return undefined;
  }
  const [fixed, count] = await reader
    .content(box, 12)
    .then((head) => [head.readUInt32BE(4), head.readUInt32BE(8)]);
  if (fixed) return (from, to) => Math.max(0, Math.min(to, count ?? 0) - from) * fixed;
  const table = await readTable(reader, box, 8, 4);
  return (from, to) => {
    let sum = 0;
    for (let at = from * 4; at < Math.min(to * 4, table.length); at += 4) sum += table.readUInt32BE(at);
    return sum;
  };
}

/** The entries of a table: its count stands at `head` behind the box's header. */
async function readTable(reader: BoxReader, box: Box, head: number, width: number): Promise<Buffer> {
  const count = (await reader.content(box, head + 4)).readUInt32BE(head);
  if (count > mostEntries) throw damaged(`${count} entries in ${box.type}`);
  return (await reader.content(box, head + 4 + count * width)).subarray(head + 4);
}
