/** Reads a range of a file; returns fewer bytes at its end. */
export type ReadBytes = (offset: number, length: number) => Buffer;

/** Limit on the boxes before the header of the movie: real files have about five. */
const maxBoxes = 100;

/** Bytes of the header of a box with a size of 64 bits. */
const longHeaderBytes = 16;

/** 1904-01-01 in milliseconds since 1970: where the times of ISO files and QuickTime begin. */
const epochMs = Date.UTC(1904, 0);

/** Devices whose clock is not set write zeros or their own epoch. No digital film is older than this. */
const earliestMs = Date.UTC(1990, 0);

/**
 * Finds the time at which an MP4 or QuickTime file was recorded: `creation_time` in `mvhd` (ISO/IEC 14496-12 section 8.2.2).
 * Reads only a few bytes of each box before it, wherever the header of the movie is. Throws only what `read` throws.
 * @param now milliseconds since 1970; a later time is rejected
 * @returns milliseconds since 1970; undefined for a file of another format, or without a plausible time
 */
export function findMovieTime(read: ReadBytes, now = Date.now()): number | undefined {
  let at = 0;
  let isInMovie = false;
  for (let boxes = 0; boxes < maxBoxes; boxes++) {
    const head = read(at, longHeaderBytes);
    if (head.length < longHeaderBytes) return undefined;
    const type = head.toString("latin1", 4, 8);
    const declared = head.readUInt32BE(0);
    const [size, headerBytes] =
      declared === 1 ? [Number(head.readBigUInt64BE(8)), longHeaderBytes] : [declared, 8];
    if (isInMovie && type === "mvhd") return plausibleTime(read(at + headerBytes, 12), now);
    if (type === "moov") isInMovie = true;
    else if (size < headerBytes) return undefined;
    at += type === "moov" ? headerBytes : size;
    if (!Number.isSafeInteger(at)) return undefined;
  }
  return undefined;
}

/** @param content the beginning of `mvhd`: the version, flags, and `creation_time` in 32 or 64 bits */
function plausibleTime(content: Buffer, now: number): number | undefined {
  if (content.length < 12) return undefined;
  const seconds = content[0] === 1 ? Number(content.readBigUInt64BE(4)) : content.readUInt32BE(4);
  const time = epochMs + seconds * 1000;
  return time >= earliestMs && time <= now ? time : undefined;
}
