import type { ByteSource } from "../byte-source.ts";
import { damaged } from "../damaged.ts";
import { findSequenceSize, hasVideoStartCode, readVideoStream, startCodeAt } from "./mpeg-video.ts";
import { Patches, pictureSize, type Blanking, type MediaFacts } from "./plan.ts";

const programEnd = 0xb9;
const packHeader = 0xba;
const systemHeader = 0xbb;
const privateStream1 = 0xbd;
const lastStream = 0xf9;

/** What is looked at: as much as a player needs to find the streams. */
const maxUnits = 64;
const maxBytes = 1024 * 1024;
/** Enough of a unit to tell what it is. */
const headBytes = 32;
/** Places where a recording may be broken, and how far off the next pack may be. */
const maxGaps = 4;
const maxGapBytes = 64 * 1024;

/**
 * Checks the beginning of an MPEG-1 or MPEG-2 program stream (ISO/IEC 11172-1, ISO/IEC 13818-1 section 2.5) or video
 * elementary stream. Nothing is removed: neither has a place for metadata.
 * @throws ApiError DAMAGED_MEDIA where anything but such a stream follows the first header
 */
export async function planMpeg(source: ByteSource): Promise<Blanking> {
  const isProgram = startCodeAt(await source.read(0, 4), 0) === packHeader;
  const { size, hasPicture } = isProgram
    ? await readProgramStream(source)
    : { size: readVideoStream(await source.readUpTo(0, maxBytes)), hasPicture: true };
  return { patches: new Patches(source), orientation: 1, ...pictureSize(size), hasPicture };
}

async function readProgramStream(source: ByteSource): Promise<Pick<MediaFacts, "size" | "hasPicture">> {
  let size: MediaFacts["size"] = null;
  let hasPicture = false;
  let gaps = 0;
  let position = 0;
  for (let units = 0; position < Math.min(source.size, maxBytes); units++) {
    if (units >= maxUnits && hasPicture) break;
    source.budget.elements.spend();
    const unit = await readUnit(source, position);
    if (unit === undefined) {
      // A recording may be broken anywhere, but not behind its very first header.
      if (units < 2 || ++gaps > maxGaps) throw damaged(`no packet at ${position}`);
      position = await findPack(source, position);
      continue;
    }
    position = unit.end;
    if (!unit.isVideo) continue;
    // A recording that was stopped may end within a packet.
    const content = await source.readUpTo(unit.body, unit.end - unit.body);
    hasPicture ||= hasVideoStartCode(content);
    size ??= findSequenceSize(content);
  }
  return { size, hasPicture };
}

interface Unit {
  readonly body: number;
  readonly end: number;
  readonly isVideo: boolean;
}

/** The pack header, system header or packet at `offset`; undefined where there is none. */
async function readUnit(source: ByteSource, offset: number): Promise<Unit | undefined> {
  const head = await source.readUpTo(offset, headBytes);
  const code = startCodeAt(head, 0);
  if (code === programEnd) return { body: offset + 4, end: offset + 4, isVideo: false };
  if (code === packHeader) {
    const length = packHeaderBytes(head);
    return length === undefined ? undefined : { body: offset + 4, end: offset + length, isVideo: false };
  }
  if (code === undefined || code < systemHeader || code > lastStream || head.length < 6) return undefined;
  const length = head.readUInt16BE(4);
  const isVideo = code >= 0xe0 && code <= 0xef;
  const hasHeader = isVideo || code === privateStream1 || (code >= 0xc0 && code <= 0xdf);
  if (length === 0 || (hasHeader && !isPacketHeader(head.subarray(6), length))) return undefined;
  return { body: offset + 6, end: offset + 6 + length, isVideo };
}

/** 12 bytes of MPEG-1, 14 and some stuffing of MPEG-2; undefined where the marker bits are wrong. */
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

/** Whether a packet of so many bytes may begin like this: with a header of MPEG-2, or stuffing and times of MPEG-1. */
function isPacketHeader(bytes: Buffer, length: number): boolean {
  const first = bytes[0] ?? 0;
  if ((first & 0xc0) === 0x80) return 3 + (bytes[2] ?? 0) <= length;
  let at = bytes.findIndex((byte) => byte !== 0xff);
  if (at === -1 || at > 16) return false;
  if (((bytes[at] ?? 0) & 0xc0) === 0x40) at += 2;
  const times = bytes[at] ?? 0;
  return times === 0x0f || (times & 0xf1) === 0x21 || (times & 0xf1) === 0x31;
}

/**
 * Where the next pack starts behind a broken place: the end of the file where padding follows, or less than a header.
 * @throws ApiError DAMAGED_MEDIA where anything else does
 */
async function findPack(source: ByteSource, offset: number): Promise<number> {
  const bytes = await source.readUpTo(offset, maxGapBytes);
  const at = bytes.indexOf(Buffer.from([0, 0, 1, packHeader]), 1);
  if (at !== -1) return offset + at;
  const isEnd = bytes.length < headBytes || bytes.every((byte) => byte === 0 || byte === 0xff);
  if (!isEnd) throw damaged(`no pack after ${offset}`);
  return source.size;
}
