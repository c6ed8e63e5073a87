import type { Box, BoxReader } from "../iso-boxes.ts";
import {
  movieMatrix,
  trackCodedPixels,
  trackDisplaySize,
  trackHandler,
  type DisplaySize,
} from "../iso-display.ts";
import { blankBox, blankHandlerName } from "./iso-blanking.ts";
import { fixed, keepOnly, leaf, leaves, table, type Rule, type Rules } from "./iso-rules.ts";
import {
  blankDataReferences,
  blankSampleEntries,
  describeSamples,
  isElsewhere,
  type SampleDescription,
  type SampleKind,
} from "./iso-sample-entries.ts";
import { SampleTables } from "./iso-samples.ts";
import type { Patches } from "./plan.ts";

/**
 * Tracks of picture and sound. All others go with their samples: positions are written into tracks of metadata
 * (GoPro `gpmd`, Apple `mebx`, Google `camm`) and into subtitles (drones), the time of day into time codes.
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
  /** Undefined for a track of anything else. */
  readonly kind: SampleKind | undefined;
  /** Where the samples are that are not in fragments. */
  readonly tables: SampleTables | undefined;
  /** The boxes that have these tables, and where protected samples have what belongs to them. */
  readonly boxes: readonly Box[];
  readonly description: SampleDescription;
}

export interface BlankedMovie {
  readonly size: DisplaySize | null;
  /** Of its largest track, as shown or as coded. */
  readonly decodedPixels: number;
  readonly hasPicture: boolean;
  readonly tracks: readonly Track[];
  readonly blankedTracks: readonly Track[];
  /** `moov`, as it was read. */
  readonly box: Box;
  /** Where the last of its boxes ends that was not blanked. */
  readonly lastEnd: number;
}

/** Blanks the metadata and the times in `moov`, and the tracks that are neither picture nor sound of this file. */
export async function blankMovie(reader: BoxReader, patches: Patches, movie: Box): Promise<BlankedMovie> {
  const inMovie = await keepOnly(reader, patches, movie, movieRules);
  const matrix = await movieMatrix(reader, movie);
  const [tracks, blankedTracks]: [Track[], Track[]] = [[], []];
  const keptBoxes: { box: Box; kind: SampleKind }[] = [];
  let lastEnd = movie.body;
  let shown: { size: DisplaySize; isEnabled: boolean } | undefined;
  let decodedPixels = 0;
  let hasPicture = false;
  for (const box of inMovie) {
    const handler = box.type === "trak" ? await trackHandler(reader, box) : undefined;
    const kind = handler === undefined ? undefined : keptHandlers[handler];
    if (handler !== undefined) {
      const { isHere, ...track } = await readTrack(reader, box, kind);
      if (!kind || !isHere) {
        blankedTracks.push(track);
        blankBox(patches, box);
        continue;
      }
      tracks.push(track);
      keptBoxes.push({ box, kind });
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
  for (const { box, kind } of keptBoxes) await keepOnly(reader, patches, box, trackRules(kind, ids));
  return { size: shown?.size ?? null, decodedPixels, hasPicture, tracks, blankedTracks, box: movie, lastEnd };
}

async function readTrack(
  reader: BoxReader,
  track: Box,
  kind: SampleKind | undefined,
): Promise<Track & { readonly isHere: boolean }> {
  const media = await reader.find(track, "mdia", "minf");
  const tables = media && (await reader.find(media, "stbl"));
  const boxes = tables ? await reader.children(tables) : [];
  const descriptions = boxes.find(({ type }) => type === "stsd");
  const description: SampleDescription =
    descriptions && kind
      ? await describeSamples(reader, descriptions, kind)
      : { isEncrypted: false, dataReferences: new Set() };
  const references = media && (await reader.find(media, "dinf", "dref"));
  const isHere = !references || !(await isElsewhere(reader, references, description.dataReferences));
  return {
    id: await trackId(reader, track),
    kind,
    tables: SampleTables.find(boxes, description.sound),
    boxes,
    description,
    isHere,
  };
}

async function trackId(reader: BoxReader, track: Box): Promise<number> {
  const header = await reader.find(track, "tkhd");
  if (!header) return 0;
  const version = (await reader.content(header, 1)).readUInt8(0);
  const offset = version === 1 ? 20 : 12;
  return (await reader.content(header, offset + 4)).readUInt32BE(offset);
}

/** `mvhd`, `tkhd` and `mdhd` have the times of creation and change at the same place. */
const withoutTimes = (version0: number, version1: number): Rule => ({
  ...fixed(version0, version1),
  clean: async (reader, patches, header) => {
    const version = (await reader.content(header, 1)).readUInt8(0);
    const length = version === 1 ? 16 : 8;
    await reader.content(header, 4 + length);
    patches.wipe(header.body + 4, header.body + 4 + length);
  },
});

const movieRules: Rules = {
  mvhd: withoutTimes(100, 112),
  trak: leaf,
  mvex: { children: { mehd: fixed(8, 12), trex: fixed(24), leva: leaf } },
  pssh: leaf,
};

/** Kinds of sample groups that decoders and players know; the entries of others are anybody's. */
const knownGroups = new Set(
  "roll prol rap  sync tele seig alst avll avss tsas tscl stsa oinf linf trif dtrt sgpd".split(" "),
);

const sampleGroups: Rule = {
  clean: async (reader, patches, box) => {
    const type = (await reader.content(box, 8)).toString("latin1", 4, 8);
    if (!knownGroups.has(type)) blankBox(patches, box);
  },
};

/** Boxes about samples that tracks and fragments have. */
export const sampleRules: Rules = {
  sbgp: sampleGroups,
  sgpd: sampleGroups,
  ...leaves("sdtp subs saiz saio senc"),
};

/** @param tracks numbers of the tracks that stay */
function trackRules(kind: SampleKind, tracks: ReadonlySet<number>): Rules {
  return {
    tkhd: withoutTimes(84, 96),
    tref: { clean: (reader, patches, box) => keepReferencesTo(reader, patches, box, tracks) },
    edts: { children: { elst: table(12, 20) } },
    tapt: { children: { clef: fixed(12), prof: fixed(12), enof: fixed(12) } },
    mdia: {
      children: {
        mdhd: withoutTimes(24, 36),
        hdlr: { clean: (_reader, patches, box) => blankHandlerName(patches, box) },
        minf: {
          children: {
            vmhd: fixed(12),
            smhd: fixed(8),
            nmhd: fixed(4),
            hdlr: { clean: (_reader, patches, box) => blankHandlerName(patches, box) },
            dinf: { children: { dref: { clean: blankDataReferences } } },
            stbl: {
              children: {
                stsd: {
                  clean: (reader, patches, box) => blankSampleEntries(reader, patches, box, kind),
                },
                stts: table(8),
                ctts: table(8),
                cslg: fixed(24, 44),
                stss: table(4),
                stps: table(4),
                stsc: table(12),
                stsz: { bytes: (head) => 12 + (head.readUInt32BE(4) === 0 ? 4 * head.readUInt32BE(8) : 0) },
                stz2: { bytes: (head) => 12 + Math.ceil((head.readUInt8(7) * head.readUInt32BE(8)) / 8) },
                stco: table(4),
                co64: table(8),
                ...sampleRules,
              },
            },
          },
        },
      },
    },
  };
}

/** Blanks each kind of reference that names a track which is gone, such as a time code or chapters. */
async function keepReferencesTo(
  reader: BoxReader,
  patches: Patches,
  references: Box,
  tracks: ReadonlySet<number>,
): Promise<void> {
  const gone: Box[] = [];
  const kinds = await reader.children(references);
  for (const kind of kinds) {
    const ids = await reader.content(kind);
    let isKept = ids.length > 0 && ids.length % 4 === 0;
    for (let index = 0; isKept && index < ids.length; index += 4)
      isKept = tracks.has(ids.readUInt32BE(index));
    if (!isKept) gone.push(kind);
  }
  for (const box of gone.length === kinds.length ? [references] : gone) blankBox(patches, box);
}
