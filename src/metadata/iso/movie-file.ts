import type { ByteSource } from "../byte-source.ts";
import { damaged } from "../damaged.ts";
import { BoxReader, type Box } from "./boxes.ts";
import type { InPlaceFile } from "../in-place-file.ts";
import { blankBox, writeBoxSize } from "./blanking.ts";
import { blankFragments, withoutCutSamples } from "./fragments.ts";
import { blankMovie, type BlankedMovie } from "./movie.ts";
import { brands, indexRules } from "./index.ts";
import { applyRule, leaf, ruleFor, type Rules } from "./rules.ts";
import { MovieSamples } from "./movie-samples.ts";
import { Patches, type Blanking } from "../plan.ts";
import type { RangeSet } from "../range-set.ts";

/** Boxes at the top that describe the film; they stay. */
const describing: Rules = { ftyp: brands, styp: brands, moov: leaf, moof: leaf, mfra: leaf, sidx: leaf };
/** Boxes of metadata. All others may hold samples, which stay: a recorder may have called some of its data free. */
const personal = new Set(["udta", "meta", "uuid"]);
/** Boxes that may hold samples and keep their type; others become `free`. */
const holding = new Set(["mdat", "imda", "free", "wide"]);

/** A box at the top of the file. */
interface TopBox extends Box {
  /** The file ends within it. */
  readonly isCut: boolean;
}

/**
 * Plans the blanking of an MP4, MOV or 3GP (ISO/IEC 14496-12, QuickTime): boxes of metadata become `free` boxes full of
 * zeros, and so does every byte of the data that is no sample of a picture or sound, so that every offset in the file
 * still holds. What nothing needs at the end is cut off, and so is what a recorder that was stopped left unfinished.
 * @throws ApiError DAMAGED_MEDIA
 */
export async function planMovie(source: ByteSource): Promise<Blanking> {
  const reader = new BoxReader(source);
  const patches = new Patches(source);
  const whole = await readTop(reader);
  const index =
    whole.find(({ type, isCut }) => type === "moov" && !isCut) ?? (await readCutIndex(reader, whole));
  if (!index) {
    const isCutOff = whole.some(({ type }) => type === "moov");
    throw damaged(
      isCutOff ? "the file ends within moov" : "no moov",
      isCutOff
        ? "The file is cut off: it ends within its index, so that no player can open it"
        : "The recording was not finished: its index is missing, so that no player can open it",
    );
  }
  // A description that the file ends in describes nothing; the data goes as far as it goes.
  const boxes = whole.flatMap((box) => {
    if (box.offset === index.offset) return [index];
    return !box.isCut || box.type === "mdat" ? [box] : [];
  });
  const movie = await blankMovie(reader, patches, index);
  const fragments = await blankFragments(reader, patches, boxes, movie);
  const rules = { ...describing, ...indexRules(new Set(movie.blankedTracks.map(({ id }) => id))) };

  /** Boxes that may hold samples. */
  const data = new Set<TopBox>();
  for (const box of boxes) {
    // Readers take the first `moov`.
    const rule = box.type === "moov" && box !== index ? undefined : await ruleFor(reader, box, rules);
    if (rule) await applyRule(reader, patches, box, rule);
    else if (personal.has(box.type) || box.type === "moov") blankBox(patches, box);
    else {
      data.add(box);
      if (!holding.has(box.type)) patches.write(box.offset + 4, Buffer.from("free", "latin1"));
    }
  }
  const end = boxes.at(-1)?.end ?? 0;
  const isCut = boxes.some((box) => box.isCut);
  const samplesIn = (file: InPlaceFile) =>
    new MovieSamples(movie.tracks, isCut ? withoutCutSamples(file, fragments, end) : fragments);
  return {
    patches,
    passes: [
      (file) => {
        const samples = samplesIn(file);
        if (isCut && movie.hasPicture && !samples.hasWholePicture(file, end))
          throw damaged("cut in front of the first picture");
        const kept = samples.extents(file, end);
        for (const box of data) for (const gap of kept.gaps(box.body, box.end)) file.wipe(gap.start, gap.end);
        cutEnd(file, boxes, data, movie, kept);
        samples.overwritePersonalData(file);
      },
    ],
    orientation: 1,
    size: movie.size,
    decodedPixels: movie.decodedPixels,
    hasPicture: movie.hasPicture,
  };
}

/** The file's boxes. What follows the last one and is none, as some cameras write it, is left out. */
async function readTop(reader: BoxReader): Promise<TopBox[]> {
  const boxes: TopBox[] = [];
  const { size } = reader.source;
  for (let offset = 0; offset < size;) {
    const box = await reader.at(offset, size);
    if (!box) {
      const cut = await readCut(reader, offset);
      if (cut) boxes.push(cut);
      break;
    }
    boxes.push({ ...box, isCut: false });
    offset = box.end;
  }
  return boxes;
}

/** A box of data or of the film's description that the file ends in; undefined for what is no box. */
async function readCut(reader: BoxReader, offset: number): Promise<TopBox | undefined> {
  const end = reader.source.size;
  const head = await reader.source.readUpTo(offset, 8);
  const type = head.toString("latin1", 4, 8);
  if (type !== "mdat" && !Object.hasOwn(describing, type)) return undefined;
  const body = Math.min(offset + (head.readUInt32BE(0) === 1 ? 16 : 8), end);
  return { type, offset, body, end, isCut: true };
}

/** Boxes in a `moov` that are blanked, and that recorders write behind all others. */
const personalInIndex = new Set(["udta", "meta", "free", "skip"]);

/**
 * An index that the file ends in, as far as it is whole: all that is missing of it belongs to a last box of metadata.
 * Undefined where anything else is missing.
 */
async function readCutIndex(reader: BoxReader, boxes: readonly TopBox[]): Promise<TopBox | undefined> {
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
  if (head.length < 8 || !personalInIndex.has(head.toString("latin1", 4, 8))) return undefined;
  const isLast = end + head.readUInt32BE(0) === index.offset + size;
  return hasTrack && isLast ? { ...index, end } : undefined;
}

/** Cuts off what nothing needs at the end of the file, and makes the last box that stays end there. */
function cutEnd(
  file: InPlaceFile,
  boxes: readonly TopBox[],
  data: ReadonlySet<TopBox>,
  movie: BlankedMovie,
  kept: RangeSet,
): void {
  for (const box of boxes.toReversed()) {
    const holdsData = data.has(box);
    const isMovie = box.offset === movie.box.offset;
    if (!holdsData && (personal.has(box.type) || (box.type === "moov" && !isMovie))) continue;
    const end = holdsData ? kept.lastEnd(box.body, box.end) : isMovie ? movie.lastEnd : box.end;
    if (end === undefined) continue;
    if (end < box.end || box.isCut) writeBoxSize(file, box, end - box.offset);
    file.truncate(end);
    return;
  }
}
