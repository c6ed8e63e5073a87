import type { ByteSource } from "../byte-source.ts";
import { cutOff, damaged } from "../damaged.ts";
import { BoxReader, type Box } from "../iso/boxes.ts";
import type { DisplaySize } from "../iso/display.ts";
import { cleanItems, requireDecodable } from "./items.ts";
import { readHeifMeta } from "./meta.ts";
import { readPictureSizes } from "./sizes.ts";
import type { InPlaceFile } from "../in-place-file.ts";
import { blankBox, writeBoxSize } from "../iso/blanking.ts";
import { blankFragments } from "../iso/fragments.ts";
import { blankMovie } from "../iso/movie.ts";
import type { Extent } from "../iso/samples.ts";
import { MediaData } from "../iso/media-data.ts";
import { MovieSamples } from "../iso/movie-samples.ts";
import { Patches, type Blanking } from "../plan.ts";
import { RangeSet } from "../range-set.ts";

/** Boxes at the top that readers need beside the first `meta` and the first `moov`. */
const kept = new Set("ftyp mdat imda".split(" "));
/** Those that they need beside these where there is a `moov`. */
const keptOfMovies = new Set("styp moof mfra sidx ssix".split(" "));
/** Boxes of data that pictures and samples lie in. */
const holding = new Set(["mdat", "imda"]);

/**
 * Plans the blanking of a HEIC or AVIF (ISO/IEC 23008-12): `meta` describes the pictures and stays, every byte of the
 * data that belongs to no picture becomes zero, and what nothing needs at the end is cut off. Orientation is a property
 * of the picture (`irot`, `imir`) and needs no care.
 * @throws ApiError DAMAGED_MEDIA; CUT_OFF_MEDIA for a file that ends within its data
 */
export async function planPicture(source: ByteSource): Promise<Blanking> {
  const reader = new BoxReader(source);
  const patches = new Patches(source);
  const boxes = await readTop(reader);
  const meta = boxes.find(({ type }) => type === "meta");
  const movie = boxes.find(({ type }) => type === "moov");
  if (!meta && !movie) throw damaged("no meta");
  const isNeeded = (box: Box) =>
    box === meta || box === movie || kept.has(box.type) || (movie && keptOfMovies.has(box.type));
  for (const box of boxes) if (!isNeeded(box)) blankBox(patches, box);

  let size: DisplaySize | null = null;
  let decodedPixels = 0;
  let hasPicture = false;
  const holders = boxes.filter(({ type }) => holding.has(type));
  /** Where the data of items lies; undefined where that is not all known. */
  let items: readonly Extent[] | undefined = [];
  if (meta) {
    const heif = await readHeifMeta(reader, meta);
    if (heif.idat) holders.push(heif.idat);
    const data = new MediaData(holders);
    ({ size, decodedPixels } = await readPictureSizes(reader, heif));
    hasPicture = size !== null;
    if (hasPicture) await requireDecodable(reader, heif, data);
    items = await cleanItems(reader, patches, heif, data);
  }
  let samples: MovieSamples | undefined;
  if (movie) {
    const blanked = await blankMovie(reader, patches, movie);
    samples = new MovieSamples(blanked.tracks, await blankFragments(reader, patches, boxes, blanked));
    size ??= blanked.size;
    decodedPixels = Math.max(decodedPixels, blanked.decodedPixels);
    hasPicture ||= blanked.hasPicture;
  }
  const clean = (file: InPlaceFile) => {
    if (items) {
      const data = samples?.extents(file, file.size) ?? new RangeSet();
      for (const { offset, length } of items) data.add(offset, offset + length);
      for (const box of holders)
        for (const { start, end } of data.gaps(box.body, box.end)) file.wipe(start, end);
      cutEnd(file, boxes.filter(isNeeded), data);
    }
    samples?.overwritePersonalData(file);
  };
  return { patches, passes: [clean], orientation: 1, size, decodedPixels, hasPicture };
}

/** The file's boxes. What follows the last one and is none, as some cameras write it, is left out. */
async function readTop(reader: BoxReader): Promise<Box[]> {
  const boxes: Box[] = [];
  const { size } = reader.source;
  const has = (...types: string[]) => boxes.some(({ type }) => types.includes(type));
  for (let offset = 0; offset < size;) {
    const box = await reader.at(offset, size);
    if (!box) {
      if (boxes.length === 0) throw damaged("no box");
      const type = (await reader.source.readUpTo(offset, 8)).toString("latin1", 4);
      const isWhole = has("moov", "meta") && has("mdat", "imda", "moof", "meta");
      if (!isWhole || kept.has(type) || keptOfMovies.has(type)) throw cutOff(`cut at ${offset}`);
      break;
    }
    boxes.push(box);
    offset = box.end;
  }
  return boxes;
}

/** Cuts off what follows the last byte that a reader needs; a box of data that ends there is made shorter. */
function cutEnd(file: InPlaceFile, needed: readonly Box[], data: RangeSet): void {
  for (const box of needed.toReversed()) {
    const end = holding.has(box.type) ? data.lastEnd(box.body, box.end) : box.end;
    if (end === undefined) continue;
    if (end < box.end) writeBoxSize(file, box, end - box.offset);
    file.truncate(end);
    return;
  }
}
