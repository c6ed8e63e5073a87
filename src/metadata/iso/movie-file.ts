import type { ByteSource } from "../byte-source.ts";
import { damaged } from "../damaged.ts";
import { BoxReader, type Box } from "./boxes.ts";
import type { InPlaceFile } from "../in-place-file.ts";
import { blankBox, writeBoxSize } from "./blanking.ts";
import { movieDuration } from "./duration.ts";
import { blankFragments, withoutTruncatedSamples } from "./fragments.ts";
import { blankMovie, type BlankedMovie } from "./movie.ts";
import { brands, indexRules } from "./seek-index.ts";
import { applyRule, leaf, ruleFor, type Rules } from "./rules.ts";
import { MovieSamples } from "./movie-samples.ts";
import { Patches, type Blanking } from "../plan.ts";
import type { MediaType } from "../../media-types.ts";
import type { RangeSet } from "../range-set.ts";

/** Rules for top-level boxes that describe the movie. */
const structureRules: Rules = { ftyp: brands, styp: brands, moov: leaf, moof: leaf, mfra: leaf, sidx: leaf };
/** Top-level metadata boxes. All others may hold samples: some recorders store data in `free`. */
const metadataTypes = new Set(["udta", "meta", "uuid"]);
/** Boxes that keep their type if they hold samples; others become `free`. */
const dataTypes = new Set(["mdat", "imda", "free", "wide"]);

/** A top-level box. */
interface TopBox extends Box {
  /** The file ends inside the box. */
  readonly isTruncated: boolean;
}

/**
 * Plans the blanking of an MP4, MOV or 3GP (ISO/IEC 14496-12, QuickTime). Metadata boxes become `free` boxes filled with
 * zeros, and media data outside picture and sound samples is zeroed, so that all offsets remain valid. An unneeded tail
 * is cut off, including one that an interrupted recorder left incomplete.
 * @param type decides with the codecs whether browsers play the file: Firefox plays none that is served as 3GP
 * @throws ApiError DAMAGED_MEDIA
 */
export async function planMovie(source: ByteSource, type: MediaType): Promise<Blanking> {
  const reader = new BoxReader(source);
  const patches = new Patches(source);
  const allBoxes = await readTop(reader);
  const index =
    allBoxes.find(({ type, isTruncated }) => type === "moov" && !isTruncated) ??
    (await readTruncatedIndex(reader, allBoxes));
  if (!index) {
    const hasIndex = allBoxes.some(({ type }) => type === "moov");
    throw damaged(
      hasIndex ? "the file ends within moov" : "no moov",
      hasIndex
        ? "The file is cut off: it ends within its index, so that no player can open it"
        : "The recording was not finished: its index is missing, so that no player can open it",
    );
  }
  // Ignore a truncated box, except for media data, whose beginning is usable.
  const boxes = allBoxes.flatMap((box) => {
    if (box.offset === index.offset) return [index];
    return !box.isTruncated || box.type === "mdat" ? [box] : [];
  });
  const movie = await blankMovie(reader, patches, index);
  const fragments = await blankFragments(reader, patches, boxes, movie);
  const rules = { ...structureRules, ...indexRules(new Set(movie.blankedTracks.map(({ id }) => id))) };

  /** Boxes that may contain samples. */
  const data = new Set<TopBox>();
  for (const box of boxes) {
    // Players use the first `moov` only.
    const rule = box.type === "moov" && box !== index ? undefined : await ruleFor(reader, box, rules);
    if (rule) await applyRule(reader, patches, box, rule);
    else if (metadataTypes.has(box.type) || box.type === "moov") blankBox(patches, box);
    else {
      data.add(box);
      if (!dataTypes.has(box.type)) patches.write(box.offset + 4, Buffer.from("free", "latin1"));
    }
  }
  const end = boxes.at(-1)?.end ?? 0;
  const isTruncated = boxes.some((box) => box.isTruncated);
  const samplesIn = (file: InPlaceFile) =>
    new MovieSamples(movie.tracks, isTruncated ? withoutTruncatedSamples(file, fragments, end) : fragments);
  return {
    patches,
    passes: [
      (file) => {
        const samples = samplesIn(file);
        if (isTruncated && movie.hasPicture && !samples.hasWholePicture(file, end))
          throw damaged("truncated before the first picture");
        const kept = samples.extents(file, end);
        for (const box of data) for (const gap of kept.gaps(box.body, box.end)) file.wipe(gap.start, gap.end);
        truncateTail(file, boxes, data, movie, kept);
        samples.overwritePersonalData(file);
      },
    ],
    orientation: 1,
    size: movie.size,
    decodedPixels: movie.decodedPixels,
    hasPicture: movie.hasPicture,
    video: {
      durationSeconds: await movieDuration(reader, movie, fragments),
      isPlayable: type !== "video/3gpp" && movie.tracks.every(({ isPlayable }) => isPlayable),
    },
  };
}

/** Reads the top-level boxes. Leaves out bytes at the end that form no box, which some cameras append. */
async function readTop(reader: BoxReader): Promise<TopBox[]> {
  const boxes: TopBox[] = [];
  const { size } = reader.source;
  for (let offset = 0; offset < size;) {
    const box = await reader.at(offset, size);
    if (!box) {
      const truncatedBox = await readTruncatedBox(reader, offset);
      if (truncatedBox) boxes.push(truncatedBox);
      break;
    }
    boxes.push({ ...box, isTruncated: false });
    offset = box.end;
  }
  return boxes;
}

/** Reads a truncated box of media data or movie description; undefined for other bytes. */
async function readTruncatedBox(reader: BoxReader, offset: number): Promise<TopBox | undefined> {
  const end = reader.source.size;
  const head = await reader.source.readUpTo(offset, 8);
  const type = head.toString("latin1", 4, 8);
  if (type !== "mdat" && !Object.hasOwn(structureRules, type)) return undefined;
  const body = Math.min(offset + (head.readUInt32BE(0) === 1 ? 16 : 8), end);
  return { type, offset, body, end, isTruncated: true };
}

/** Boxes that are blanked, and that recorders write at the end of `moov`. */
const trailingMetadataTypes = new Set(["udta", "meta", "free", "skip"]);

/**
 * Returns a truncated `moov` without its incomplete last box if that is a metadata box, and undefined if anything else is
 * missing.
 */
async function readTruncatedIndex(reader: BoxReader, boxes: readonly TopBox[]): Promise<TopBox | undefined> {
  const { source } = reader;
  const index = boxes.find(({ type }) => type === "moov");
  if (!index || index.end - index.body < 8) return undefined;
  const size = (await source.read(index.offset, 4)).readUInt32BE(0);
  let hasTrack = false;
  let end = index.body;
  for (let box = await reader.at(end, index.end); box; box = await reader.at(end, index.end)) {
    hasTrack ||= box.type === "trak";
    end = box.end;
  }
  const head = await source.readUpTo(end, 8);
  if (head.length < 8 || !trailingMetadataTypes.has(head.toString("latin1", 4, 8))) return undefined;
  const isLast = end + head.readUInt32BE(0) === index.offset + size;
  return hasTrack && isLast ? { ...index, end } : undefined;
}

/** Truncates the file after the last needed byte, and shortens the last kept box accordingly. */
function truncateTail(
  file: InPlaceFile,
  boxes: readonly TopBox[],
  data: ReadonlySet<TopBox>,
  movie: BlankedMovie,
  kept: RangeSet,
): void {
  for (const box of boxes.toReversed()) {
    const holdsData = data.has(box);
    const isMovie = box.offset === movie.box.offset;
    if (!holdsData && (metadataTypes.has(box.type) || (box.type === "moov" && !isMovie))) continue;
    const end = holdsData ? kept.lastEnd(box.body, box.end) : isMovie ? movie.lastEnd : box.end;
    if (end === undefined) continue;
    if (end < box.end || box.isTruncated) writeBoxSize(file, box, end - box.offset);
    file.truncate(end);
    return;
  }
}
