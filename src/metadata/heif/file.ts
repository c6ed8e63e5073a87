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

/** Top-level boxes that readers need besides the first `meta` and the first `moov`. */
const keptTypes = new Set("ftyp mdat imda".split(" "));
/** Top-level boxes that readers also need if there is a `moov`. */
const keptMovieTypes = new Set("styp moof mfra sidx ssix".split(" "));
/** Boxes that contain the data of pictures and samples. */
const dataTypes = new Set(["mdat", "imda"]);

/**
 * Plans the blanking of a HEIC or AVIF (ISO/IEC 23008-12). `meta` describes the pictures and stays, data that belongs to no
 * picture is zeroed, and an unneeded tail is cut off. The orientation is kept as a property of the picture (`irot`,
 * `imir`).
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
    box === meta || box === movie || keptTypes.has(box.type) || (movie && keptMovieTypes.has(box.type));
  for (const box of boxes) if (!isNeeded(box)) blankBox(patches, box);

  let size: DisplaySize | null = null;
  let decodedPixels = 0;
  let hasPicture = false;
  const dataBoxes = boxes.filter(({ type }) => dataTypes.has(type));
  /** Ranges of the items' data; undefined if some are unknown. */
  let items: readonly Extent[] | undefined = [];
  if (meta) {
    const heif = await readHeifMeta(reader, meta);
    if (heif.idat) dataBoxes.push(heif.idat);
    const data = new MediaData(dataBoxes);
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
      for (const box of dataBoxes)
        for (const { start, end } of data.gaps(box.body, box.end)) file.wipe(start, end);
      truncateTail(file, boxes.filter(isNeeded), data);
    }
    samples?.overwritePersonalData(file);
  };
  return { patches, passes: [clean], orientation: 1, size, decodedPixels, hasPicture };
}

/** Reads the top-level boxes. Some cameras append bytes that are no box; they are left out. */
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
      if (!isWhole || keptTypes.has(type) || keptMovieTypes.has(type)) throw cutOff(`truncated at ${offset}`);
      break;
    }
    boxes.push(box);
    offset = box.end;
  }
  return boxes;
}

/** Truncates the file after the last needed byte, and shortens a data box that contains it. */
function truncateTail(file: InPlaceFile, needed: readonly Box[], data: RangeSet): void {
  for (const box of needed.toReversed()) {
    const end = dataTypes.has(box.type) ? data.lastEnd(box.body, box.end) : box.end;
    if (end === undefined) continue;
    if (end < box.end) writeBoxSize(file, box, end - box.offset);
    file.truncate(end);
    return;
  }
}
