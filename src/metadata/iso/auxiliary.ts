import { damaged } from "../damaged.ts";
import type { Box } from "./boxes.ts";
import type { InPlaceFile } from "../in-place-file.ts";
import type { Extent } from "./samples.ts";
import { NumberTable } from "./tables.ts";

/**
 * Yields the ranges of auxiliary information about samples, such as their encryption parameters (`saiz` and `saio`,
 * ISO/IEC 14496-12 sections 8.7.8 and 8.7.9).
 * @param boxes the children of the track's `stbl`, or of a fragment's `traf`
 * @param base the file position that offsets are relative to
 * @param sampleCounts returns the number of samples in each chunk or run
 * @throws ApiError DAMAGED_MEDIA
 */
export function* auxiliaryExtents(
  file: InPlaceFile,
  boxes: readonly Box[],
  base: number,
  sampleCounts: () => Iterable<number>,
): Generator<Extent> {
  const sizeBoxes = boxes.filter(({ type }) => type === "saiz");
  const offsetBoxes = boxes.filter(({ type }) => type === "saio");
  for (const [index, offsetBox] of offsetBoxes.entries()) {
    const sizeBox = sizeBoxes[index];
    if (!sizeBox) return;
    const head = fullBoxHead(file, offsetBox);
    const offsets = NumberTable.open(file, offsetBox, {
      bits: head.version === 1 ? 64 : 32,
      countAt: 4 + head.typeBytes,
    });
    const sum = openSizes(file, sizeBox);
    if (offsets.left === 1) {
      yield { offset: base + offsets.next(), length: sum(Infinity) };
      continue;
    }
    for (const samples of sampleCounts()) {
      if (offsets.left === 0) break;
      yield { offset: base + offsets.next(), length: sum(samples) };
    }
  }
}

/** Returns a function that takes a number of samples and returns the total size of that many further ones. */
function openSizes(file: InPlaceFile, box: Box): (samples: number) => number {
  const countAt = 5 + fullBoxHead(file, box).typeBytes;
  if (box.body + countAt + 4 > box.end) throw damaged("a short saiz");
  const head = file.read(box.body, countAt + 4);
  const size = head.readUInt8(countAt - 1);
  if (size > 0) {
    let left = head.readUInt32BE(countAt);
    return (samples) => {
      const counted = Math.min(samples, left);
      left -= counted;
      return counted * size;
    };
  }
  const sizes = NumberTable.open(file, box, { bits: 8, countAt });
  return (samples) => {
    let sum = 0;
    for (let left = Math.min(samples, sizes.left); left > 0; left--) sum += sizes.next();
    return sum;
  };
}

/** Reads the version, and the size of the optional information type after the flags. */
function fullBoxHead(file: InPlaceFile, box: Box): { version: number; typeBytes: number } {
  if (box.body + 4 > box.end) throw damaged(`a short ${box.type}`);
  const head = file.read(box.body, 4);
  return { version: head.readUInt8(0), typeBytes: (head.readUInt8(3) & 1) * 8 };
}
