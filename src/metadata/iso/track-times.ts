import type { Box, BoxReader } from "./boxes.ts";

/** Times of a track, in seconds. */
export interface TrackTimes {
  /** Units per second in the media; 0 if the track has no valid header. */
  readonly timescale: number;
  /** Duration of the samples outside fragments (`mdhd`). */
  readonly media: number;
  /** Duration of the presentation (`tkhd`), after edits. */
  readonly shown: number;
  /** How much later than the media the track is shown (`elst`); negative if its start is skipped. */
  readonly shift: number;
}

/** `timescale` and `duration` of a header; undefined if they are missing. */
export interface Clock {
  readonly timescale: number;
  /** In units of the time scale; 0 if unknown. */
  readonly duration: number;
}

/** Reads `mvhd` or `mdhd` (ISO/IEC 14496-12 sections 8.2.2 and 8.4.2), which begin with the same fields. */
async function readClock(reader: BoxReader, header: Box | undefined): Promise<Clock | undefined> {
  const bytes = header && (await reader.content(header, Math.min(32, header.end - header.body)));
  const at = bytes?.[0] === 1 ? 20 : 12;
  if (!bytes || bytes.length < at + (at === 20 ? 12 : 8)) return undefined;
  return { timescale: bytes.readUInt32BE(at), duration: durationAt(bytes, at + 4) };
}

/** Reads a duration of 32 bits, or of 64 in version 1. All bits set means unknown. */
export function durationAt(content: Buffer, at: number): number {
  if (content[0] !== 1) return content.readUInt32BE(at) === 0xffff_ffff ? 0 : content.readUInt32BE(at);
  const duration = content.readBigUInt64BE(at);
  return duration === 0xffff_ffff_ffff_ffffn ? 0 : Number(duration);
}

/** @param movie `moov` */
export async function movieClock(reader: BoxReader, movie: Box): Promise<Clock | undefined> {
  return readClock(reader, await reader.find(movie, "mvhd"));
}

/** Reads the times of a track. @param movie the time scale of the movie, which `tkhd` and `elst` use */
export async function trackTimes(
  reader: BoxReader,
  track: Box,
  movie: Clock | undefined,
): Promise<TrackTimes> {
  const clock = await readClock(reader, await reader.find(track, "mdia", "mdhd"));
  const movieScale = movie?.timescale ?? 0;
  const header = await reader.find(track, "tkhd");
  const content = header && (await reader.content(header, Math.min(36, header.end - header.body)));
  const durationOffset = content?.[0] === 1 ? 28 : 20;
  const isLong = (content?.length ?? 0) >= durationOffset + 8;
  return {
    timescale: clock?.timescale ?? 0,
    media: seconds(clock?.duration ?? 0, clock?.timescale ?? 0),
    shown: content && isLong ? seconds(durationAt(content, durationOffset), movieScale) : 0,
    shift: await readShift(reader, track, movieScale, clock?.timescale ?? 0),
  };
}

/** Returns a time in seconds; 0 for an invalid time scale. */
export const seconds = (time: number, timescale: number) => (timescale > 0 ? time / timescale : 0);

/** Reads the start of an edit list (section 8.6.6): perhaps a delay, then the first shown time of the media. */
async function readShift(
  reader: BoxReader,
  track: Box,
  movieScale: number,
  mediaScale: number,
): Promise<number> {
  const list = await reader.find(track, "edts", "elst");
  const content = list && (await reader.content(list, Math.min(48, list.end - list.body)));
  if (!content || content.length < 8) return 0;
  const isLong = content[0] === 1;
  const entryBytes = isLong ? 20 : 12;
  let delay = 0;
  for (let index = 0; index < Math.min(2, content.readUInt32BE(4)); index++) {
    const at = 8 + index * entryBytes;
    if (at + entryBytes > content.length) break;
    const start = isLong ? Number(content.readBigInt64BE(at + 8)) : content.readInt32BE(at + 4);
    if (start !== -1) return delay - seconds(Math.max(0, start), mediaScale);
    delay += seconds(isLong ? Number(content.readBigUInt64BE(at)) : content.readUInt32BE(at), movieScale);
  }
  return delay;
}
