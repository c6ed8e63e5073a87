import type { ByteSource } from "../byte-source.ts";
import { damaged } from "../damaged.ts";
import { blankProgramStream } from "./blanking.ts";
import { timeSince } from "./last-time.ts";
import { packHeader, timeUnitsPerSecond, unitAt, unitHeadBytes } from "./units.ts";
import { blankVideoStream } from "./user-data.ts";
import { findSequenceSize, hasVideoStartCode, readVideoStream, startCodeAt, type MpegSize } from "./video.ts";
import { Patches, recordableDuration, type Blanking } from "../plan.ts";

/** Bytes that are checked: as many as players probe to find the streams. */
const maxUnits = 64;
const maxBytes = 1024 * 1024;
/** Gaps that a recording may have, and how far away the next pack may be. */
const maxGaps = 4;
const maxGapBytes = 64 * 1024;

/**
 * Checks the start of an MPEG-1 or MPEG-2 program stream (ISO/IEC 11172-1, ISO/IEC 13818-1 section 2.5) or video
 * elementary stream, and plans the blanking of everything but picture and sound.
 * @throws ApiError DAMAGED_MEDIA if anything but such a stream follows the first header
 */
export async function planMpeg(source: ByteSource): Promise<Blanking> {
  const isProgram = startCodeAt(await source.read(0, 4), 0) === packHeader;
  const { size, hasPicture, firstTime } = isProgram
    ? await readProgramStream(source)
    : { size: readVideoStream(await source.readUpTo(0, maxBytes)), hasPicture: true, firstTime: undefined };
  const pictureTime = (size?.frameSeconds ?? 0) * timeUnitsPerSecond;
  const elapsed = firstTime === undefined ? 0 : await timeSince(source, firstTime, pictureTime);
  return {
    patches: new Patches(source),
    passes: [isProgram ? blankProgramStream : blankVideoStream],
    orientation: 1,
    size: size?.size ?? null,
    decodedPixels: size?.decodedPixels ?? 0,
    hasPicture,
    video: { durationSeconds: recordableDuration(elapsed / timeUnitsPerSecond), isPlayable: false },
  };
}

async function readProgramStream(source: ByteSource): Promise<{
  size: MpegSize | undefined;
  hasPicture: boolean;
  /** The earliest presentation time. */
  firstTime: number | undefined;
}> {
  let firstTime: number | undefined;
  let size: MpegSize | undefined;
  let hasPicture = false;
  let gaps = 0;
  let position = 0;
  for (let units = 0; position < Math.min(source.size, maxBytes); units++) {
    if (units >= maxUnits && hasPicture) break;
    source.budget.elements.spend();
    const unit = unitAt(await source.readUpTo(position, unitHeadBytes), position);
    if (unit === undefined) {
      // A recording may have gaps, but not right after its first header.
      if (units < 2 || ++gaps > maxGaps) throw damaged(`no packet at ${position}`);
      position = await findPack(source, position);
      continue;
    }
    position = unit.end;
    if (unit.time !== undefined) firstTime = Math.min(firstTime ?? unit.time, unit.time);
    if (!unit.isVideo) continue;
    // An interrupted recording may end within a packet.
    const content = await source.readUpTo(unit.body, unit.end - unit.body);
    hasPicture ||= hasVideoStartCode(content);
    size ??= findSequenceSize(content);
  }
  return { size, hasPicture, firstTime };
}

/**
 * Returns the offset of the next pack after a gap, or the end of the file if only padding or a few bytes follow.
 * @throws ApiError DAMAGED_MEDIA if other bytes follow
 */
async function findPack(source: ByteSource, offset: number): Promise<number> {
  const bytes = await source.readUpTo(offset, maxGapBytes);
  const at = bytes.indexOf(Buffer.from([0, 0, 1, packHeader]), 1);
  if (at !== -1) return offset + at;
  const isEnd = bytes.length < unitHeadBytes || bytes.every((byte) => byte === 0 || byte === 0xff);
  if (!isEnd) throw damaged(`no pack after ${offset}`);
  return source.size;
}
