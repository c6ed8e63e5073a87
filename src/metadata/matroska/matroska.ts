import type { ByteSource } from "../byte-source.ts";
import { damaged } from "../damaged.ts";
import {
  elementAt,
  elementHeadBytes,
  unsignedValue,
  variableNumber,
  type Element,
  type SizedElement,
} from "./ebml.ts";
import { overwriteInCodecHeader } from "../coded-pictures/codec-headers.ts";
import { pictureHeadBytes, pictureOverwriter, startCodeCoding } from "../coded-pictures/coded-pictures.ts";
import type { InPlaceFile } from "../in-place-file.ts";
import {
  blockGroupRules,
  clusterId,
  ids,
  segmentIds,
  sizeField,
  topRules,
  trackRules,
  voidHeader,
  type ElementRule,
} from "./ids.ts";
import { lacedParts, lacingHeadBytes } from "./lacing.ts";
import { lastBlockEnd } from "./last-block.ts";
import type { MediaType } from "../../media-types.ts";
import { readSegmentInfo, type SegmentInfo } from "./segment-info.ts";
import { readTracks, type MatroskaTrack } from "./tracks.ts";
import { Patches, recordableDuration, type Blanking } from "../plan.ts";
import { isKnownProvider } from "../coded-pictures/sei.ts";

/**
 * Plans the blanking of a WebM or Matroska file (RFC 9559): metadata elements and the blocks of every track other than
 * picture and sound become `Void` elements of the same size, so that seek tables stay valid. Unneeded elements at the
 * end are cut off, and so is an incomplete element of an interrupted recording.
 * @throws ApiError DAMAGED_MEDIA
 */
export async function planMatroska(source: ByteSource, type: MediaType): Promise<Blanking> {
  const { tracks, info } = await readDescription(source);
  const keptTracks = tracks.filter(({ isKept }) => isKept);
  const durationSeconds =
    recordableDuration(info.durationSeconds) ??
    recordableDuration(await lastBlockEnd(source, keptTracks, info.secondsPerUnit));
  const videos = tracks.filter(({ isVideo }) => isVideo);
  return {
    patches: new Patches(source),
    passes: [(file) => new MatroskaWalk(file, tracks).run()],
    orientation: 1,
    size: videos.find(({ size }) => size)?.size ?? null,
    decodedPixels: Math.max(0, ...videos.map(({ codedPixels }) => codedPixels)),
    hasPicture: videos.length > 0,
    video: {
      durationSeconds,
      isPlayable: type === "video/webm" && keptTracks.every(({ isPlayable }) => isPlayable),
    },
  };
}

/** What precedes the blocks of a segment. */
interface Description {
  /** Empty if there is no description of tracks. */
  readonly tracks: MatroskaTrack[];
  readonly info: SegmentInfo;
}

/** Reads the descriptions of the first segment. @throws ApiError DAMAGED_MEDIA */
async function readDescription(source: ByteSource): Promise<Description> {
  let hasSegment = false;
  let tracks: MatroskaTrack[] | undefined;
  let info: SegmentInfo | undefined;
  for (let offset = 0; offset < source.size;) {
    const element = elementAt(await source.readUpTo(offset, elementHeadBytes), offset);
    if (offset === 0 && element?.id !== ids.ebml) throw damaged("no EBML header");
    if (!element) break;
    (isBlock(element.id) ? source.budget.blocks : source.budget.elements).spend();
    hasSegment ||= element.id === ids.segment;
    if (element.id === ids.info && element.end !== undefined)
      info ??= await readSegmentInfo(source, element.body, element.end);
    else if (element.id === ids.tracks && element.end !== undefined && !tracks) {
      const { body } = element;
      const content = Buffer.from(await source.read(body, element.end - body));
      const { budget } = source;
      const readUpTo = (from: number, length: number) => content.subarray(from, from + length);
      tracks = readTracks({ budget, readUpTo }, 0, content.length);
    }
    if (tracks && (info || element.id === ids.cluster)) break;
    offset = element.id === ids.segment || element.end === undefined ? element.body : element.end;
  }
  if (!hasSegment) throw damaged("no segment");
  return { tracks: tracks ?? [], info: info ?? { durationSeconds: 0, secondsPerUnit: 1e-3 } };
}

const isBlock = (id: number) => id === ids.simpleBlock || id === ids.blockGroup;

/** Bytes of a block that include its track number and its flags. */
const blockHeadBytes = 12;
const lacingBits = 0x06;
/** Bytes of a text that are matched; kept texts are shorter. */
const maxTextBytes = 64;
/** The value of ContentCompAlgo for header stripping, the only algorithm with settings. */
const headerStripping = 3;
/** Bytes of ProjectionPrivate by ProjectionType: rectangular, equirectangular, cube map, mesh. */
const projectionBytes: Readonly<Record<number, number>> = { 0: 0, 1: 20, 2: 12, 3: Infinity };
/** Values of BlockAddID: defined by the codec, such as alpha; registered user data (ITU-T T.35), such as HDR10+. */
const additions = { codec: 1, registered: 4 } as const;

/** Walks the elements of a file and blanks everything that players do not need. */
class MatroskaWalk {
  readonly #tracks: ReadonlyMap<number, MatroskaTrack>;
  #segment: Element | undefined;
  #cluster: Element | undefined;
  /** End of the last kept element. */
  #keptEnd = 0;
  #isCut = false;
  #hasPicture = false;

  constructor(
    private readonly file: InPlaceFile,
    tracks: readonly MatroskaTrack[],
  ) {
    this.#tracks = new Map(tracks.map((track) => [track.number, track]));
  }

  /** @throws ApiError DAMAGED_MEDIA, also for a video that is cut off before its first picture */
  run(): void {
    for (let offset = 0; offset < this.#end();) {
      const head = this.file.readUpTo(offset, elementHeadBytes);
      const element = elementAt(head, offset);
      if (element && (element.id === ids.segment || element.id === ids.cluster)) {
        offset = this.#enter(element);
        continue;
      }
      if (!element || element.end === undefined || element.end > this.#limit(offset)) {
        const next = this.#nextCluster(offset);
        if (next === undefined) {
          this.#isCut = true;
          break;
        }
        this.#blank(offset, next);
        offset = next;
        continue;
      }
      (isBlock(element.id) ? this.file.budget.blocks : this.file.budget.elements).spend();
      if (this.#keep({ ...element, end: element.end })) this.#keptEnd = element.end;
      else this.#blank(offset, element.end);
      offset = element.end;
    }
    const videos = [...this.#tracks.values()].filter(({ isVideo }) => isVideo);
    if (this.#isCut && videos.length > 0 && !this.#hasPicture) throw damaged("cut before the first picture");
    this.#cutEnd();
  }

  /** Returns the end of the walk: the end of the segment, even if bytes follow it. */
  #end(): number {
    return Math.min(this.#segment?.end ?? Infinity, this.file.size);
  }

  /** Returns the latest end of an element at `offset`. */
  #limit(offset: number): number {
    const cluster = this.#cluster?.end;
    return Math.min(this.#end(), cluster !== undefined && cluster > offset ? cluster : Infinity);
  }

  /**
   * Enters a segment or cluster, whose children are walked like top-level elements.
   * @returns the offset of the first child
   */
  #enter(element: Element): number {
    this.file.budget.elements.spend();
    if (element.id === ids.segment) [this.#segment, this.#cluster] = [element, undefined];
    else this.#cluster = element;
    if (element.end !== undefined && element.end > this.file.size) this.#isCut = true;
    return element.body;
  }

  /** Returns where to continue after damaged bytes: at the next cluster, as players do. */
  #nextCluster(offset: number): number | undefined {
    const known = this.#cluster?.end;
    if (known !== undefined && known > offset + 1 && known < this.#end()) return known;
    return this.file.indexOf(clusterId, Math.min(offset + 2, this.#end()), this.#end());
  }

  /** Cleans an element; returns false if it must be removed instead. */
  #keep(element: SizedElement): boolean {
    const { body, end, id } = element;
    if (id === ids.tracks) this.#keepTracks(element);
    else if (id === ids.simpleBlock) return this.#keepBlock(body, end) !== undefined;
    else if (id === ids.blockGroup) return this.#keepBlockGroup(element);
    else {
      const rule = topRules[id];
      return rule !== undefined && this.#reduce(element, rule, (child) => this.#isUsed(child));
    }
    return true;
  }

  /** Returns false for a seek entry that points to a removed element. */
  #isUsed(element: SizedElement): boolean {
    return element.id !== ids.seek || segmentIds.has(this.#numberIn(element, ids.seekId) ?? 0);
  }

  #keepTracks(tracks: SizedElement): void {
    for (const entry of this.#children(tracks)) {
      const [track] = entry.id === ids.trackEntry ? readTracks(this.file, entry.offset, entry.end) : [];
      if (track?.isKept)
        this.#reduce(entry, trackRules, (part, parent) => this.#isInUse(track, part, parent));
      else this.#blank(entry.offset, entry.end);
    }
  }

  /** Whether decoders read this part of a track description; overwrites what they do not read in it. */
  #isInUse(track: MatroskaTrack, part: SizedElement, parent: SizedElement): boolean {
    if (part.id === ids.compressionSettings)
      return this.#numberIn(parent, ids.compressionAlgorithm) === headerStripping;
    if (part.id === ids.projectionPrivate) {
      const type = this.#numberIn(parent, ids.projectionType) ?? 0;
      const bytes = projectionBytes[type] ?? 0;
      if (part.end - part.body > bytes) this.file.wipe(part.body + bytes, part.end);
    }
    if (part.id !== ids.codecPrivate) return true;
    const header = Buffer.from(this.file.read(part.body, part.end - part.body));
    const isNeeded = overwriteInCodecHeader(track.codecId, header);
    if (isNeeded) this.file.write(part.body, header);
    return isNeeded;
  }

  #keepBlockGroup(group: SizedElement): boolean {
    let track: MatroskaTrack | undefined;
    for (const part of this.#children(group, this.file.budget.blocks))
      if (part.id === ids.block) track = this.#keepBlock(part.body, part.end);
    if (!track) return false;
    const known = track;
    return this.#reduce(group, blockGroupRules, (part) => this.#isKnownAddition(known, part));
  }

  /** Whether an addition to a block is an alpha channel or known display metadata; true for other elements. */
  #isKnownAddition(track: MatroskaTrack, more: SizedElement): boolean {
    if (more.id !== ids.blockMore) return true;
    const id = this.#numberIn(more, ids.blockAddId) ?? additions.codec;
    if (id === additions.codec) return track.hasAlpha || !track.isVideo;
    if (id !== additions.registered) return false;
    const content = this.#childOf(more, ids.blockAdditional);
    return (
      content !== undefined &&
      isKnownProvider(this.file.read(content.body, Math.min(3, content.end - content.body)))
    );
  }

  /**
   * Overwrites personal data in the picture of a block.
   * @returns the track of the block; undefined if the block must be removed
   */
  #keepBlock(body: number, end: number): MatroskaTrack | undefined {
    const head = this.file.readUpTo(body, Math.min(blockHeadBytes, end - body));
    const number = variableNumber(head);
    const track = number && this.#tracks.get(number.value);
    if (!number || !track?.isKept) return undefined;
    // The flags follow a time of two bytes.
    const lacing = (head[number.bytes + 2] ?? 0) & lacingBits;
    const start = body + number.bytes + 3;
    if (!track.isVideo || start >= end) return track;
    this.#hasPicture = true;
    if (track.isEncoded) return track;
    if (lacing === 0) this.#overwriteInPicture(track, start, end);
    else {
      const laced = this.file.read(start, Math.min(lacingHeadBytes, end - start));
      const frames = lacedParts(laced, end - start, lacing);
      if (!frames) return undefined;
      for (const frame of frames) this.#overwriteInPicture(track, start + frame.start, start + frame.end);
    }
    return track;
  }

  #overwriteInPicture(track: MatroskaTrack, start: number, end: number): void {
    const first = this.file.read(start, Math.min(pictureHeadBytes, end - start));
    const nal = track.nal ?? startCodeCoding(track.fourCc, first);
    pictureOverwriter(first, nal, track.fourCc || track.codecId)?.(this.file, start, end);
  }

  /**
   * Overwrites everything in an element that its rule does not keep.
   * @param isUsed whether to keep a child that the rules allow
   * @returns false if the whole element must be removed
   */
  #reduce(
    element: SizedElement,
    rule: ElementRule,
    isUsed: (child: SizedElement, parent: SizedElement) => boolean,
  ): boolean {
    const { body, end } = element;
    const length = end - body;
    if (rule === "integer") return length <= 8;
    if (rule === "float") return length === 0 || length === 4 || length === 8;
    if (rule === "empty") this.file.wipe(body, end);
    else if (rule instanceof RegExp) {
      const text = this.file.read(body, Math.min(maxTextBytes, length)).toString("latin1");
      this.file.wipe(body + (rule.exec(text)?.[0].length ?? 0), end);
    } else if ("bytes" in rule) this.file.wipe(Math.min(body + rule.bytes, end), end);
    else {
      for (const child of this.#children(element, this.file.budget.blocks)) {
        const inner = rule.children[child.id];
        if (inner === undefined || !isUsed(child, element) || !this.#reduce(child, inner, isUsed))
          this.#blank(child.offset, child.end);
      }
    }
    return true;
  }

  /** Yields the children of an element. Blanks trailing bytes that are not an element. */
  *#children(parent: SizedElement, allowance = this.file.budget.elements): Generator<SizedElement> {
    for (let offset = parent.body; offset < parent.end;) {
      allowance.spend();
      const head = this.file.readUpTo(offset, Math.min(elementHeadBytes, parent.end - offset));
      const element = elementAt(head, offset);
      if (element?.end === undefined || element.end > parent.end) {
        if (parent.end - offset < 2) this.file.wipe(offset, parent.end);
        else this.#blank(offset, parent.end);
        return;
      }
      yield { ...element, end: element.end };
      offset = element.end;
    }
  }

  #childOf(parent: SizedElement, id: number): SizedElement | undefined {
    for (const child of this.#children(parent, this.file.budget.blocks)) if (child.id === id) return child;
    return undefined;
  }

  /** Reads the unsigned integer in a child element. */
  #numberIn(parent: SizedElement, id: number): number | undefined {
    const child = this.#childOf(parent, id);
    return child && unsignedValue(this.file.read(child.body, Math.min(8, child.end - child.body)));
  }

  /** Turns a range into a `Void` element with zeros. @throws ApiError DAMAGED_MEDIA for less than two bytes */
  #blank(offset: number, end: number): void {
    if (end - offset < 2) throw damaged(`no element at ${offset}`);
    const header = voidHeader(end - offset);
    this.file.write(offset, header);
    this.file.wipe(offset + header.length, end);
  }

  /** Truncates the file after the last kept element, and corrects the sizes of the elements around it. */
  #cutEnd(): void {
    this.file.truncate(this.#keptEnd);
    for (const element of [this.#segment, this.#cluster]) {
      if (element?.end === undefined || element.end <= this.#keptEnd || element.body > this.#keptEnd)
        continue;
      const field = sizeField(this.#keptEnd - element.body, element.sizeBytes);
      if (field) this.file.write(element.body - element.sizeBytes, field);
    }
  }
}
