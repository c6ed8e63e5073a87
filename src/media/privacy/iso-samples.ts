import type { Box, BoxReader } from "../iso-boxes.ts";
import { NumberTable } from "./iso-tables.ts";
import type { Patches } from "./plan.ts";

/**
 * Zeros the samples of a track where its tables say they are (`stco` or `co64`, `stsc`, `stsz` or `stz2`; ISO/IEC
 * 14496-12 sections 8.6 and 8.7).
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
  const box = (type: string) => boxes.find((child) => child.type === type);
  const offsetBox = box("stco") ?? box("co64");
  const groupBox = box("stsc");
  const sizeBox = box("stsz") ?? box("stz2");
  if (!offsetBox || !groupBox || !sizeBox) return;
  const offsets = await NumberTable.open(reader, offsetBox, { bits: offsetBox.type === "stco" ? 32 : 64 });
  const groups = await NumberTable.open(reader, groupBox, { bits: 32, numbersEach: 3 });
  const bytesOfNext = await openSizes(reader, sizeBox);

  /** A group of chunks: the number of the first one, the samples in each, a description. */
  const nextGroup = async () => {
    if (groups.left === 0) return undefined;
    const firstChunk = await groups.next();
    const samplesEach = await groups.next();
    await groups.next();
    return { firstChunk, samplesEach };
  };
  let group = await nextGroup();
  let following = await nextGroup();
  for (let chunk = 1; group && offsets.left > 0; chunk++) {
    while (following && following.firstChunk <= chunk) {
      group = following;
      following = await nextGroup();
    }
    const length = await bytesOfNext(group.samplesEach);
    wipeInData(patches, data, await offsets.next(), length);
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

/**
 * Returns a function that gives the bytes of the next so many samples together. However many it is asked for, each
 * sample of the table is read once.
 */
async function openSizes(reader: BoxReader, box: Box): Promise<(samples: number) => Promise<number>> {
  const head = await reader.content(box, 12);
  const fixed = box.type === "stsz" ? head.readUInt32BE(4) : 0;
  if (fixed > 0) {
    let left = head.readUInt32BE(8);
    return async (samples) => {
      const counted = Math.min(samples, left);
      left -= counted;
      return counted * fixed;
    };
  }
  const bits = box.type === "stsz" ? 32 : head.readUInt8(7);
  const sizes = await NumberTable.open(reader, box, { bits, countAt: 8 });
  return async (samples) => {
    let sum = 0;
    for (let left = Math.min(samples, sizes.left); left > 0; left--) sum += await sizes.next();
    return sum;
  };
}
