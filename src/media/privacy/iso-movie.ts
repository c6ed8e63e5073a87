import type { Box, BoxReader } from "../iso-boxes.ts";
import { trackCodedPixels, trackDisplaySize, trackHandler, type DisplaySize } from "../iso-display.ts";
import { blankBox, blankChildren, blankHandlerName } from "./iso-blanking.ts";
import { wipeSamples } from "./iso-samples.ts";
import type { Patches } from "./plan.ts";

const keptInMovie = new Set("mvhd trak mvex iods pssh prfl clip ctab uuid".split(" "));
const keptInTrack = new Set(
  "tkhd tref trgr edts mdia tapt clip matt load imap prfl strk ttyp uuid".split(" "),
);
const keptInMedia = new Set("mdhd hdlr minf elng uuid".split(" "));

/**
 * Tracks of picture and sound. All others go with their samples: positions are written into tracks of metadata
 * (GoPro `gpmd`, Apple `mebx`, Google `camm`) and into subtitles (drones), the time of day into time codes.
 */
const keptHandlers = new Set(["vide", "soun", "auxv", "pict", "odsm", "sdsm"]);
/** Tracks that a decoder makes pictures of; an `auxv` is no picture by itself. */
const codedHandlers = new Set(["vide", "pict", "auxv"]);

export interface BlankedMovie {
  readonly size: DisplaySize | null;
  /** Of its largest track, as shown or as coded. */
  readonly decodedPixels: number;
  readonly hasPicture: boolean;
  /** `track_ID`s of the tracks that were blanked. */
  readonly blankedTracks: ReadonlySet<number>;
  /** `moov`, as it was read. */
  readonly box: Box;
}

/** Blanks the metadata and the times in `moov`, and the tracks that are neither picture nor sound. */
export async function blankMovie(
  reader: BoxReader,
  patches: Patches,
  movie: Box,
  data: readonly Box[],
): Promise<BlankedMovie> {
  const blankedTracks = new Set<number>();
  const tracks: Box[] = [];
  let size: DisplaySize | null = null;
  let decodedPixels = 0;
  let hasPicture = false;
  for (const box of await blankChildren(reader, patches, await reader.children(movie), keptInMovie)) {
    if (box.type === "mvhd") await blankTimes(reader, patches, box);
    if (box.type !== "trak") continue;
    const handler = await trackHandler(reader, box);
    if (keptHandlers.has(handler)) {
      tracks.push(box);
      if (!codedHandlers.has(handler)) continue;
      const shown = await trackDisplaySize(reader, box);
      const coded = await trackCodedPixels(reader, box);
      decodedPixels = Math.max(decodedPixels, coded, shown ? shown.width * shown.height : 0);
      if (handler === "auxv") continue;
      size ??= shown;
      hasPicture = true;
    } else {
      blankedTracks.add(await trackId(reader, box));
      await wipeSamples(reader, patches, box, data);
      blankBox(patches, box);
    }
  }
  for (const track of tracks) await blankTrack(reader, patches, track, blankedTracks);
  return { size, decodedPixels, hasPicture, blankedTracks, box: movie };
}

async function blankTrack(
  reader: BoxReader,
  patches: Patches,
  track: Box,
  blankedTracks: ReadonlySet<number>,
): Promise<void> {
  const inTrack = await blankChildren(reader, patches, await reader.children(track), keptInTrack);
  for (const box of inTrack) {
    if (box.type === "tkhd") await blankTimes(reader, patches, box);
    if (box.type === "tref" && (await refersOnlyTo(reader, box, blankedTracks))) blankBox(patches, box);
    if (box.type !== "mdia") continue;
    for (const part of await blankChildren(reader, patches, await reader.children(box), keptInMedia)) {
      if (part.type === "mdhd") await blankTimes(reader, patches, part);
      if (part.type === "hdlr") blankHandlerName(patches, part);
      if (part.type !== "minf") continue;
      for (const inner of await blankChildren(reader, patches, await reader.children(part))) {
        if (inner.type === "hdlr") blankHandlerName(patches, inner);
        if (inner.type === "stbl") await blankChildren(reader, patches, await reader.children(inner));
      }
    }
  }
}

/** Zeros the times of creation and change, which `mvhd`, `tkhd` and `mdhd` have at the same place. */
async function blankTimes(reader: BoxReader, patches: Patches, header: Box): Promise<void> {
  const version = (await reader.content(header, 1)).readUInt8(0);
  const length = version === 1 ? 16 : 8;
  await reader.content(header, 4 + length);
  patches.wipe(header.body + 4, header.body + 4 + length);
}

async function trackId(reader: BoxReader, track: Box): Promise<number> {
  const header = await reader.find(track, "tkhd");
  if (!header) return 0;
  const version = (await reader.content(header, 1)).readUInt8(0);
  const offset = version === 1 ? 20 : 12;
  return (await reader.content(header, offset + 4)).readUInt32BE(offset);
}

/** Whether a `tref` names blanked tracks and no other, such as a time code or chapters. */
async function refersOnlyTo(
  reader: BoxReader,
  references: Box,
  tracks: ReadonlySet<number>,
): Promise<boolean> {
  for (const kind of await reader.children(references)) {
    const ids = await reader.content(kind);
    for (let index = 0; index + 4 <= ids.length; index += 4)
      if (!tracks.has(ids.readUInt32BE(index))) return false;
  }
  return true;
}
