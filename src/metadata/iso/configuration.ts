import type { Box, BoxReader } from "./boxes.ts";
import {
  alacConfiguration,
  av1Configuration,
  avcConfiguration,
  enhancedAc3,
  hevcConfiguration,
  opusConfiguration,
  readLeb128,
  record,
  vvcConfiguration,
} from "./codec-records.ts";
import { cleanColours } from "./colours.ts";
import { elementaryStreamRule } from "./elementary-stream.ts";
import { fixed, full, leaf, leaves, numberAt, type Rule, type Rules } from "./rules.ts";
import type { Patches } from "../plan.ts";

/** Types of FLAC's metadata blocks (RFC 9639 section 8.1). */
const flacBlock = { streamInfo: 0, padding: 1, seekTable: 3 };

/** Turns comments, pictures and other FLAC metadata blocks into padding of the same size. */
async function blankFlacMetadata(reader: BoxReader, patches: Patches, box: Box): Promise<void> {
  let offset = box.body + 4;
  for (let isLast = false; !isLast && offset + 4 <= box.end;) {
    reader.source.budget.elements.spend();
    const head = (await reader.source.read(offset, 4)).readUInt32BE(0);
    isLast = head >= 0x8000_0000;
    const type = (head >>> 24) & 0x7f;
    const end = Math.min(offset + 4 + (head & 0xff_ffff), box.end);
    if (type !== flacBlock.streamInfo && type !== flacBlock.seekTable) {
      patches.write(offset, Buffer.from([(isLast ? 0x80 : 0) | flacBlock.padding]));
      patches.wipe(offset + 4, end);
    }
    offset = end;
  }
  patches.wipe(offset, box.end);
}

const pictures: Rules = {
  avcC: avcConfiguration,
  avcE: avcConfiguration,
  hvcC: hevcConfiguration,
  hvcE: hevcConfiguration,
  lhvC: record((reader) => reader.skip(5).arrays(reader.byte())),
  vvcC: vvcConfiguration,
  evcC: record((reader) => reader.skip(17).arrays(reader.byte())),
  av1C: av1Configuration,
  vpcC: full(10, 12),
  // Dolby Vision: all but the first five bytes is reserved.
  dvcC: fixed(24, [5, 24]),
  dvvC: fixed(24, [5, 24]),
  dvwC: fixed(24, [5, 24]),
  // H.263 in 3GPP: vendor and version (wiped), level and profile; bit rates may follow.
  d263: { bytes: (head) => (head.toString("latin1", 11, 15) === "bitr" ? 23 : 7), unused: () => [[0, 5]] },
  jp2h: { children: { ihdr: fixed(14), ...leaves("bpcc pclr cmap cdef") } },
  // Avid.
  ACLR: fixed(16),
  APRG: fixed(16),
  ...leaves("apvC glbl dvc1 SMI  strf mjqt mjht ARES ADHR cios"),
};

/** Boxes that describe how pictures are displayed. */
const presentation: Rules = {
  pasp: fixed(8),
  clap: fixed(32),
  fiel: fixed(2),
  gama: fixed(4),
  colr: {
    bytes: (head, boxBytes) => ({ nclx: 11, nclc: 10 })[head.toString("latin1", 0, 4)] ?? boxBytes,
    clean: cleanColours,
  },
  // Light levels and the mastering display.
  clli: fixed(4),
  mdcv: fixed(24),
  CoLL: full(8),
  SmDm: full(28),
  amve: fixed(8),
  cclv: {
    bytes: ([flags = 0]) =>
      1 + (flags & 0x20 ? 24 : 0) + 4 * ((flags >> 4) & 1) + 4 * ((flags >> 3) & 1) + 4 * ((flags >> 2) & 1),
  },
  auxi: {
    bytes: (head) => 4 + (/^urn:mpeg:[\w:.-]{1,64}\0?/.exec(head.toString("latin1", 4))?.[0].length ?? 0),
  },
  ccst: full(8),
  // Stereo and 360° projections.
  stsl: full(10),
  st3d: full(5),
  sv3d: {
    children: {
      // The rest is the name of the program that wrote the file.
      svhd: full(4),
      proj: { children: { prhd: full(16), equi: full(20), cbmp: full(12), mshp: leaf } },
    },
  },
  vexu: {
    children: {
      must: leaf,
      eyes: {
        children: {
          must: leaf,
          stri: full(5),
          hero: full(5),
          cams: { children: { blin: full(8) } },
          cmfy: { children: { dadj: full(8) } },
        },
      },
      proj: { children: { prji: full(8) } },
      pack: { children: { pkin: full(8) } },
    },
  },
  hfov: fixed(4),
};

const sounds: Rules = {
  dac3: fixed(3),
  dec3: enhancedAc3,
  ddts: fixed(20),
  dmlp: fixed(10),
  dOps: opusConfiguration,
  dfLa: { clean: blankFlacMetadata },
  alac: alacConfiguration,
  // Speech in 3GPP: vendor and version (wiped), then the decoder configuration.
  damr: fixed(9, [0, 5]),
  dqcp: fixed(6, [0, 5]),
  devc: fixed(6, [0, 5]),
  dsmv: fixed(6, [0, 5]),
  chan: { bytes: (head) => 16 + 20 * numberAt(head, 12) },
  srat: full(8),
  pcmC: full(6),
  SA3D: { bytes: (head) => 12 + 4 * numberAt(head, 8) },
  mhaC: record((reader) => reader.skip(3).skip(reader.number16())),
  mhaP: record((reader) => reader.skip(reader.byte())),
  iacb: record((reader) => reader.skip(1).skip(readLeb128(reader))),
  ...leaves("dac4 udts chnl"),
};

/** Protection data, without the key server, the buyer's name and the seller's address. */
const protection: Rule = {
  children: {
    frma: fixed(4),
    schm: fixed(12),
    schi: {
      children: {
        // A constant initialization vector follows if samples have none.
        tenc: {
          bytes: (head) => (head[6] === 1 && head[7] === 0 ? 25 + (head[24] ?? 0) : 24),
          unused: (head) => [head[0] === 1 ? [1, 5] : [1, 6]],
        },
        stvi: { bytes: (head) => 16 + numberAt(head, 12), unused: () => [[1, 7]] },
      },
    },
  },
};

/** Rules for the boxes in sample entries: decoder configuration and display properties. */
export const configuration: Rules = {
  ...pictures,
  ...presentation,
  ...sounds,
  esds: elementaryStreamRule,
  btrt: fixed(12),
  sinf: protection,
  rinf: protection,
};
