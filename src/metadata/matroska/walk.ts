import { overwriteInCodecHeader } from "../coded-pictures/codec-headers.ts";
import { pictureHeadBytes, pictureOverwriter, startCodeCoding } from "../coded-pictures/coded-pictures.ts";
import { isKnownProvider } from "../coded-pictures/sei.ts";
import { damaged } from "../damaged.ts";
import type { InPlaceFile } from "../in-place-file.ts";
import { elementAt, elementHeadBytes, variableNumber, type Element, type SizedElement } from "./ebml.ts";
import { ElementEditor } from "./element-editor.ts";
import {
  blockGroupRules,
  clusterId,
  ids,
  isBlock,
  segmentIds,
  sizeField,
  topRules,
  trackRules,
} from "./ids.ts";
import { lacedParts, lacingHeadBytes } from "./lacing.ts";
import { readTracks, type MatroskaTrack } from "./tracks.ts";

/** Bytes of a block that include its track number and its flags. */
const blockHeadBytes = 12;
const lacingBits = 0x06;
/** The value of ContentCompAlgo for header stripping, the only algorithm with settings. */
const headerStripping = 3;
/** Bytes of ProjectionPrivate by ProjectionType: rectangular, equirectangular, cube map, mesh. */
const projectionBytes: Readonly<Record<number, number>> = { 0: 0, 1: 20, 2: 12, 3: Infinity };
/** Values of BlockAddID: defined by the codec, such as alpha; registered user data (ITU-T T.35), such as HDR10+. */
const additions = { codec: 1, registered: 4 } as const;

/** Walks the elements of a file and blanks everything that players do not need. */
export class MatroskaWalk {
  readonly #elements: ElementEditor;
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
    this.#elements = new ElementEditor(file);
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
        this.#elements.blank(offset, next);
        offset = next;
        continue;
      }
      (isBlock(element.id) ? this.file.budget.blocks : this.file.budget.elements).spend();
      if (this.#keep({ ...element, end: element.end })) this.#keptEnd = element.end;
      else this.#elements.blank(offset, element.end);
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
      return rule !== undefined && this.#elements.reduce(element, rule, (child) => this.#isUsed(child));
    }
    return true;
  }

  /** Returns false for a seek entry that points to a removed element. */
  #isUsed(element: SizedElement): boolean {
    return element.id !== ids.seek || segmentIds.has(this.#elements.numberIn(element, ids.seekId) ?? 0);
  }

  #keepTracks(tracks: SizedElement): void {
    for (const entry of this.#elements.children(tracks)) {
      const [track] = entry.id === ids.trackEntry ? readTracks(this.file, entry.offset, entry.end) : [];
      if (track?.isKept)
        this.#elements.reduce(entry, trackRules, (part, parent) => this.#cleanPart(track, part, parent));
      else this.#elements.blank(entry.offset, entry.end);
    }
  }

  /** Overwrites what decoders do not read in a part of a track description. @returns whether they read the part at all */
  #cleanPart(track: MatroskaTrack, part: SizedElement, parent: SizedElement): boolean {
    if (part.id === ids.compressionSettings)
      return this.#elements.numberIn(parent, ids.compressionAlgorithm) === headerStripping;
    if (part.id === ids.projectionPrivate) {
      const type = this.#elements.numberIn(parent, ids.projectionType) ?? 0;
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
    for (const part of this.#elements.children(group, this.file.budget.blocks))
      if (part.id === ids.block) track = this.#keepBlock(part.body, part.end);
    if (!track) return false;
    const known = track;
    return this.#elements.reduce(group, blockGroupRules, (part) => this.#isKnownAddition(known, part));
  }

  /** Whether an addition to a block is an alpha channel or known display metadata; true for other elements. */
  #isKnownAddition(track: MatroskaTrack, more: SizedElement): boolean {
    if (more.id !== ids.blockMore) return true;
    const id = this.#elements.numberIn(more, ids.blockAddId) ?? additions.codec;
    if (id === additions.codec) return track.hasAlpha || !track.isVideo;
    if (id !== additions.registered) return false;
    const content = this.#elements.childOf(more, ids.blockAdditional);
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
