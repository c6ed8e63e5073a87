import type { InPlaceFile } from "../in-place-file.ts";
import { stuffingByte } from "./units.ts";

/** A range of the file. */
interface Range {
  readonly body: number;
  readonly end: number;
}

/** Overwrites the stuffing after a pack header of MPEG-2 (ISO/IEC 13818-1 section 2.5.3.3). */
export function overwriteInPackHeader(file: InPlaceFile, offset: number, end: number): void {
  fill(file, Math.min(offset + 14, end), end);
}

const systemHeaderBytes = 6;
const extendedEntry = 0xb7;

/**
 * Overwrites the bytes after the entries of a system header (section 2.5.3.5).
 * @param content range after the length of the header
 * @returns the codes of the streams in its entries
 */
export function overwriteInSystemHeader(file: InPlaceFile, { body, end }: Range): number[] {
  const streams: number[] = [];
  let position = Math.min(body + systemHeaderBytes, end);
  while (position + 3 <= end) {
    const [stream = 0, marker = 0] = file.read(position, 2);
    if (stream < 0x80 || (marker & 0xc0) !== 0xc0) break;
    streams.push(stream);
    position += stream === extendedEntry ? 6 : 3;
  }
  // With zeros, because a byte with its first bit set would be another entry.
  if (position < end) file.wipe(position, end);
  return streams;
}

/**
 * Flags and bytes of the optional fields of a packet header (section 2.4.3.6): clock, rate, trick mode, copy info,
 * checksum.
 */
const fields = [
  [0x20, 6],
  [0x10, 3],
  [0x08, 1],
  [0x04, 1],
  [0x02, 2],
] as const;
const extensionFlag = 0x01;
const extensions = {
  privateData: 0x80,
  packHeader: 0x40,
  counter: 0x20,
  buffer: 0x10,
  second: 0x01,
} as const;
const privateDataBytes = 16;

/**
 * Overwrites private data, copied pack headers and stuffing in the packet header of MPEG-2.
 * @param content range after the length of the packet
 */
export function overwriteInPacketHeader(file: InPlaceFile, { body, end }: Range): void {
  if (end - body < 3) return;
  const [first = 0, flags = 0, length = 0] = file.read(body, 3);
  if ((first & 0xc0) !== 0x80 || length === 0) return;
  const last = Math.min(body + 3 + length, end);
  const byteAt = (offset: number) => (offset < last ? file.readUInt(offset, 1) : 0);
  const fillUpTo = (from: number, to: number) => fill(file, Math.min(from, last), Math.min(to, last));

  let position = body + 3 + (flags >> 6 === 3 ? 10 : flags >> 6 === 2 ? 5 : 0);
  for (const [flag, bytes] of fields) if (flags & flag) position += bytes;
  if (flags & extensionFlag) {
    const present = byteAt(position++);
    if (present & extensions.privateData) fillUpTo(position, (position += privateDataBytes));
    if (present & extensions.packHeader) fillUpTo(position + 1, (position += 1 + byteAt(position)));
    if (present & extensions.counter) position += 2;
    if (present & extensions.buffer) position += 2;
    // The first byte is a stream ID.
    if (present & extensions.second) fillUpTo(position + 2, (position += 1 + (byteAt(position) & 0x7f)));
  }
  fillUpTo(position, last);
}

/** Tags of descriptors that affect decoding, with the maximum length of their content. */
const knownDescriptors: Readonly<Record<number, number>> = {
  // Video, audio, hierarchy, registration, data alignment, language.
  ...{ 2: 3, 3: 1, 4: 4, 5: 4, 6: 1, 10: 4 },
  // MPEG-4 video and audio, H.264, its timing, AAC, HEVC.
  ...{ 27: 1, 28: 1, 40: 4, 42: 16, 43: 3, 56: 13 },
  // AC-3, E-AC-3 and AAC of DVB, AC-3 of ATSC.
  ...{ 0x6a: 8, 0x7a: 8, 0x7c: 4, 0x81: 3 },
};
const maxMapBytes = 1018;
const checksumBytes = 4;

/**
 * Overwrites the descriptors in a program stream map (section 2.5.4) that decoders do not need, and the bytes after its
 * checksum.
 * @param content range after the length of the map, which is six bytes after its start
 * @returns the codes of the streams that it describes; undefined for an invalid map
 */
export function overwriteInProgramMap(file: InPlaceFile, { body, end }: Range): number[] | undefined {
  if (end - body > maxMapBytes) return undefined;
  const map = Buffer.from(file.read(body, end - body));
  const before = Buffer.from(map);
  if (map.length < 6) return undefined;
  const entries = 4 + map.readUInt16BE(2);
  if (entries + 2 > map.length) return undefined;
  const checksumAt = entries + 2 + map.readUInt16BE(entries);
  if (checksumAt + checksumBytes > map.length) return undefined;

  overwriteDescriptors(map.subarray(4, entries));
  const streams: number[] = [];
  let position = entries + 2;
  while (position + 4 <= checksumAt) {
    streams.push(map.readUInt8(position + 1));
    const next = Math.min(position + 4 + map.readUInt16BE(position + 2), checksumAt);
    overwriteDescriptors(map.subarray(position + 4, next));
    position = next;
  }
  map.fill(stuffingByte, position, checksumAt);
  map.fill(stuffingByte, checksumAt + checksumBytes);
  if (map.equals(before)) return streams;
  const head = Buffer.from(file.read(body - 6, 6));
  map.writeUInt32BE(checksum(Buffer.concat([head, map.subarray(0, checksumAt)])), checksumAt);
  file.write(body, map);
  return streams;
}

function overwriteDescriptors(descriptors: Buffer): void {
  let position = 0;
  while (position + 2 <= descriptors.length) {
    const known = knownDescriptors[descriptors.readUInt8(position)] ?? 0;
    const [start, length] = [position + 2, descriptors.readUInt8(position + 1)];
    if (length > known)
      descriptors.fill(stuffingByte, start + known, Math.min(start + length, descriptors.length));
    position = start + length;
  }
  if (position < descriptors.length) descriptors.fill(stuffingByte, position);
}

/** Returns the CRC-32 of MPEG (ISO/IEC 13818-1 annex A). */
function checksum(bytes: Buffer): number {
  let sum = 0xffff_ffff;
  for (const byte of bytes) {
    sum ^= byte << 24;
    for (let bit = 0; bit < 8; bit++) sum = (sum << 1) ^ (sum & 0x8000_0000 ? 0x04c1_1db7 : 0);
  }
  return sum >>> 0;
}

/** Overwrites a short range with stuffing, unless it already holds nothing else. */
function fill(file: InPlaceFile, from: number, to: number): void {
  if (from < to && file.read(from, to - from).some((byte) => byte !== stuffingByte))
    file.wipe(from, to, stuffingByte);
}
