import type { Box, BoxReader } from "./boxes.ts";
import { blankBox } from "./blanking.ts";
import { fixed, full, leaf, numberAt, table, type Field, type Rule, type Rules } from "./rules.ts";
import { blankDataReferences, blankSampleEntries, type SampleKind } from "./sample-entries.ts";
import type { Patches } from "../plan.ts";

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

/** Rules for the children of `moov`. */
export const movieRules: Rules = {
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
 * Rules for the children of a kept `trak`.
 * @param tracks ids of the kept tracks
 * @param samples the number of samples in the track's tables
 */
export function trackRules(kind: SampleKind, tracks: ReadonlySet<number>, samples: number): Rules {
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
