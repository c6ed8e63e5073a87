import type { Box, BoxReader } from "./boxes.ts";
import {
  movieMatrix,
  trackCodedPixels,
  trackDisplaySize,
  trackHandler,
  type DisplaySize,
} from "./display.ts";
import { blankBox } from "./blanking.ts";
import { fixed, full, keepOnly, leaf, numberAt, table, type Field, type Rule, type Rules } from "./rules.ts";
import {
  blankDataReferences,
  blankSampleEntries,
  describeSamples,
  isExternal,
  type SampleDescription,
  type SampleKind,
} from "./sample-entries.ts";
import { SampleTables } from "./samples.ts";
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
      const { isInternal, samples, ...track } = await readTrack(reader, box, kind);
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
): Promise<Track & { readonly isInternal: boolean; readonly samples: number }> {
  const media = await reader.find(track, "mdia", "minf");
  const tables = media && (await reader.find(media, "stbl"));
  const boxes = tables ? await reader.children(tables) : [];
  const descriptions = boxes.find(({ type }) => type === "stsd");
  const description: SampleDescription =
    descriptions && kind
      ? await describeSamples(reader, descriptions, kind)
      : { isEncrypted: false, dataReferences: new Set() };
  const references = media && (await reader.find(media, "dinf", "dref"));
  const isInternal = !references || !(await isExternal(reader, references, description.dataReferences));
  return {
    id: await trackId(reader, track),
    kind,
    tables: SampleTables.find(boxes, description.sound),
    boxes,
    description,
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

/** A header box with two versions. The unused fields include the times of creation and modification. */
const header = (
  version0: { bytes: number; unused: readonly Field[] },
  version1: { bytes: number; unused: readonly Field[] },
): Rule => ({
  bytes: (head) => (head[0] === 1 ? version1 : version0).bytes,
  unused: (head) => (head[0] === 1 ? version1 : version0).unused,
});

/** QuickTime stores the times of preview, poster and selection where ISO reserves space. */
const movieHeader = header(
  {
    bytes: 100,
    unused: [
      [1, 12],
      [26, 36],
      [72, 96],
    ],
  },
  {
    bytes: 112,
    unused: [
      [1, 20],
      [38, 48],
      [84, 108],
    ],
  },
);

const trackHeader = header(
  {
    bytes: 84,
    unused: [
      [1, 3],
      [4, 12],
      [16, 20],
      [24, 32],
      [38, 40],
    ],
  },
  {
    bytes: 96,
    unused: [
      [1, 3],
      [4, 20],
      [24, 28],
      [36, 44],
      [50, 52],
    ],
  },
);

const mediaHeader = header(
  {
    bytes: 24,
    unused: [
      [1, 12],
      [22, 24],
    ],
  },
  {
    bytes: 36,
    unused: [
      [1, 20],
      [34, 36],
    ],
  },
);

/** QuickTime's graphics modes that use a colour: blend and transparent. */
const colouredModes = new Set([0x20, 0x24]);

const pictureHeader: Rule = {
  bytes: () => 12,
  unused: (head) =>
    colouredModes.has(numberAt(head, 4) >>> 16)
      ? [[1, 3]]
      : [
          [1, 3],
          [6, 12],
        ],
};

/** Without the handler name, where vendors put theirs, and QuickTime's manufacturer field. */
const handler: Rule = {
  unused: (head) => {
    const component = head.toString("latin1", 4, 8);
    const isQuickTime = component === "mhlr" || component === "dhlr";
    return [
      [0, isQuickTime ? 4 : 8],
      [12, Infinity],
    ];
  },
};

/** Data for a decryption system (`pssh`, ISO/IEC 23001-7 section 8.1), with key ids from version 1 on. */
export const protectionHeader: Rule = {
  bytes: (head) => {
    const keys = (head[0] ?? 0) > 0 ? 4 + 16 * numberAt(head, 20) : 0;
    return 24 + keys + numberAt(head, 20 + keys);
  },
  unused: () => [[1, 4]],
};

const movieRules: Rules = {
  mvhd: movieHeader,
  trak: leaf,
  mvex: { children: { mehd: full(8, 12), trex: full(24) } },
  pssh: protectionHeader,
};

/** Sample groups that decoders and players know. Others may contain arbitrary data. */
const knownGroups = new Set(
  "roll prol rap  sync tele seig alst avll avss tsas tscl stsa oinf linf trif dtrt sgpd".split(" "),
);

/** Blanks sample groups of unknown types. */
async function keepKnownGroups(reader: BoxReader, patches: Patches, box: Box): Promise<void> {
  const type = (await reader.content(box, 8)).toString("latin1", 4, 8);
  if (!knownGroups.has(type)) blankBox(patches, box);
}

/** Returns the size of a sample group description. Only version 1 declares entry lengths. */
function groupDescriptionBytes(head: Buffer, boxBytes: number): number {
  if (head[0] !== 1) return boxBytes;
  const [length, count] = [numberAt(head, 8), numberAt(head, 12)];
  if (length > 0) return 16 + count * length;
  let end = 16;
  for (let left = count; left > 0 && end < head.length; left--) end += 4 + numberAt(head, end);
  return end < head.length ? end : boxBytes;
}

/**
 * Rules for boxes about samples that occur in tracks and in fragments.
 * @param samples the number of samples
 */
export const sampleRules = (samples: number): Rules => ({
  sbgp: {
    bytes: (head) => (head[0] === 1 ? 16 + 8 * numberAt(head, 12) : 12 + 8 * numberAt(head, 8)),
    unused: () => [[1, 4]],
    clean: keepKnownGroups,
  },
  sgpd: { bytes: groupDescriptionBytes, unused: () => [[1, 4]], clean: keepKnownGroups },
  sdtp: { bytes: () => 4 + samples, unused: () => [[0, 4]] },
  saiz: {
    bytes: (head) => {
      const at = auxiliaryTypeBytes(head) + 4;
      return at + 5 + (head[at] === 0 ? numberAt(head, at + 1) : 0);
    },
    unused: () => [[1, 3]],
  },
  saio: {
    bytes: (head) => {
      const at = auxiliaryTypeBytes(head) + 4;
      return at + 4 + (head[0] === 1 ? 8 : 4) * numberAt(head, at);
    },
    unused: () => [[1, 3]],
  },
  senc: leaf,
});

/** Size of the optional information type, whose presence a flag indicates. */
const auxiliaryTypeBytes = (head: Buffer) => ((head[3] ?? 0) & 1) * 8;

/**
 * @param tracks ids of the kept tracks
 * @param samples the number of samples in the track's tables
 */
function trackRules(kind: SampleKind, tracks: ReadonlySet<number>, samples: number): Rules {
  return {
    tkhd: trackHeader,
    tref: { clean: (reader, patches, box) => keepReferencesTo(reader, patches, box, tracks) },
    edts: { children: { elst: table(12, 20) } },
    tapt: { children: { clef: full(12), prof: full(12), enof: full(12) } },
    mdia: {
      children: {
        mdhd: mediaHeader,
        hdlr: handler,
        minf: {
          children: {
            vmhd: pictureHeader,
            smhd: fixed(8, [1, 4], [6, 8]),
            nmhd: full(4),
            hdlr: handler,
            dinf: { children: { dref: { clean: blankDataReferences } } },
            stbl: {
              children: {
                stsd: {
                  clean: (reader, patches, box) => blankSampleEntries(reader, patches, box, kind),
                },
                stts: table(8),
                ctts: table(8),
                cslg: full(24, 44),
                stss: table(4),
                stps: table(4),
                stsc: table(12),
                stsz: {
                  bytes: (head) => 12 + (head.readUInt32BE(4) === 0 ? 4 * head.readUInt32BE(8) : 0),
                  unused: () => [[1, 4]],
                },
                stz2: {
                  bytes: (head) => 12 + Math.ceil((head.readUInt8(7) * head.readUInt32BE(8)) / 8),
                  unused: () => [[1, 7]],
                },
                stco: table(4),
                co64: table(8),
                ...sampleRules(samples),
              },
            },
          },
        },
      },
    },
  };
}

/** Blanks each reference type that names a removed track, such as a time code or chapters. */
async function keepReferencesTo(
  reader: BoxReader,
  patches: Patches,
  references: Box,
  tracks: ReadonlySet<number>,
): Promise<void> {
  const removed: Box[] = [];
  const kinds = await reader.children(references);
  for (const kind of kinds) {
    const ids = await reader.content(kind);
    let isKept = ids.length > 0 && ids.length % 4 === 0;
    for (let index = 0; isKept && index < ids.length; index += 4)
      isKept = tracks.has(ids.readUInt32BE(index));
    if (!isKept) removed.push(kind);
  }
  for (const box of removed.length === kinds.length ? [references] : removed) blankBox(patches, box);
}
