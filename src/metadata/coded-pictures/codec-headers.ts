import { lacedParts, lacings } from "../matroska/lacing.ts";
import { overwriteInRecord } from "./nal-units.ts";

/** Matroska codecs whose decoders need no header. */
const withoutHeaders = /^(V_VP8|V_UNCOMPRESSED|A_PCM\/.*|A_MPEG\/L[123]|A_AC3.*|A_EAC3.*|A_TRUEHD|A_DTS.*)$/;

const cleaners: Readonly<Record<string, (header: Buffer) => void>> = {
  A_FLAC: overwriteFlacMetadata,
  A_OPUS: (header) => header.fill(0, opusHeaderBytes(header)),
  A_VORBIS: (header) => overwriteCommentPacket(header, "\x03vorbis", true),
  V_THEORA: (header) => overwriteCommentPacket(header, "\x81theora", false),
  "V_MPEG4/ISO/AVC": overwriteInAvcConfiguration,
  "V_MPEGH/ISO/HEVC": overwriteInHevcConfiguration,
};

/**
 * Overwrites what decoders do not need in a codec header of Matroska (CodecPrivate).
 * @param header is changed in place
 * @returns false if the codec has no header, so that all of it can be removed
 */
export function overwriteInCodecHeader(codecId: string, header: Buffer): boolean {
  if (withoutHeaders.test(codecId)) return false;
  if (Object.hasOwn(cleaners, codecId)) cleaners[codecId]?.(header);
  return true;
}

const flac = { headBytes: 4, streamInfo: 0, padding: 1, comments: 4, isLast: 0x80 } as const;
/** Decoders read the speaker positions from this comment. */
const channelMask = /WAVEFORMATEXTENSIBLE_CHANNEL_MASK=0x[0-9A-F]{1,8}/i;

/**
 * Turns the metadata blocks of FLAC into padding, except the stream information and a channel mask (RFC 9639 section
 * 8).
 */
function overwriteFlacMetadata(header: Buffer): void {
  if (header.toString("latin1", 0, 4) !== "fLaC") return;
  let isLast = false;
  let offset = 4;
  for (; !isLast && offset + flac.headBytes <= header.length;) {
    const type = header.readUInt8(offset) & 0x7f;
    isLast = (header.readUInt8(offset) & flac.isLast) !== 0;
    const body = offset + flac.headBytes;
    const end = Math.min(body + header.readUIntBE(offset + 1, 3), header.length);
    const content = header.subarray(body, end);
    const mask = type === flac.comments ? channelMask.exec(content.toString("latin1"))?.[0] : undefined;
    if (mask !== undefined) writeComments(content, [mask]);
    else if (type !== flac.streamInfo) {
      header.writeUInt8(flac.padding | (isLast ? flac.isLast : 0), offset);
      content.fill(0);
    }
    offset = end;
  }
  header.fill(0, offset);
}

/** Empties the comments of Vorbis or Theora, which are in the second of three packets (Vorbis I section 5). */
function overwriteCommentPacket(header: Buffer, signature: string, hasFramingBit: boolean): void {
  for (const { start, end } of headerPackets(header)) {
    const packet = header.subarray(start, end);
    if (packet.toString("latin1", 0, signature.length) !== signature) continue;
    const written = writeComments(packet.subarray(signature.length), []);
    const framing = signature.length + written;
    if (hasFramingBit && framing < packet.length) packet.writeUInt8(1, framing);
  }
}

/** Returns the packets of a header, which are laced by Xiph's rules or each preceded by a length of two bytes. */
function headerPackets(header: Buffer): { readonly start: number; readonly end: number }[] {
  const parts = header[0] === 2 ? lacedParts(header, header.length, lacings.xiph) : undefined;
  if (parts) return parts;
  const packets: { readonly start: number; readonly end: number }[] = [];
  for (let position = 0; position + 2 <= header.length;) {
    const start = position + 2;
    position = start + header.readUInt16BE(position);
    packets.push({ start, end: Math.min(position, header.length) });
  }
  return packets;
}

/** Writes Vorbis comments without a vendor, followed by zeros. @returns the number of bytes of the comments */
function writeComments(content: Buffer, comments: readonly string[]): number {
  const number = (value: number) => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    return bytes;
  };
  const written = Buffer.concat([
    number(0),
    number(comments.length),
    ...comments.flatMap((text) => [number(text.length), Buffer.from(text, "latin1")]),
  ]);
  content.fill(0);
  written.copy(content);
  return written.length;
}

/** A channel mapping table follows unless the mapping family is 0 (RFC 7845 section 5.1). */
function opusHeaderBytes(header: Buffer): number {
  return header[18] ? 21 + (header[9] ?? 0) : 19;
}

/** Overwrites in an AVCDecoderConfigurationRecord (ISO/IEC 14496-15 section 5.3.3.1). */
function overwriteInAvcConfiguration(record: Buffer): void {
  const units: { readonly start: number; readonly end: number }[] = [];
  let position = 5;
  const readUnits = (mask: number) => {
    const count = (record[position++] ?? 0) & mask;
    for (let left = count; left > 0 && position + 2 <= record.length; left--) {
      const start = position + 2;
      position = start + record.readUInt16BE(position);
      units.push({ start, end: position });
    }
  };
  readUnits(0x1f);
  readUnits(0xff);
  // The chroma format, the bit depths and extensions of sequence parameter sets.
  const hasMore = ![66, 77, 88].includes(record[1] ?? 0) && ((record[position] ?? 0) & 0xfc) === 0xfc;
  if (hasMore) {
    position += 3;
    readUnits(0xff);
  }
  overwriteInRecord(record, units, false);
  if (position < record.length) record.fill(0, position);
}

function overwriteInHevcConfiguration(record: Buffer): void {
  const units = [...hevcConfigurationUnits(record)];
  overwriteInRecord(record, units, true);
  const end = units.at(-1)?.end;
  if (end !== undefined) record.fill(0, end);
}

/** The NAL units in an HEVC decoder configuration record (ISO/IEC 14496-15 section 8.3.3.1). */
function* hevcConfigurationUnits(
  record: Buffer,
): Generator<{ readonly start: number; readonly end: number }> {
  let position = 23;
  for (let arrays = record[22] ?? 0; arrays > 0 && position + 3 <= record.length; arrays--) {
    const count = record.readUInt16BE(position + 1);
    position += 3;
    for (let left = count; left > 0 && position + 2 <= record.length; left--) {
      const start = position + 2;
      position = start + record.readUInt16BE(position);
      if (position > record.length) return;
      yield { start, end: position };
    }
  }
}
