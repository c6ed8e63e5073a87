import type { InPlaceFile } from "./in-place-file.ts";
import {
  extendedStream,
  paddingStream,
  privateStream1,
  privateStream2,
  programMap,
  systemHeader,
  unitAt,
  unitHeadBytes,
  type Unit,
} from "./mpeg-units.ts";

const prefix = Buffer.from([0, 0, 1]);
const userDataStart = Buffer.from([0, 0, 1, 0xb2]);
/** It cannot be taken for a part of a start code. */
const filler = 0xff;

/**
 * Captions and the active picture (ATSC A/53, DVB, DVDs, SCTE 20), and the mark of an encoder that decoders know for
 * its defects. All other user data is anybody's.
 */
const knownUserData = /^(GA94|DTG1|CC\x01\xf8|\x03[\x01\x81])|^[^]{0,20}\0TMPGEXS\0/;
/** Bytes of user data that tell what it is. */
const userDataHeadBytes = 32;

/**
 * Walks an MPEG program stream. Packets of anything but picture and sound become padding: navigation and the time, the
 * place and the model of a recorder (private stream 2), subtitles and other private data. What is no packet is zeroed,
 * or cut off at the end.
 * @param hasUserData whether its pictures are MPEG-1's or MPEG-2's, whose user data is overwritten
 */
export function blankProgramStream(file: InPlaceFile, hasUserData: boolean): void {
  let hasMap = false;
  const userData = new UserDataWalk(file);
  for (let offset = 0; offset < file.size;) {
    file.budget.blocks.spend();
    const unit = unitAt(file.readUpTo(offset, unitHeadBytes), offset);
    if (!unit) {
      const next = findUnit(file, offset + 1);
      if (next === undefined) {
        file.truncate(offset);
        return;
      }
      file.wipe(offset, next);
      offset = next;
      continue;
    }
    const end = Math.min(unit.end, file.size);
    hasMap ||= unit.code === programMap;
    if (isOther(file, unit, hasMap)) {
      file.write(offset, Buffer.from([0, 0, 1, paddingStream]));
      file.wipe(unit.body, end, filler);
    } else if (unit.isVideo && hasUserData) userData.overwrite(unit.code, Math.min(unit.content, end), end);
    offset = end;
  }
}

/** Overwrites the user data of an MPEG video elementary stream. */
export function blankVideoStream(file: InPlaceFile): void {
  new UserDataWalk(file).overwrite(0, 0, file.size);
}

/** Whether a unit is neither picture nor sound nor what players need to find them. */
function isOther(file: InPlaceFile, { code, content, end }: Unit, hasMap: boolean): boolean {
  if (code === privateStream2) return true;
  if (code <= systemHeader || code === programMap) return false;
  if (code === paddingStream) return true;
  if (code !== privateStream1) return code > 0xef && code !== extendedStream;
  // The number of a stream inside: AC-3, DTS, PCM and others; below are subtitles and captions. A program map tells of
  // streams without one.
  const head = file.readUpTo(content, Math.min(2, end - content));
  const isSound = (head[0] ?? 0) >= 0x80 && (head[0] ?? 0) <= 0xcf;
  const isBareAc3 = head.length === 2 && head.readUInt16BE(0) === 0x0b77;
  return !isSound && !isBareAc3 && !hasMap;
}

/** Where the next unit starts, from `from` on. */
function findUnit(file: InPlaceFile, from: number): number | undefined {
  for (let at = file.indexOf(prefix, from, file.size); at !== undefined;) {
    if (unitAt(file.readUpTo(at, unitHeadBytes), at)) return at;
    at = file.indexOf(prefix, at + 1, file.size);
  }
  return undefined;
}

/**
 * Overwrites user data (ISO/IEC 13818-2 section 6.2.2.2.2). It may go on in the next packet of its stream, and so may
 * the start code in front of it.
 */
class UserDataWalk {
  /** By stream: its last three bytes so far, and whether it is within user data that goes. */
  readonly #streams = new Map<number, { readonly tail: Buffer; readonly isOpen: boolean }>();

  constructor(private readonly file: InPlaceFile) {}

  /** Goes on with the stream, whose next bytes are between these places. */
  overwrite(stream: number, from: number, to: number): void {
    const before = this.#streams.get(stream);
    const tail = before?.tail ?? Buffer.alloc(0);
    let isOpen = before?.isOpen ?? false;
    let position = from;

    const seam = Buffer.concat([tail, this.file.readUpTo(from, Math.min(3, to - from))]);
    const across = seam.indexOf(prefix);
    if (across !== -1 && across < tail.length && across + 4 <= seam.length) {
      position = from + across + 4 - tail.length;
      isOpen = seam[across + 3] === userDataStart[3] && !this.#isKnown(position, to);
    }
    while (position < to) {
      if (isOpen) {
        const end = this.file.indexOf(prefix, position, to);
        this.file.wipe(position, end ?? this.#withoutZeros(position, to), filler);
        if (end === undefined) break;
        position = end;
      }
      const start = this.file.indexOf(userDataStart, position, to);
      isOpen = start !== undefined;
      if (start === undefined) break;
      this.file.budget.blocks.spend();
      position = start + userDataStart.length;
      isOpen = !this.#isKnown(position, to);
    }
    const rest = Buffer.from(this.file.readUpTo(Math.max(from, to - 3), Math.min(3, to - from)));
    this.#streams.set(stream, { tail: Buffer.concat([tail, rest]).subarray(-3), isOpen });
  }

  #isKnown(content: number, to: number): boolean {
    const head = this.file.readUpTo(content, Math.min(userDataHeadBytes, to - content));
    return knownUserData.test(head.toString("latin1"));
  }

  /** The end of a range without up to two zeros, which may be the beginning of a start code. */
  #withoutZeros(from: number, to: number): number {
    const last = this.file.readUpTo(Math.max(from, to - 2), Math.min(2, to - from));
    if (last.at(-1) !== 0) return to;
    return last.length === 2 && last[0] === 0 ? to - 2 : to - 1;
  }
}
