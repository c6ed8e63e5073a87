import type { ByteSource } from "../byte-source.ts";
import { damaged } from "../damaged.ts";
import {
  childElements,
  elementAt,
  elementHeadBytes,
  unsignedValue,
  variableNumber,
  type Element,
  type SizedElement,
} from "../ebml.ts";
import { pictureHeadBytes, pictureOverwriter, startCodeCoding } from "./coded-pictures.ts";
import type { InPlaceFile } from "./in-place-file.ts";
import { hevcConfigurationUnits } from "./iso-sample-entries.ts";
import { allowed, ids, sizeField, voidHeader } from "./matroska-ids.ts";
import { readTracks, type MatroskaTrack } from "./matroska-tracks.ts";
import { Patches, type Blanking } from "./plan.ts";
import { overwriteInUnit } from "./sei.ts";

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
    if (id === ids.ebml) this.#keepOnly(element, allowed.ebml);
    else if (id === ids.info)
      this.#keepOnly(element, allowed.info, (child) => {
        if (child.id === ids.muxingApp || child.id === ids.writingApp) this.file.wipe(child.body, child.end);
      });
    else if (id === ids.seekHead) this.#keepOnly(element, allowed.seekHead, (child) => this.#keepSeek(child));
    else if (id === ids.tracks) this.#keepTracks(element);
    else if (id === ids.simpleBlock) return this.#keepBlock(body, end);
    else if (id === ids.blockGroup) return this.#keepBlockGroup(element);
    return allowed.segment.has(id) || allowed.cluster.has(id) || id === ids.ebml;
  }

  /** Seek entries of what is blanked would lead players to a `Void`. */
  #keepSeek(seek: SizedElement): void {
    const children = [...childElements(this.file, seek.body, seek.end)];
    const target = children.find(({ id }) => id === ids.seekId);
    const id =
      target && unsignedValue(this.file.readUpTo(target.body, Math.min(8, target.end - target.body)));
    if (id === undefined || !allowed.segment.has(id)) this.#blank(seek.offset, seek.end);
  }

  #keepTracks(tracks: SizedElement): void {
    this.#keepOnly(tracks, allowed.tracks, (entry) => {
      const [track] = readTracks(this.file, entry.offset, entry.end);
      if (!track?.isKept) {
        this.#blank(entry.offset, entry.end);
        return;
      }
      this.#keepOnly(entry, allowed.track, (part) => {
        if (part.id === ids.video) this.#keepOnly(part, allowed.video);
        else if (part.id === ids.audio) this.#keepOnly(part, allowed.audio);
        else if (part.id === ids.codecPrivate && track.nal?.isHevc) this.#overwriteInConfiguration(part);
      });
    });
  }

  #overwriteInConfiguration({ body, end }: SizedElement): void {
    const record = Buffer.from(this.file.read(body, end - body));
    for (const unit of hevcConfigurationUnits(record))
      if (unit.isSei && overwriteInUnit(record.subarray(unit.start, unit.end), true))
        this.file.write(body, record);
  }

  #keepBlockGroup(group: SizedElement): boolean {
    let isKept = false;
    this.#keepOnly(group, allowed.blockGroup, (part) => {
      if (part.id === ids.block) isKept = this.#keepBlock(part.body, part.end);
    });
    return isKept;
  }

  /** Whether the block belongs to a track that stays; overwrites what is personal in its picture. */
  #keepBlock(body: number, end: number): boolean {
    const head = this.file.readUpTo(body, Math.min(12 + pictureHeadBytes, end - body));
    const number = variableNumber(head);
    const track = number && this.#tracks.get(number.value);
    if (!number || !track?.isKept) return false;
    // A time of two bytes, then flags; laced blocks hold several frames, as only sound does.
    const start = number.bytes + 3;
    const isLaced = ((head[number.bytes + 2] ?? 0) & 0x06) !== 0;
    if (!track.isVideo || body + start >= end) return true;
    this.#hasPicture = true;
    if (isLaced || track.isEncoded) return true;
    const first = head.subarray(start, start + pictureHeadBytes);
    const overwrite = pictureOverwriter(first, track.nal ?? startCodeCoding(track.fourCc, first));
    overwrite?.(this.file, body + start, end);
    return true;
  }

  /** Blanks the children that are not allowed, and calls `visit` with the others. */
  #keepOnly(parent: SizedElement, kept: ReadonlySet<number>, visit?: (child: SizedElement) => void): void {
    for (const child of childElements(this.file, parent.body, parent.end))
      if (kept.has(child.id)) visit?.(child);
      else this.#blank(child.offset, child.end);
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
