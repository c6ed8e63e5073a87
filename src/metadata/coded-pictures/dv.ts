import type { InPlaceFile } from "../in-place-file.ts";

const blockBytes = 80;
/** DIF blocks of a sequence (IEC 61834-2, SMPTE 314M). */
const sequenceBlocks = 150;

const subcode = 1;
const videoAuxiliary = 2;
/** Packs that decoders need: what the sound is, what the picture is. Others tell the time, the date and the camera. */
const keptPacks = new Set([0x50, 0x51, 0x60, 0x61]);
const packBytes = 5;
const noInformation = 0xff;

/** Whether the bytes are the beginning of a DV frame: a header block of 25 Mbit/s or more. */
export function isDv(bytes: Buffer): boolean {
  return bytes.length >= 4 && bytes.readUIntBE(0, 3) === 0x1f0700 && (bytes.readUInt8(3) & 0x7f) === 0x3f;
}

/** Overwrites the time codes, recording dates and camera settings of one DV frame. */
export function overwriteDvDates(file: InPlaceFile, offset: number, end: number): void {
  for (let block = offset; block + blockBytes <= end; block += blockBytes) {
    const bytes = file.read(block, blockBytes);
    const section = bytes.readUInt8(0) >> 5;
    for (const at of packsOf(section)) {
      const type = bytes.readUInt8(at);
      const isKept = section !== subcode && keptPacks.has(type);
      if (type !== noInformation && !isKept) file.wipe(block + at, block + at + packBytes, noInformation);
    }
  }
}

/** Where a block's packs are: behind its identification of three bytes, and in subcode behind one of three bytes each. */
function packsOf(section: number): readonly number[] {
  return packPlaces[section] ?? [];
}

const packPlaces: readonly (readonly number[])[] = [
  [],
  Array.from({ length: 6 }, (_, index) => 3 + 8 * index + 3),
  Array.from({ length: 15 }, (_, index) => 3 + packBytes * index),
  [3],
];

/**
 * The ratio of width to height that a DV frame is shown with, as its video source control pack says.
 * @param frame the first sequence of it, or more
 */
export function dvDisplayRatio(frame: Buffer): number | undefined {
  const application = (frame[4] ?? 0) & 7;
  for (
    let block = 0;
    block + blockBytes <= Math.min(frame.length, sequenceBlocks * blockBytes);
    block += blockBytes
  ) {
    if (frame.readUInt8(block) >> 5 !== videoAuxiliary) continue;
    for (const at of packsOf(videoAuxiliary)) {
      if (frame.readUInt8(block + at) !== 0x61) continue;
      const display = frame.readUInt8(block + at + 2) & 7;
      return display === 2 || (application === 0 && display === 7) ? 16 / 9 : 4 / 3;
    }
  }
  return undefined;
}
