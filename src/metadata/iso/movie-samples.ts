import { damaged } from "../damaged.ts";
import { pictureHeadBytes, pictureOverwriter } from "../coded-pictures/coded-pictures.ts";
import type { InPlaceFile } from "../in-place-file.ts";
import { auxiliaryExtents } from "./auxiliary.ts";
import { samplesOf } from "./fragment-runs.ts";
import type { TrackFragment } from "./fragments.ts";
import type { Track } from "./movie.ts";
import type { Extent } from "./samples.ts";
import { RangeSet } from "../range-set.ts";

/**
 * The chunks of all tracks are collected from one stretch of the file before the next, so that interleaved tracks fill
 * each other's gaps and the range set stays small.
 */
const strideBytes = 64 * 1024 * 1024;

/** The samples of the given tracks, from the sample tables and from fragments. */
export class MovieSamples {
  readonly #tracks: readonly Track[];
  readonly #fragments: ReadonlyMap<number, readonly TrackFragment[]>;

  constructor(tracks: readonly Track[], fragments: readonly TrackFragment[]) {
    this.#tracks = tracks;
    this.#fragments = Map.groupBy(fragments, ({ track }) => track);
  }

  /**
   * Returns the ranges of all samples and of the auxiliary information about encrypted ones.
   * @param end the end of the usable part of the file
   */
  extents(file: InPlaceFile, end: number): RangeSet {
    const extents = new RangeSet();
    const add = ({ offset, length }: Extent) => extents.add(offset, Math.min(offset + length, end));
    let walks = this.#tracks.flatMap(({ tables }) => {
      if (!tables) return [];
      const chunks = tables.chunks(file);
      return [{ chunks, next: chunks.next() }];
    });
    for (let stretchEnd = strideBytes; walks.length > 0; stretchEnd += strideBytes)
      walks = walks.filter((walk) => {
        // A chunk beyond the end of the file belongs to no stretch: consume it now.
        for (; !walk.next.done; walk.next = walk.chunks.next()) {
          if (walk.next.value.offset < end && walk.next.value.offset >= stretchEnd) return true;
          add(walk.next.value);
        }
        return false;
      });
    for (const track of this.#tracks) {
      const { tables, boxes } = track;
      const samplesPerChunk = () => tables?.samplesPerChunk(file) ?? [];
      for (const extent of auxiliaryExtents(file, boxes, 0, samplesPerChunk)) add(extent);
      for (const part of this.#fragments.get(track.id) ?? []) {
        for (const run of part.runs) add(run);
        const samplesPerRun = () => part.runs.map(({ samples }) => samples);
        for (const extent of auxiliaryExtents(file, part.boxes, part.base, samplesPerRun)) add(extent);
      }
    }
    return extents;
  }

  /** Returns whether at least one complete picture lies before `end`. */
  hasWholePicture(file: InPlaceFile, end: number): boolean {
    for (const track of this.#tracks) {
      if (track.kind !== "picture") continue;
      for (const { offset, length } of this.#samples(file, track))
        if (length > 0 && offset + length <= end) return true;
    }
    return false;
  }

  /**
   * Overwrites personal data inside the coded pictures.
   * @throws ApiError DAMAGED_MEDIA for tables that reference the same bytes many times
   */
  overwritePersonalData(file: InPlaceFile): void {
    // In a real file, each byte belongs to one sample.
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
        if (bytesLeft < 0) throw damaged("tables reference the same bytes many times");
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
