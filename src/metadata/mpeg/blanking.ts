import type { InPlaceFile } from "../in-place-file.ts";
import {
  overwriteInPackHeader,
  overwriteInPacketHeader,
  overwriteInProgramMap,
  overwriteInSystemHeader,
} from "./headers.ts";
import {
  extendedStream,
  packHeader,
  paddingStream,
  privateStream1,
  programEnd,
  programMap,
  systemHeader,
  unitAt,
  unitHeadBytes,
  type Unit,
} from "./units.ts";
import { VideoStream } from "./user-data.ts";
import { findSequenceSize, hasVideoStartCode } from "./video.ts";

const prefix = Buffer.from([0, 0, 1]);
/** It cannot be taken for a part of a start code. */
const filler = 0xff;

/**
 * Blanks an MPEG program stream. Packets of anything but picture and sound become padding: navigation and the time, the
 * place and the model of a recorder (private stream 2), subtitles, other private data, and streams that hold neither
 * pictures nor sound although they are called so. What is no packet is zeroed, or cut off at the end.
 */
export function blankProgramStream(file: InPlaceFile): void {
  const streams = new ProgramStreams();
  for (const part of partsOf(file)) if (part.unit) streams.add(file, part.unit, part.end);

  const videos = new Map<number, VideoStream>();
  for (const { unit, offset, end, isLast } of partsOf(file)) {
    if (!unit) {
      if (isLast) file.truncate(offset);
      else file.wipe(offset, end);
    } else if (unit.code === packHeader) overwriteInPackHeader(file, offset, end);
    else if (unit.code === programEnd || unit.code === systemHeader) continue;
    else if (!streams.keeps(file, unit)) {
      file.write(offset, Buffer.from([0, 0, 1, paddingStream]));
      file.wipe(unit.body, end, filler);
    } else if (unit.code !== programMap) {
      overwriteInPacketHeader(file, { body: unit.body, end });
      if (!streams.isMpegVideo(unit.code)) continue;
      const video = videos.get(unit.code) ?? new VideoStream(file);
      videos.set(unit.code, video);
      video.overwrite(Math.min(unit.content, end), end);
    }
  }
}

/** A unit, or bytes that are none. */
interface Part {
  readonly unit: Unit | undefined;
  readonly offset: number;
  /** Not behind the end of the file. */
  readonly end: number;
  /** No unit follows. */
  readonly isLast: boolean;
}

function* partsOf(file: InPlaceFile): Generator<Part> {
  for (let offset = 0; offset < file.size;) {
    file.budget.blocks.spend();
    const unit = unitAt(file.readUpTo(offset, unitHeadBytes), offset);
    const next = unit ? unit.end : findUnit(file, offset + 1);
    const end = Math.min(next ?? file.size, file.size);
    yield { unit, offset, end, isLast: next === undefined };
    offset = end;
  }
}

/** Where the next unit starts, from `from` on. */
function findUnit(file: InPlaceFile, from: number): number | undefined {
  for (let at = file.indexOf(prefix, from, file.size); at !== undefined;) {
    if (unitAt(file.readUpTo(at, unitHeadBytes), at)) return at;
    at = file.indexOf(prefix, at + 1, file.size);
  }
  return undefined;
}

/** Packets of a stream that are searched for what it is, and bytes of each. */
const maxSearchedPackets = 1024;
const maxSearchedBytes = 16 * 1024;

/** Which streams of a program stream hold pictures or sound. */
class ProgramStreams {
  /** By the program stream map or a system header. */
  readonly #declared = new Set<number>();
  readonly #mapped = new Set<number>();
  readonly #recognised = new Set<number>();
  readonly #mpegVideos = new Set<number>();
  readonly #searched = new Map<number, number>();
  /** Maps that are none. */
  readonly #broken = new Set<number>();

  /** Learns from a unit, and overwrites what no player reads in a description of streams. */
  add(file: InPlaceFile, unit: Unit, end: number): void {
    const { code } = unit;
    const content = { body: Math.min(unit.body, end), end };
    if (code === systemHeader)
      for (const stream of overwriteInSystemHeader(file, content)) this.#declared.add(stream);
    else if (code === programMap) {
      const streams = overwriteInProgramMap(file, content);
      if (!streams) this.#broken.add(unit.body);
      for (const stream of streams ?? []) {
        this.#declared.add(stream);
        this.#mapped.add(stream);
      }
    } else if (isPictureOrSound(code)) this.#search(file, unit, end);
  }

  #search(file: InPlaceFile, { code, content, isVideo }: Unit, end: number): void {
    if (this.#recognised.has(code) && (!isVideo || this.#mpegVideos.has(code))) return;
    const searched = this.#searched.get(code) ?? 0;
    if (searched >= maxSearchedPackets || content >= end) return;
    this.#searched.set(code, searched + 1);
    const bytes = file.read(content, Math.min(maxSearchedBytes, end - content));
    const isExtended = code === extendedStream;
    if ((isVideo || isExtended) && hasVideoStartCode(bytes)) this.#recognised.add(code);
    if ((!isVideo || isExtended) && hasSoundSync(bytes)) this.#recognised.add(code);
    // MPEG-4 Visual has codes that MPEG-1 and MPEG-2 do not have.
    if (isVideo && findSequenceSize(bytes) && !bytes.includes(mpeg4Picture)) this.#mpegVideos.add(code);
  }

  isMpegVideo(code: number): boolean {
    return this.#mpegVideos.has(code);
  }

  /** Whether a unit is one of picture or sound, or what players need to find them. */
  keeps(file: InPlaceFile, { code, body, content, end }: Unit): boolean {
    if (code === programMap) return !this.#broken.has(body);
    if (isPictureOrSound(code)) return this.#declared.has(code) || this.#recognised.has(code);
    if (code !== privateStream1) return false;
    if (this.#mapped.has(code)) return true;
    // The number of a stream inside: AC-3, DTS, PCM and others; below are subtitles and captions.
    const head = file.readUpTo(content, Math.min(2, end - content));
    const isSound = (head[0] ?? 0) >= 0x80 && (head[0] ?? 0) <= 0xcf;
    const isBareAc3 = head.length === 2 && head.readUInt16BE(0) === 0x0b77;
    return isSound || isBareAc3;
  }
}

const mpeg4Picture = Buffer.from([0, 0, 1, 0xb6]);

function isPictureOrSound(code: number): boolean {
  return (code >= 0xc0 && code <= 0xef) || code === extendedStream;
}

/** AC-3, DTS, AAC. */
const soundSyncs = [
  [0x0b, 0x77],
  [0x7f, 0xfe, 0x80, 0x01],
  [0x56, 0xe0],
].map((bytes) => Buffer.from(bytes));

/** Whether bytes may be those of MPEG audio, AAC, AC-3 or DTS: no text has these. */
function hasSoundSync(bytes: Buffer): boolean {
  for (let at = bytes.indexOf(0xff); at !== -1; at = bytes.indexOf(0xff, at + 1))
    if ((bytes[at + 1] ?? 0) >= 0xe0) return true;
  return soundSyncs.some((sync) => bytes.includes(sync));
}
