import type { Box, BoxReader } from "./boxes.ts";
import {
  movieMatrix,
  trackCodedPixels,
  trackDisplaySize,
  trackHandler,
  type DisplaySize,
} from "./display.ts";
import { blankBox } from "./blanking.ts";
import { movieRules, trackRules } from "./movie-rules.ts";
import { startsWithMp3 } from "./playable-entries.ts";
import { keepOnly } from "./rules.ts";
import { describeSamples, isExternal, type SampleDescription, type SampleKind } from "./sample-entries.ts";
import { SampleTables } from "./samples.ts";
import { movieClock, trackTimes, type Clock, type TrackTimes } from "./track-times.ts";
import type { Patches } from "../plan.ts";

/**
 * Handlers of picture and sound tracks. All other tracks are removed with their samples: positions are stored in metadata
 * tracks (GoPro `gpmd`, Apple `mebx`, Google `camm`) and in subtitles (drones), the time of day in time codes.
 */
const keptHandlers: Readonly<Record<string, SampleKind>> = {
  vide: "picture",
  auxv: "picture",
  pict: "picture",
  soun: "sound",
};

export interface Track {
  /** `track_ID` */
  readonly id: number;
  /** Undefined for a track of another kind. */
  readonly kind: SampleKind | undefined;
  /** Locates the samples outside fragments. */
  readonly tables: SampleTables | undefined;
  /** The children of `stbl`: sample tables and auxiliary information about encrypted samples. */
  readonly boxes: readonly Box[];
  readonly description: SampleDescription;
  readonly times: TrackTimes;
  /** Whether all current browsers decode it. */
  readonly isPlayable: boolean;
}

export interface BlankedMovie {
  readonly size: DisplaySize | null;
  /** Pixel count of the largest track, as displayed or as coded. */
  readonly decodedPixels: number;
  readonly hasPicture: boolean;
  readonly tracks: readonly Track[];
  readonly blankedTracks: readonly Track[];
  /** `moov` before blanking. */
  readonly box: Box;
  /** End of the last box in `moov` that was not blanked. */
  readonly lastEnd: number;
}

/** Blanks metadata and times in `moov`, and all tracks except pictures and sound stored in this file. */
export async function blankMovie(reader: BoxReader, patches: Patches, movie: Box): Promise<BlankedMovie> {
  const inMovie = await keepOnly(reader, patches, movie, movieRules);
  const matrix = await movieMatrix(reader, movie);
  const clock = await movieClock(reader, movie);
  const [tracks, blankedTracks]: [Track[], Track[]] = [[], []];
  const keptBoxes: { box: Box; kind: SampleKind; samples: number }[] = [];
  let lastEnd = movie.body;
  let shown: { size: DisplaySize; isEnabled: boolean } | undefined;
  let decodedPixels = 0;
  let hasPicture = false;
  for (const box of inMovie) {
    const handler = box.type === "trak" ? await trackHandler(reader, box) : undefined;
    const kind = handler === undefined ? undefined : keptHandlers[handler];
    if (handler !== undefined) {
      const { isInternal, samples, ...track } = await readTrack(reader, box, kind, clock);
      if (!kind || !isInternal) {
        blankedTracks.push(track);
        blankBox(patches, box);
        continue;
      }
      tracks.push(track);
      keptBoxes.push({ box, kind, samples });
    }
    lastEnd = box.end;
    if (kind !== "picture") continue;
    const display = await trackDisplaySize(reader, box, matrix);
    const coded = await trackCodedPixels(reader, box);
    decodedPixels = Math.max(decodedPixels, coded, display ? display.size.width * display.size.height : 0);
    if (handler === "auxv") continue;
    if (display && (!shown || (display.isEnabled && !shown.isEnabled))) shown = display;
    hasPicture = true;
  }
  const ids = new Set(tracks.map(({ id }) => id));
  for (const { box, kind, samples } of keptBoxes)
    await keepOnly(reader, patches, box, trackRules(kind, ids, samples));
  return { size: shown?.size ?? null, decodedPixels, hasPicture, tracks, blankedTracks, box: movie, lastEnd };
}

async function readTrack(
  reader: BoxReader,
  track: Box,
  kind: SampleKind | undefined,
  clock: Clock | undefined,
): Promise<Track & { readonly isInternal: boolean; readonly samples: number }> {
  const media = await reader.find(track, "mdia", "minf");
  const tables = media && (await reader.find(media, "stbl"));
  const boxes = tables ? await reader.children(tables) : [];
  const descriptions = boxes.find(({ type }) => type === "stsd");
  const description: SampleDescription =
    descriptions && kind
      ? await describeSamples(reader, descriptions, kind)
      : { isEncrypted: false, dataReferences: new Set(), playable: false };
  const references = media && (await reader.find(media, "dinf", "dref"));
  const isInternal = !references || !(await isExternal(reader, references, description.dataReferences));
  return {
    id: await trackId(reader, track),
    kind,
    tables: SampleTables.find(boxes, description.sound),
    boxes,
    description,
    times: await trackTimes(reader, track, clock),
    isPlayable: description.playable === "mp3" ? await startsWithMp3(reader, boxes) : description.playable,
    isInternal,
    samples: await sampleCount(reader, boxes),
  };
}

/** Returns the number of samples outside fragments. */
async function sampleCount(reader: BoxReader, tables: readonly Box[]): Promise<number> {
  const sizes = tables.find(({ type }) => type === "stsz" || type === "stz2");
  return sizes && sizes.end - sizes.body >= 12 ? (await reader.content(sizes, 12)).readUInt32BE(8) : 0;
}

async function trackId(reader: BoxReader, track: Box): Promise<number> {
  const header = await reader.find(track, "tkhd");
  if (!header) return 0;
  const version = (await reader.content(header, 1)).readUInt8(0);
  const offset = version === 1 ? 20 : 12;
  return (await reader.content(header, offset + 4)).readUInt32BE(offset);
}
