import { damaged } from "../damaged.ts";
import type { InPlaceFile } from "./in-place-file.ts";

/** How the pictures of a track are coded: H.264 (ISO/IEC 14496-10) or HEVC (ISO/IEC 23008-2). */
export interface NalCoding {
  readonly isHevc: boolean;
  /** Bytes of the length in front of each NAL unit; 0 where start codes separate them instead. */
  readonly lengthBytes: number;
}

/** Supplemental enhancement information: type 6 of H.264; 39 (prefix) and 40 (suffix) of HEVC. */
const seiTypes = { h264: new Set([6]), hevc: new Set([39, 40]) };

const registeredUserData = 4;
const unregisteredUserData = 5;
/**
 * What registered user data is for (ITU-T T.35: country, provider), where it is kept: captions and the active picture
 * (ATSC, DirecTV), Dolby Vision, HDR10+, HDR Vivid.
 */
const knownProviders = new Set(["b50031", "b5002f", "b5003b", "b5003c", "260004"]);
/** Decoders look at x264's version, because some versions had defects; its settings go. */
const x264 = { uuid: "dc45e9bde6d948b7962cd820d923eeef", version: /^x264 - core \d{1,4}/ };
/** A unit of SEI messages has some kilobytes; a larger one than this is hostile. */
const maxUnitBytes = 4 * 1024 * 1024;
/** Enough of a message to tell what it is. */
const headBytes = 40;

/** A space: it needs no emulation prevention, and ends a text. */
const filler = 0x20;
const startCode = Buffer.from([0, 0, 1]);

/**
 * Overwrites user data in the SEI messages of one coded picture: camcorders write the place, the time and the model
 * there (MDPM in AVCHD), encoders their settings. Nothing else changes, so that decoders show the same.
 * @throws ApiError DAMAGED_MEDIA
 */
export function overwriteUserData(file: InPlaceFile, offset: number, end: number, coding: NalCoding): void {
  const units = coding.lengthBytes === 0 ? unitsByStartCode : unitsByLength;
  const types = coding.isHevc ? seiTypes.hevc : seiTypes.h264;
  for (const unit of units(file, offset, end, coding.lengthBytes)) {
    if (unit.end === unit.offset) continue;
    const first = file.read(unit.offset, 1).readUInt8(0);
    if (!types.has(coding.isHevc ? (first >> 1) & 0x3f : first & 0x1f)) continue;
    const length = unit.end - unit.offset;
    if (length > maxUnitBytes) throw damaged(`a unit of SEI messages of ${length} bytes at ${unit.offset}`);
    const bytes = Buffer.from(file.read(unit.offset, length));
    if (overwriteInUnit(bytes, coding.isHevc)) file.write(unit.offset, bytes);
  }
}

interface Unit {
  readonly offset: number;
  readonly end: number;
}

/** An empty unit ends them: it is padding, or a picture that was never written. */
function* unitsByLength(
  file: InPlaceFile,
  offset: number,
  end: number,
  lengthBytes: number,
): Generator<Unit> {
  for (let position = offset; position + lengthBytes < end;) {
    const start = position + lengthBytes;
    position = start + file.read(position, lengthBytes).readUIntBE(0, lengthBytes);
    if (position === start || position > end) return;
    yield { offset: start, end: position };
  }
}

function* unitsByStartCode(file: InPlaceFile, offset: number, end: number): Generator<Unit> {
  for (let start = file.indexOf(startCode, offset, end); start !== undefined;) {
    const next = file.indexOf(startCode, start + 3, end);
    yield { offset: start + 3, end: next ?? end };
    start = next;
  }
}

/**
 * Overwrites user data inside a NAL unit of SEI messages.
 * @param unit is changed
 * @returns whether it was changed
 */
export function overwriteInUnit(unit: Buffer, isHevc: boolean): boolean {
  let isChanged = false;
  let position = isHevc ? 2 : 1;
  /** The next byte of the message. Emulation prevention bytes are none (ISO/IEC 14496-10 section 7.4.1). */
  const next = () => {
    if (isPrevention(unit, position)) position++;
    return unit[position++] ?? 0;
  };
  const number = () => {
    let sum = 0;
    let byte: number;
    do sum += byte = next();
    while (byte === 0xff);
    return sum;
  };
  // The last byte is the stop bit.
  while (position + 2 < unit.length) {
    const [type, declared] = [number(), number()];
    const start = position;
    const size = Math.max(0, Math.min(declared, unit.length - 1 - start));
    const head = Buffer.alloc(Math.min(size, headBytes));
    for (let index = 0; index < size; index++) {
      const byte = next();
      if (index < head.length) head.writeUInt8(byte, index);
    }
    const kept = keptBytes(type, head, size);
    if (kept === size) continue;
    for (let index = start + kept; index < Math.min(position, unit.length - 1); index++)
      if (!isBesidePrevention(unit, index) && unit[index] !== filler) {
        unit.writeUInt8(filler, index);
        isChanged = true;
      }
  }
  return isChanged;
}

/** How many of a message's bytes stay. */
function keptBytes(type: number, head: Buffer, size: number): number {
  if (type === registeredUserData) return knownProviders.has(head.toString("hex", 0, 3)) ? size : 0;
  if (type !== unregisteredUserData) return size;
  if (head.toString("hex", 0, 16) !== x264.uuid) return 0;
  const version = x264.version.exec(head.toString("latin1", 16));
  return version ? 16 + version[0].length : 0;
}

/**
 * Whether the byte keeps the unit from containing a start code: the third one of 0x000003. Overwriting spares those
 * bytes and the ones beside them, so that the answer is the same while a unit is being changed.
 */
function isPrevention(unit: Buffer, index: number): boolean {
  return unit[index] === 3 && unit[index - 1] === 0 && unit[index - 2] === 0;
}

/** These bytes stay, so that the unit keeps its length for decoders: two zeros, the byte that prevents, one below 4. */
function isBesidePrevention(unit: Buffer, index: number): boolean {
  return (
    isPrevention(unit, index) ||
    isPrevention(unit, index + 1) ||
    isPrevention(unit, index + 2) ||
    isPrevention(unit, index - 1)
  );
}
