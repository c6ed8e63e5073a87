import type { InPlaceFile } from "../in-place-file.ts";
import { stuffingByte } from "./units.ts";
import { startCodePrefix } from "./video.ts";

const lastSlice = 0xaf;
const userData = 0xb2;
/**
 * Maximum bytes of the parts of a stream after their start codes (ISO/IEC 13818-2 section 6.2): pictures, sequence
 * headers, sequence errors, extensions, ends and groups. Slices have no limit, and other parts have no bytes.
 */
const maxPartBytes: Readonly<Record<number, number>> = {
  0x00: 16,
  0xb3: 136,
  0xb4: 0,
  0xb5: 260,
  0xb7: 0,
  0xb8: 4,
};

/** Bytes of user data that are enough to recognise it. */
const userDataHeadBytes = 256;
const captionBytes = 3;
/** Maximum bytes of captions, used if their number is in the next packet. */
const maxCaptionBytes = 8 + 31 * captionBytes;

/** Overwrites user data and everything else that is not part of a picture in an MPEG-1 or MPEG-2 video stream. */
export function blankVideoStream(file: InPlaceFile): void {
  new VideoStream(file).overwrite(0, file.size);
}

/**
 * An MPEG-1 or MPEG-2 video stream that is spread over several ranges of the file. Parts and start codes may continue
 * in the next range.
 */
export class VideoStream {
  /** The last three bytes of the previous range. */
  #tail: Buffer = Buffer.alloc(0);
  /** Bytes of the current part that are still to be kept. */
  #kept = Infinity;

  constructor(private readonly file: InPlaceFile) {}

  /** Processes the next range of the stream. */
  overwrite(from: number, to: number): void {
    let position = from;
    const joined = Buffer.concat([this.#tail, this.file.readUpTo(from, Math.min(3, to - from))]);
    const across = joined.indexOf(startCodePrefix);
    if (across !== -1 && across < this.#tail.length && across + 4 <= joined.length)
      position = this.#begin(joined[across + 3] ?? 0, from + across + 4 - this.#tail.length, to);
    while (position < to) {
      const next = this.file.indexOf(startCodePrefix, position, to);
      const end = next ?? to;
      if (position + this.#kept < end)
        this.#fill(position + this.#kept, next === undefined ? this.#withoutZeros(position, to) : end);
      this.#kept = Math.max(0, this.#kept - (end - position));
      // The last byte of the start code may be in the next range.
      if (next === undefined || next + 4 > to) break;
      position = this.#begin(this.file.readUInt(next + 3, 1), next + 4, to);
    }
    const rest = Buffer.from(this.file.readUpTo(Math.max(from, to - 3), Math.min(3, to - from)));
    this.#tail = Buffer.concat([this.#tail, rest]).subarray(-3);
  }

  /** Starts a part. @returns the offset of its content */
  #begin(code: number, content: number, to: number): number {
    if (code > 0 && code <= lastSlice) {
      this.file.budget.tableEntries.spend();
      this.#kept = Infinity;
    } else {
      this.file.budget.blocks.spend();
      this.#kept =
        code === userData
          ? keptUserData(this.file.readUpTo(content, Math.min(userDataHeadBytes, Math.max(0, to - content))))
          : (maxPartBytes[code] ?? 0);
    }
    return content;
  }

  /** Overwrites a range unless it holds only zeros, which may precede every start code. */
  #fill(from: number, to: number): void {
    if (from >= to) return;
    const isShort = to - from <= userDataHeadBytes;
    if (isShort && this.file.read(from, to - from).every((byte) => byte === 0)) return;
    this.file.wipe(from, to, stuffingByte);
  }

  /** Returns the end of a range without up to two trailing zeros, which may belong to the next start code. */
  #withoutZeros(from: number, to: number): number {
    const last = this.file.readUpTo(Math.max(from, to - 2), Math.min(2, to - from));
    if (last.at(-1) !== 0) return to;
    return last.length === 2 && last[0] === 0 ? to - 2 : to - 1;
  }
}

/**
 * Returns how many bytes of user data to keep: captions and active picture (ATSC A/53, DVB, DVD, SCTE 20), and the mark
 * of an encoder whose bugs decoders work around.
 */
function keptUserData(head: Buffer): number {
  const text = head.toString("latin1");
  if (text.startsWith("GA94")) {
    if (head.length < 6) return maxCaptionBytes;
    if (head[4] === 3) return 8 + ((head[5] ?? 0) & 0x1f) * captionBytes;
    return head[4] === 6 ? 10 : 5;
  }
  if (text.startsWith("DTG1")) return 6;
  if (text.startsWith("CC\x01\xf8")) {
    let bytes = 5;
    while (((head[bytes] ?? 0) & 0xfe) === 0xfe) bytes += captionBytes;
    return bytes;
  }
  // A number of five bits, then 26 bits for each caption.
  if (/^\x03[\x01\x81]/.test(text)) return 3 + Math.ceil((5 + ((head[2] ?? 0) >> 3) * 26) / 8);
  const mark = /^[^]{0,20}\0TMPGEXS\0/.exec(text);
  return mark ? mark[0].length : 0;
}
