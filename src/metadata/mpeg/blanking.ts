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
  stuffingByte,
  systemHeader,
  unitAt,
  unitHeadBytes,
  type Unit,
} from "./units.ts";
import { VideoStream } from "./user-data.ts";
import { findSequenceSize, hasVideoStartCode, startCodePrefix } from "./video.ts";

/**
 * Blanks an MPEG program stream. All packets except those of picture and sound become padding: navigation data and the
 * time, place and model of a recorder (private stream 2), subtitles, other private data, and streams that use the ID of
 * a picture or sound stream but hold neither. Bytes between packets become zeros; bytes after the last one are cut off.
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
      file.wipe(unit.body, end, stuffingByte);
    } else if (unit.code !== programMap) {
      overwriteInPacketHeader(file, { body: unit.body, end });
      if (!streams.isMpegVideo(unit.code)) continue;
      const video = videos.get(unit.code) ?? new VideoStream(file);
      videos.set(unit.code, video);
      video.overwrite(Math.min(unit.content, end), end);
    }
  }
}

/** A unit, or bytes between units. */
interface Part {
  readonly unit: Unit | undefined;
  readonly offset: number;
  /** Limited to the end of the file. */
  readonly end: number;
  /** Whether no unit follows. */
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

/** Returns the offset of the next unit from `from` on; undefined if there is none. */
function findUnit(file: InPlaceFile, from: number): number | undefined {
  for (let at = file.indexOf(startCodePrefix, from, file.size); at !== undefined;) {
    if (unitAt(file.readUpTo(at, unitHeadBytes), at)) return at;
    at = file.indexOf(startCodePrefix, at + 1, file.size);
  }
  return undefined;
}

/** Limits for recognising the content of a stream: packets, and bytes of each packet. */
const maxSearchedPackets = 1024;
const maxSearchedBytes = 16 * 1024;

/** Finds out which streams of a program stream hold pictures or sound. */
class ProgramStreams {
  /** Streams in a program stream map or a system header. */
  readonly #declared = new Set<number>();
  /** Streams in a program stream map. */
  readonly #mapped = new Set<number>();
  /** Streams whose packets contain pictures or sound. */
  readonly #recognised = new Set<number>();
  readonly #mpegVideos = new Set<number>();
  readonly #searched = new Map<number, number>();
  /** Offsets of invalid program stream maps. */
  readonly #invalidMaps = new Set<number>();

  /** Processes a unit, and overwrites what players do not read in system headers and maps. */
  add(file: InPlaceFile, unit: Unit, end: number): void {
    const { code } = unit;
    const content = { body: Math.min(unit.body, end), end };
    if (code === systemHeader)
      for (const stream of overwriteInSystemHeader(file, content)) this.#declared.add(stream);
    else if (code === programMap) {
      const streams = overwriteInProgramMap(file, content);
      if (!streams) this.#invalidMaps.add(unit.body);
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
    // The start code of a picture in MPEG-4 Visual is reserved in MPEG-1 and MPEG-2.
    if (isVideo && findSequenceSize(bytes) && !bytes.includes(mpeg4Picture)) this.#mpegVideos.add(code);
  }

  isMpegVideo(code: number): boolean {
    return this.#mpegVideos.has(code);
  }

  /** Whether to keep a unit: one of picture or sound, or one that players need to find these. */
  keeps(file: InPlaceFile, { code, body, content, end }: Unit): boolean {
    if (code === programMap) return !this.#invalidMaps.has(body);
    if (isPictureOrSound(code)) return this.#declared.has(code) || this.#recognised.has(code);
    if (code !== privateStream1) return false;
    if (this.#mapped.has(code)) return true;
    // The ID of a substream: AC-3, DTS, PCM and others; lower IDs are subtitles and captions.
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

/** Sync words of AC-3, DTS and AAC (LATM). */
const soundSyncs = [
  [0x0b, 0x77],
  [0x7f, 0xfe, 0x80, 0x01],
  [0x56, 0xe0],
].map((bytes) => Buffer.from(bytes));

/** Whether bytes contain a sync word of MPEG audio, AAC, AC-3 or DTS, which no text contains. */
function hasSoundSync(bytes: Buffer): boolean {
  for (let at = bytes.indexOf(0xff); at !== -1; at = bytes.indexOf(0xff, at + 1))
    if ((bytes[at + 1] ?? 0) >= 0xe0) return true;
  return soundSyncs.some((sync) => bytes.includes(sync));
}
