import { damaged } from "../damaged.ts";
import { pictureHeadBytes, pictureOverwriter } from "../coded-pictures/coded-pictures.ts";
import type { InPlaceFile } from "../in-place-file.ts";
import { auxiliaryExtents } from "./auxiliary.ts";
import { samplesOf, type TrackFragment } from "./fragments.ts";
import type { Track } from "./movie.ts";
import type { Extent } from "./samples.ts";
import { RangeSet } from "../range-set.ts";

/**
 * All tracks are walked through one part of the file before the next. Interleaved tracks fill each other's gaps then,
 * so that the set of their bytes stays small.
 */
const strideBytes = 64 * 1024 * 1024;

/** The samples of some tracks of a film, in its index and in its fragments. */
export class MovieSamples {
  readonly #tracks: readonly Track[];
  readonly #fragments: ReadonlyMap<number, readonly TrackFragment[]>;

  constructor(tracks: readonly Track[], fragments: readonly TrackFragment[]) {
    this.#tracks = tracks;
    this.#fragments = Map.groupBy(fragments, ({ track }) => track);
  }

  /**
   * Every byte of the samples, and of the auxiliary information about protected ones.
   * @param end where the usable part of the file ends
   */
  extents(file: InPlaceFile, end: number): RangeSet {
    const extents = new RangeSet();
    const add = ({ offset, length }: Extent) => extents.add(offset, Math.min(offset + length, end));
    let walks = this.#tracks.flatMap(({ tables }) => {
      if (!tables) return [];
      const chunks = tables.chunks(file);
      return [{ chunks, next: chunks.next() }];
    });
    for (let until = strideBytes; walks.length > 0; until += strideBytes)
      walks = walks.filter((walk) => {
        // A chunk beyond the end is in no part of the file.
        for (; !walk.next.done; walk.next = walk.chunks.next()) {
          if (walk.next.value.offset < end && walk.next.value.offset >= until) return true;
          add(walk.next.value);
        }
        return false;
      });
    for (const track of this.#tracks) {
      const { tables, boxes } = track;
      const perChunk = () => tables?.samplesPerChunk(file) ?? [];
      for (const extent of auxiliaryExtents(file, boxes, 0, perChunk)) add(extent);
      for (const part of this.#fragments.get(track.id) ?? []) {
        for (const run of part.runs) add(run);
        const perRun = () => part.runs.map(({ samples }) => samples);
        for (const extent of auxiliaryExtents(file, part.boxes, part.base, perRun)) add(extent);
      }
    }
    return extents;
  }

  /** Whether there is a picture of which every byte lies in front of `end`. */
  hasWholePicture(file: InPlaceFile, end: number): boolean {
    for (const track of this.#tracks) {
      if (track.kind !== "picture") continue;
      for (const { offset, length } of this.#samples(file, track))
        if (length > 0 && offset + length <= end) return true;
    }
    return false;
  }

  /**
   * Overwrites what is personal in the pictures themselves.
   * @throws ApiError DAMAGED_MEDIA for tables that name the same bytes many times
   */
  overwritePersonalData(file: InPlaceFile): void {
    // A real file has each of its bytes in one sample.
    let bytesLeft = 2 * file.size;
    for (const track of this.#tracks) {
      if (track.kind !== "picture" || track.description.isEncrypted) continue;
      const { nal, codec } = track.description;
      let overwrite: ReturnType<typeof pictureOverwriter>;
      for (const { offset, length } of this.#samples(file, track)) {
        if (length === 0 || offset + length > file.size) continue;
        overwrite ??= pictureOverwriter(file.read(offset, Math.min(pictureHeadBytes, length)), nal, codec);
        if (!overwrite) break;
        bytesLeft -= length;
        if (bytesLeft < 0) throw damaged("tables name the same bytes many times");
        overwrite(file, offset, offset + length);
      }
    }
  }

  *#samples(file: InPlaceFile, track: Track): Generator<Extent> {
    if (track.tables) yield* track.tables.samples(file);
    for (const { runs } of this.#fragments.get(track.id) ?? [])
      for (const run of runs) yield* samplesOf(file, run);
  }
}
