import type { InPlaceFile } from "../in-place-file.ts";

const prefix = Buffer.from([0, 0, 1]);
/** It cannot be taken for a part of a start code. */
const filler = 0xff;

const lastSlice = 0xaf;
const userData = 0xb2;
/**
 * Bytes that the parts of a stream have at most behind their start codes (ISO/IEC 13818-2 section 6.2): pictures,
 * sequence headers, extensions, ends, groups. Slices may have any number, other parts none.
 */
const partBytes: Readonly<Record<number, number>> = {
  0x00: 16,
  0xb3: 136,
  0xb4: 0,
  0xb5: 260,
  0xb7: 0,
  0xb8: 4,
};

/** Bytes of user data that tell what it is. */
const userDataHeadBytes = 256;
const captionBytes = 3;
/** Of captions whose number lies in the next packet. */
const maxCaptionBytes = 8 + 31 * captionBytes;

/** Overwrites user data and what is no part of a picture in a video stream of MPEG-1 or MPEG-2. */
export function blankVideoStream(file: InPlaceFile): void {
  new VideoStream(file).overwrite(0, file.size);
}

/**
 * A video stream of MPEG-1 or MPEG-2, given in ranges of the file. What goes may continue in the next range, and so may
 * the start code in front of it.
 */
export class VideoStream {
  /** The last three bytes so far. */
  #tail: Buffer = Buffer.alloc(0);
  /** Bytes of the present part that still stay. */
  #kept = Infinity;

  constructor(private readonly file: InPlaceFile) {}

  /** Goes on with the stream, whose next bytes are between these places. */
  overwrite(from: number, to: number): void {
    let position = from;
    const seam = Buffer.concat([this.#tail, this.file.readUpTo(from, Math.min(3, to - from))]);
    const across = seam.indexOf(prefix);
    if (across !== -1 && across < this.#tail.length && across + 4 <= seam.length)
      position = this.#begin(seam[across + 3] ?? 0, from + across + 4 - this.#tail.length, to);
    while (position < to) {
      const next = this.file.indexOf(prefix, position, to);
      const end = next ?? to;
      if (position + this.#kept < end)
        this.#fill(position + this.#kept, next === undefined ? this.#withoutZeros(position, to) : end);
      this.#kept = Math.max(0, this.#kept - (end - position));
      // The code itself may lie in the next range.
      if (next === undefined || next + 4 > to) break;
      position = this.#begin(this.file.read(next + 3, 1).readUInt8(0), next + 4, to);
    }
    const rest = Buffer.from(this.file.readUpTo(Math.max(from, to - 3), Math.min(3, to - from)));
    this.#tail = Buffer.concat([this.#tail, rest]).subarray(-3);
  }

  /** Begins a part with this code. Returns where its content starts. */
  #begin(code: number, content: number, to: number): number {
    if (code > 0 && code <= lastSlice) {
      this.file.budget.tableEntries.spend();
      this.#kept = Infinity;
    } else {
      this.file.budget.blocks.spend();
      this.#kept =
        code === userData
          ? keptUserData(this.file.readUpTo(content, Math.min(userDataHeadBytes, Math.max(0, to - content))))
          : (partBytes[code] ?? 0);
    }
    return content;
  }

  /** Overwrites a range, unless it holds nothing but zeros, which may stand in front of every start code. */
  #fill(from: number, to: number): void {
    if (from >= to) return;
    const isShort = to - from <= userDataHeadBytes;
    if (isShort && this.file.read(from, to - from).every((byte) => byte === 0)) return;
    this.file.wipe(from, to, filler);
  }

  /** The end of a range without up to two zeros, which may be the beginning of a start code. */
  #withoutZeros(from: number, to: number): number {
    const last = this.file.readUpTo(Math.max(from, to - 2), Math.min(2, to - from));
    if (last.at(-1) !== 0) return to;
    return last.length === 2 && last[0] === 0 ? to - 2 : to - 1;
  }
}

/**
 * How many bytes of user data stay: captions and the active picture (ATSC A/53, DVB, DVDs, SCTE 20), and the mark of an
 * encoder that decoders know for its defects.
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
  // Bits: a number, then 26 for each caption.
  if (/^\x03[\x01\x81]/.test(text)) return 3 + Math.ceil((5 + ((head[2] ?? 0) >> 3) * 26) / 8);
  const mark = /^[^]{0,20}\0TMPGEXS\0/.exec(text);
  return mark ? mark[0].length : 0;
}
