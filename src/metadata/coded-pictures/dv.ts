import type { InPlaceFile } from "../in-place-file.ts";

const blockBytes = 80;
/** DIF blocks per sequence (IEC 61834-2, SMPTE 314M). */
const sequenceBlocks = 150;

/** Section types of DIF blocks. */
const subcode = 1;
const videoAuxiliary = 2;
/** Packs that describe sound and picture, which decoders need. Others hold the time, the date and the camera. */
const keptPacks = new Set([0x50, 0x51, 0x60, 0x61]);
const packBytes = 5;
const noInformation = 0xff;

/** Whether the bytes start a DV frame: a header block of 25 Mbit/s or more. */
export function isDv(bytes: Buffer): boolean {
  return bytes.length >= 4 && bytes.readUIntBE(0, 3) === 0x1f0700 && (bytes.readUInt8(3) & 0x7f) === 0x3f;
}

/** Overwrites the time codes, recording dates and camera settings of one DV frame. */
export function overwriteDvDates(file: InPlaceFile, offset: number, end: number): void {
  for (let block = offset; block + blockBytes <= end; block += blockBytes) {
    const bytes = file.read(block, blockBytes);
    const section = bytes.readUInt8(0) >> 5;
    for (const at of packOffsets[section] ?? []) {
      const type = bytes.readUInt8(at);
      const isKept = section !== subcode && keptPacks.has(type);
      if (type !== noInformation && !isKept) file.wipe(block + at, block + at + packBytes, noInformation);
    }
  }
}

/** Offsets of the packs in a block by section: after the block ID and, in subcode, another ID of three bytes each. */
const packOffsets: readonly (readonly number[])[] = [
  [],
  Array.from({ length: 6 }, (_, index) => 3 + 8 * index + 3),
  Array.from({ length: 15 }, (_, index) => 3 + packBytes * index),
  [3],
];

/**
 * Returns the aspect ratio for displaying a DV frame, from its video source control pack.
 * @param frame at least the first sequence of the frame
 */
export function dvDisplayRatio(frame: Buffer): number | undefined {
  const application = (frame[4] ?? 0) & 7;
  for (
    let block = 0;
    block + blockBytes <= Math.min(frame.length, sequenceBlocks * blockBytes);
    block += blockBytes
  ) {
    if (frame.readUInt8(block) >> 5 !== videoAuxiliary) continue;
    for (const at of packOffsets[videoAuxiliary] ?? []) {
      if (frame.readUInt8(block + at) !== 0x61) continue;
      const display = frame.readUInt8(block + at + 2) & 7;
      return display === 2 || (application === 0 && display === 7) ? 16 / 9 : 4 / 3;
    }
  }
  return undefined;
}
