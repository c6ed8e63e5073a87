import { damaged } from "../damaged.ts";
import type { InPlaceFile } from "../in-place-file.ts";
import { isSeiType, overwriteInUnit, type NalCoding } from "./sei.ts";

/**
 * NAL unit types that decoders read (ISO/IEC 14496-10 table 7-1, ISO/IEC 23008-2 table 7-1): slices, parameter sets and
 * delimiters. All others are filler data, reserved or unspecified.
 */
const keptTypes = {
  h264: new Set([1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 13, 14, 15, 16, 19, 20, 21]),
  hevc: new Set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 17, 18, 19, 20, 21, 32, 33, 34, 35, 36, 37]),
};
/**
 * Dolby Vision uses two unspecified types of HEVC: for its metadata, which starts with a fixed byte, and for units of a
 * second layer.
 */
const dolbyVision = { metadata: 62, metadataStart: 0x19, layer: 63 };

/** Limit for a unit of SEI messages; real ones have some kilobytes. */
const maxSeiBytes = 4 * 1024 * 1024;
/** A byte that cannot be part of a start code. */
const filler = 0xff;
/** The last byte of a unit, which holds the stop bit. */
const stopByte = 0x80;

const startCode = Buffer.from([0, 0, 1]);

/**
 * Overwrites user data in the NAL units of one coded picture: the content of SEI messages that decoders do not need,
 * and of units that decoders skip. Units keep their offsets and sizes.
 * @throws ApiError DAMAGED_MEDIA
 */
export function overwriteUserData(file: InPlaceFile, offset: number, end: number, coding: NalCoding): void {
  const units = coding.lengthBytes === 0 ? unitsByStartCode : unitsByLength;
  for (const unit of units(file, offset, end, coding.lengthBytes)) overwriteUnit(file, unit, coding.isHevc);
}

/** Overwrites user data in the units of a decoder configuration record. */
export function overwriteInRecord(
  record: Buffer,
  units: Iterable<{ readonly start: number; readonly end: number }>,
  isHevc: boolean,
): void {
  for (const { start, end } of units) {
    const unit = record.subarray(start, end);
    const content = headerBytes(isHevc);
    if (unit.length <= content) continue;
    const type = unitType(unit, isHevc);
    if (isSeiType(type, isHevc)) overwriteInUnit(unit, isHevc);
    else if (!isRead(type, isHevc)) unit.fill(filler, content);
  }
}

/** Whether decoders read at least a part of units of this type. */
function isRead(type: number, isHevc: boolean): boolean {
  return isSeiType(type, isHevc) || (isHevc ? keptTypes.hevc : keptTypes.h264).has(type);
}

const headerBytes = (isHevc: boolean) => (isHevc ? 2 : 1);

function unitType(head: Buffer, isHevc: boolean): number {
  const first = head.readUInt8(0);
  return isHevc ? (first >> 1) & 0x3f : first & 0x1f;
}

interface Unit {
  readonly offset: number;
  readonly end: number;
}

function overwriteUnit(file: InPlaceFile, { offset, end }: Unit, isHevc: boolean): void {
  const content = offset + headerBytes(isHevc);
  if (content >= end) return;
  const head = file.read(offset, Math.min(3, end - offset));
  const type = unitType(head, isHevc);
  if (isSeiType(type, isHevc)) {
    const length = end - offset;
    if (length > maxSeiBytes) throw damaged(`a unit of SEI messages of ${length} bytes at ${offset}`);
    // Processing such a unit takes longer than skipping others.
    file.budget.tableEntries.spend(2);
    const bytes = Buffer.from(file.read(offset, length));
    if (overwriteInUnit(bytes, isHevc)) file.write(offset, bytes);
    return;
  }
  if (isRead(type, isHevc)) return;
  if (isHevc && type === dolbyVision.metadata && head[2] === dolbyVision.metadataStart) return;
  if (isHevc && type === dolbyVision.layer && isRead(unitType(head.subarray(2), true), true)) {
    overwriteUnit(file, { offset: content, end }, true);
    return;
  }
  file.wipe(content, end, filler);
  file.write(end - 1, Buffer.of(stopByte));
}

function* unitsByLength(
  file: InPlaceFile,
  offset: number,
  end: number,
  lengthBytes: number,
): Generator<Unit> {
  for (let position = offset; position + lengthBytes < end;) {
    file.budget.tableEntries.spend();
    const start = position + lengthBytes;
    const next = start + file.readUInt(position, lengthBytes);
    if (next > end) {
      // Not a length: some files have start codes instead.
      yield* unitsByStartCode(file, position + 1, end);
      return;
    }
    yield { offset: start, end: next };
    position = next;
  }
}

function* unitsByStartCode(file: InPlaceFile, offset: number, end: number): Generator<Unit> {
  for (let start = file.indexOf(startCode, offset, end); start !== undefined;) {
    file.budget.tableEntries.spend();
    const next = file.indexOf(startCode, start + 3, end);
    const unit = start + 3;
    // The next start code may have a leading zero.
    const isLong = next !== undefined && next > unit && file.readUInt(next - 1, 1) === 0;
    yield { offset: unit, end: isLong ? next - 1 : (next ?? end) };
    start = next;
  }
}
