import { startCodeAt } from "./video.ts";

/** The stuffing byte, which cannot be part of a start code. */
export const stuffingByte = 0xff;

export const programEnd = 0xb9;
export const packHeader = 0xba;
export const systemHeader = 0xbb;
export const programMap = 0xbc;
export const privateStream1 = 0xbd;
export const paddingStream = 0xbe;
const lastStream = 0xf9;
/** Streams with an extended stream ID, such as VC-1. */
export const extendedStream = 0xfd;

/** Bytes of a unit that are enough to parse its header. */
export const unitHeadBytes = 64;

/** A pack header, a system header or a packet (ISO/IEC 13818-1 section 2.5). */
export interface Unit {
  /** The last byte of its start code. */
  readonly code: number;
  /** Offset after its start code and, for a packet, its length. */
  readonly body: number;
  /** Offset of the content of a packet, after its header. */
  readonly content: number;
  readonly end: number;
  readonly isVideo: boolean;
  /** Presentation time of a packet's content, in units of 1/90,000 second modulo {@link timeRange}; undefined without one. */
  readonly time: number | undefined;
}

/** Times of packets have 33 bits. */
export const timeRange: number = 2 ** 33;
export const timeUnitsPerSecond = 90_000;

/** Parses the unit at `offset`; undefined if the bytes do not start one. */
export function unitAt(head: Buffer, offset: number): Unit | undefined {
  const code = startCodeAt(head, 0);
  const unit = (end: number) => ({
    code: code ?? 0,
    body: offset + 4,
    content: end,
    end,
    isVideo: false,
    time: undefined,
  });
  if (code === programEnd) return unit(offset + 4);
  if (code === packHeader) {
    const length = packHeaderBytes(head);
    return length === undefined ? undefined : unit(offset + length);
  }
  if (code === undefined || code < systemHeader || head.length < 6) return undefined;
  if (code > lastStream && code !== extendedStream) return undefined;
  const length = head.readUInt16BE(4);
  const isVideo = code >= 0xe0 && code <= 0xef;
  const hasHeader = isVideo || code === privateStream1 || (code >= 0xc0 && code <= 0xdf);
  const headerBytes = hasHeader ? packetHeaderBytes(head.subarray(6), length) : 0;
  if (length === 0 || headerBytes === undefined) return undefined;
  const body = offset + 6;
  const time = hasHeader ? packetTime(head.subarray(6, 6 + headerBytes)) : undefined;
  return { code, body, content: body + headerBytes, end: body + length, isVideo, time };
}

/** Returns 12 for MPEG-1, and 14 plus stuffing for MPEG-2; undefined if the marker bits are wrong. */
function packHeaderBytes(head: Buffer): number | undefined {
  const hasBits = (at: number, mask: number, bits: number) => ((head[at] ?? 0) & mask) === bits;
  const isMpeg1 =
    hasBits(4, 0xf1, 0x21) &&
    hasBits(6, 0x01, 0x01) &&
    hasBits(8, 0x01, 0x01) &&
    hasBits(9, 0x80, 0x80) &&
    hasBits(11, 0x01, 0x01);
  if (isMpeg1) return 12;
  const isMpeg2 =
    hasBits(4, 0xc4, 0x44) &&
    hasBits(6, 0x04, 0x04) &&
    hasBits(8, 0x04, 0x04) &&
    hasBits(9, 0x01, 0x01) &&
    hasBits(12, 0x03, 0x03);
  return isMpeg2 && head.length >= 14 ? 14 + (head.readUInt8(13) & 7) : undefined;
}

/**
 * Returns the bytes of the header of a packet: the optional fields of MPEG-2, or the stuffing and times of MPEG-1;
 * undefined if it is invalid.
 * @param bytes the bytes after the length of the packet
 */
function packetHeaderBytes(bytes: Buffer, length: number): number | undefined {
  const first = bytes[0] ?? 0;
  if ((first & 0xc0) === 0x80) {
    const headerBytes = 3 + (bytes[2] ?? 0);
    return headerBytes <= length ? headerBytes : undefined;
  }
  let at = bytes.findIndex((byte) => byte !== 0xff);
  if (at === -1 || at > 16) return undefined;
  if (((bytes[at] ?? 0) & 0xc0) === 0x40) at += 2;
  const times = bytes[at] ?? 0;
  if (times === 0x0f) return at + 1;
  if ((times & 0xf1) === 0x21) return at + 5;
  return (times & 0xf1) === 0x31 ? at + 10 : undefined;
}

/** Reads the presentation time in the header of a packet. @param header the bytes after the length of the packet */
function packetTime(header: Buffer): number | undefined {
  const first = header[0] ?? 0;
  const isMpeg2 = (first & 0xc0) === 0x80;
  let at = isMpeg2 ? 3 : header.findIndex((byte) => byte !== 0xff);
  if (!isMpeg2 && ((header[at] ?? 0) & 0xc0) === 0x40) at += 2;
  const hasTime = isMpeg2 ? ((header[1] ?? 0) & 0x80) !== 0 : ((header[at] ?? 0) & 0xe0) === 0x20;
  if (!hasTime || at < 0 || at + 5 > header.length) return undefined;
  const bits = (index: number) => header.readUInt8(at + index);
  return (
    ((bits(0) >> 1) & 7) * 2 ** 30 +
    bits(1) * 2 ** 22 +
    (bits(2) >> 1) * 2 ** 15 +
    (header.readUInt16BE(at + 3) >> 1)
  );
}
