import type { ByteSource } from "../byte-source.ts";
import { damaged } from "../damaged.ts";
import { BoxReader, type Box } from "../iso-boxes.ts";
import type { DisplaySize } from "../iso-display.ts";
import { blankItems } from "./heif-items.ts";
import { readPictureSizes } from "./heif-sizes.ts";
import { blankBox, isPersonal } from "./iso-blanking.ts";
import { blankFragments } from "./iso-fragments.ts";
import { blankMovie } from "./iso-movie.ts";
import { wipeSamples } from "./movie-samples.ts";
import { Patches, type Blanking, type Pass } from "./plan.ts";

/** Boxes at the top that players need; the rest (previews, second videos, vendors' data) is blanked. */
const kept = new Set("ftyp styp moov moof mdat imda mfra sidx ssix pdin wide uuid".split(" "));

/**
 * Plans the blanking of a HEIC or AVIF (ISO/IEC 23008-12): `meta` describes the picture and stays, the items inside it
 * that hold EXIF or XMP are emptied. Orientation is a property of the picture (`irot`, `imir`) and needs no care.
 * @throws ApiError DAMAGED_MEDIA
 */
export async function planPicture(source: ByteSource): Promise<Blanking> {
  const reader = new BoxReader(source);
  const patches = new Patches(source);
  const boxes = await readTop(reader, patches);
  const data = boxes.filter(({ type }) => type === "mdat" || type === "imda");
  let size: DisplaySize | null = null;
  let decodedPixels = 0;
  let hasPicture = false;
  let hasMovie = false;
  let hasItems = false;
  const passes: Pass[] = [];

  for (const box of boxes) {
    // Readers take the first `meta` and the first `moov`; further ones are blanked.
    if (box.type === "meta" && !hasItems) {
      hasItems = true;
      const picture = await readPictureSizes(reader, box);
      size ??= picture.size;
      decodedPixels = Math.max(decodedPixels, picture.decodedPixels);
      hasPicture ||= picture.size !== null;
      await blankItems(reader, patches, box, data);
    } else if (box.type === "moov" && !hasMovie) {
      hasMovie = true;
      const movie = await blankMovie(reader, patches, box);
      const fragments = await blankFragments(reader, patches, boxes, movie);
      passes.push(wipeSamples(movie.blankedTracks, fragments, data));
      size ??= movie.size;
      decodedPixels = Math.max(decodedPixels, movie.decodedPixels);
      hasPicture ||= movie.hasPicture;
    } else if (!kept.has(box.type) || box.type === "moov" || (await isPersonal(reader, box)))
      blankBox(patches, box);
  }
  if (!hasItems && !hasMovie) throw damaged("no meta");
  return { patches, passes, orientation: 1, size, decodedPixels, hasPicture };
}

/** The file's boxes. What follows the last one and is none, as some cameras write it, is wiped. */
async function readTop(reader: BoxReader, patches: Patches): Promise<Box[]> {
  const boxes: Box[] = [];
  const { size } = reader.source;
  const has = (...types: string[]) => boxes.some(({ type }) => types.includes(type));
  for (let offset = 0; offset < size;) {
    const box = await reader.at(offset, size);
    if (!box) {
      const type = (await reader.source.readUpTo(offset, 8)).toString("latin1", 4);
      const isWhole = has("moov", "meta") && has("mdat", "imda", "moof", "meta");
      if (!isWhole || kept.has(type)) throw damaged(`cut at ${offset}`);
      if (size - offset >= 8) patches.write(offset, Buffer.from("\0\0\0\0free", "latin1"));
      patches.wipe(Math.min(offset + 8, size), size);
      break;
    }
    boxes.push(box);
    offset = box.end;
  }
  return boxes;
}
