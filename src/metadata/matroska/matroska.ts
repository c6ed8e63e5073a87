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
  ids,
  segmentIds,
  sizeField,
  topRules,
  trackRules,
  voidHeader,
  type ElementRule,
} from "./ids.ts";
import { lacedParts, lacingHeadBytes } from "./lacing.ts";
import { readTracks, type MatroskaTrack } from "./tracks.ts";
import { Patches, type Blanking } from "../plan.ts";
import { isKnownProvider } from "../coded-pictures/sei.ts";

/**
 * Plans the blanking of a WebM or Matroska file (RFC 9559): elements of metadata, and the blocks of every track that is
 * neither picture nor sound, become `Void` elements of the same size, so that seek tables still hold. What nothing
 * needs at the end is cut off, and so is what a recorder that was stopped left unfinished.
 * @throws ApiError DAMAGED_MEDIA
 */
export async function planMatroska(source: ByteSource): Promise<Blanking> {
  const tracks = await findTracks(source);
  const videos = tracks.filter(({ isVideo }) => isVideo);
  return {
    patches: new Patches(source),
    passes: [(file) => new MatroskaWalk(file, tracks).run()],
    orientation: 1,
    size: videos.find(({ size }) => size)?.size ?? null,
    decodedPixels: Math.max(0, ...videos.map(({ codedPixels }) => codedPixels)),
    hasPicture: videos.length > 0,
  };
}

/** The tracks of the first segment; none where they are not described. @throws ApiError DAMAGED_MEDIA */
async function findTracks(source: ByteSource): Promise<MatroskaTrack[]> {
  let hasSegment = false;
  for (let offset = 0; offset < source.size;) {
    const element = elementAt(await source.readUpTo(offset, elementHeadBytes), offset);
    if (offset === 0 && element?.id !== ids.ebml) throw damaged("no EBML header");
    if (!element) break;
    (isBlock(element.id) ? source.budget.blocks : source.budget.elements).spend();
    hasSegment ||= element.id === ids.segment;
    if (element.id === ids.tracks && element.end !== undefined) {
      const { body } = element;
      const content = Buffer.from(await source.read(body, element.end - body));
      const { budget } = source;
      const readUpTo = (from: number, length: number) => content.subarray(from, from + length);
      return readTracks({ budget, readUpTo }, 0, content.length);
    }
    offset = element.id === ids.segment || element.end === undefined ? element.body : element.end;
  }
  if (!hasSegment) throw damaged("no segment");
  return [];
}

const isBlock = (id: number) => id === ids.simpleBlock || id === ids.blockGroup;

/** Enough of a block to tell its track and how its frames are laced. */
const blockHeadBytes = 12;
const lacingBits = 0x06;
/** A text of an element that stays is shorter. */
const maxTextBytes = 64;
/** ContentCompAlgo. */
const headerStripping = 3;
/** Of ProjectionPrivate, by ProjectionType: flat, equirectangular, cubes, a mesh of any size. */
const projectionBytes: Readonly<Record<number, number>> = { 0: 0, 1: 20, 2: 12, 3: Infinity };
/** BlockAddID: what the codec defines, such as opacity; registered user data (ITU-T T.35), such as HDR10+. */
const additions = { codec: 1, registered: 4 } as const;

const clusterId = Buffer.from([0x1f, 0x43, 0xb6, 0x75]);

/** Walks the elements of a file and blanks all that is not needed. */
class MatroskaWalk {
  readonly #tracks: ReadonlyMap<number, MatroskaTrack>;
  #segment: Element | undefined;
  #cluster: Element | undefined;
  /** Where the last element that stays ends. */
  #keptEnd = 0;
  #isCut = false;
  #hasPicture = false;

  constructor(
    private readonly file: InPlaceFile,
    tracks: readonly MatroskaTrack[],
  ) {
    this.#tracks = new Map(tracks.map((track) => [track.number, track]));
  }

  /** @throws ApiError DAMAGED_MEDIA; also for a film that is cut in front of its first picture */
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
    if (this.#isCut && videos.length > 0 && !this.#hasPicture)
      throw damaged("cut in front of the first picture");
    this.#cutEnd();
  }

  /** Where the walk ends: behind the segment, whatever follows it. */
  #end(): number {
    return Math.min(this.#segment?.end ?? Infinity, this.file.size);
  }

  /** Where an element at `offset` must have ended. */
  #limit(offset: number): number {
    const cluster = this.#cluster?.end;
    return Math.min(this.#end(), cluster !== undefined && cluster > offset ? cluster : Infinity);
  }

  /** What is in a segment or a cluster is walked as if it stood at the top. Returns where that starts. */
  #enter(element: Element): number {
    this.file.budget.elements.spend();
    if (element.id === ids.segment) [this.#segment, this.#cluster] = [element, undefined];
    else this.#cluster = element;
    if (element.end !== undefined && element.end > this.file.size) this.#isCut = true;
    return element.body;
  }

  /** Where the walk goes on behind a broken place: the next cluster, as players do. */
  #nextCluster(offset: number): number | undefined {
    const known = this.#cluster?.end;
    if (known !== undefined && known > offset + 1 && known < this.#end()) return known;
    return this.file.indexOf(clusterId, Math.min(offset + 2, this.#end()), this.#end());
  }

  /** Cleans an element that may stay; false for one that goes. */
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

  /** False for a seek entry of what is blanked, which would lead players to a `Void`. */
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

  /** Whether a decoder reads this part of the description of its track; overwrites what it does not read inside. */
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

  /** False for an addition to a block that is neither opacity nor known metadata about how to show the picture. */
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
   * Overwrites what is personal in the picture of a block.
   * @returns the track that the block belongs to; undefined for one that goes
   */
  #keepBlock(body: number, end: number): MatroskaTrack | undefined {
    const head = this.file.readUpTo(body, Math.min(blockHeadBytes, end - body));
    const number = variableNumber(head);
    const track = number && this.#tracks.get(number.value);
    if (!number || !track?.isKept) return undefined;
    // A time of two bytes, then flags.
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
   * Overwrites what an element holds beside what its rule allows.
   * @param isUsed whether an element inside it that the rules allow stays
   * @returns false for an element that goes as a whole
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

  /** The elements inside another. What follows them and is no element is blanked. */
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

  /** The number that an element inside another holds. */
  #numberIn(parent: SizedElement, id: number): number | undefined {
    const child = this.#childOf(parent, id);
    return child && unsignedValue(this.file.read(child.body, Math.min(8, child.end - child.body)));
  }

  /** Makes a range a `Void` element full of zeros. @throws ApiError DAMAGED_MEDIA for less than two bytes */
  #blank(offset: number, end: number): void {
    if (end - offset < 2) throw damaged(`no element at ${offset}`);
    const header = voidHeader(end - offset);
    this.file.write(offset, header);
    this.file.wipe(offset + header.length, end);
  }

  /** Cuts off what follows the last element that stays, and makes the elements around it end there. */
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
