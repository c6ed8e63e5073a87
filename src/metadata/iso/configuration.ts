import type { Box, BoxReader } from "./boxes.ts";
import { overwriteInCodecHeader } from "../coded-pictures/codec-headers.ts";
import { cleanColours } from "./colours.ts";
import {
  fixed,
  full,
  leaf,
  leaves,
  maxHeadBytes,
  numberAt,
  type Field,
  type Rule,
  type Rules,
} from "./rules.ts";
import type { Patches } from "../plan.ts";

/** Reads a codec's configuration record. Reads beyond the end return 0, and a truncated record is kept whole. */
class RecordReader {
  position = 0;

  constructor(private readonly record: Buffer) {}

  peek(at = this.position): number {
    return this.record[at] ?? 0;
  }

  byte(): number {
    return this.peek(this.position++);
  }

  number16(): number {
    return this.byte() * 256 + this.byte();
  }

  skip(bytes: number): this {
    this.position += bytes;
    return this;
  }

  get #isInside(): boolean {
    return this.position < this.record.length;
  }

  /** Skips NAL units, each preceded by its 16-bit length. */
  units(count: number): this {
    for (let left = count; left > 0 && this.#isInside; left--) this.skip(this.number16());
    return this;
  }

  /** Skips arrays of NAL units, each preceded by a type and a count. Types in `single` have one unit and no count. */
  arrays(count: number, single: readonly number[] = []): this {
    for (let left = count; left > 0 && this.#isInside; left--)
      this.units(single.includes(this.byte() & 0x1f) ? 1 : this.number16());
    return this;
  }
}

/** A box whose content is a record, with the length that the reader determines. */
const record = (read: (reader: RecordReader) => RecordReader): Rule => ({
  bytes: (head) => read(new RecordReader(head)).position,
});

/**
 * A rule that also overwrites what no decoder needs inside the record: SEI messages and unknown NAL units.
 * @param codecId Matroska's name for the codec
 */
const codecRecord = (codecId: string, read: (reader: RecordReader) => RecordReader): Rule => {
  const rule = record(read);
  return {
    ...rule,
    clean: async (reader, patches, box) => {
      const boxBytes = box.end - box.body;
      const head = await reader.content(box, Math.min(maxHeadBytes, boxBytes));
      const bytes = Math.min(rule.bytes?.(head, boxBytes) ?? boxBytes, boxBytes);
      await overwriteInHeader(reader, patches, codecId, box.body, box.body + bytes);
    },
  };
};

/** Overwrites what no decoder needs in a codec's header that lies in this range of the file. */
async function overwriteInHeader(
  reader: BoxReader,
  patches: Patches,
  codecId: string,
  start: number,
  end: number,
): Promise<void> {
  const original = await reader.source.read(start, end - start);
  const header = Buffer.from(original);
  overwriteInCodecHeader(codecId, header);
  if (!header.equals(original)) patches.write(start, header);
}

/** ISO/IEC 14496-15 section 5.3.3.1.2: parameter sets, and an extension for high profiles. */
const avcConfiguration = codecRecord("V_MPEG4/ISO/AVC", (reader) => {
  reader.skip(5);
  reader.units(reader.byte() & 0x1f);
  reader.units(reader.byte());
  const at = reader.position;
  const isExtended =
    (reader.peek(at) & 0xfc) === 0xfc &&
    (reader.peek(at + 1) & 0xf8) === 0xf8 &&
    (reader.peek(at + 2) & 0xf8) === 0xf8;
  if (isExtended) reader.skip(3).units(reader.byte());
  return reader;
});

/** ISO/IEC 14496-15 section 8.3.3.1.2 */
const hevcConfiguration = codecRecord("V_MPEGH/ISO/HEVC", (reader) => reader.skip(22).arrays(reader.byte()));

/** ISO/IEC 14496-15 section 11.2.4.2 */
const vvcConfiguration = record((reader) => {
  const hasProfile = (reader.skip(4).byte() & 1) === 1;
  if (hasProfile) {
    const sublayers = (reader.number16() >> 4) & 7;
    reader.skip(1);
    const constraintBytes = reader.byte() & 0x3f;
    reader.skip(2 + constraintBytes);
    if (sublayers > 1) {
      // From the highest bit on, a flag for each sublayer except the last: whether its level follows.
      const flags = reader.byte() >> (9 - sublayers);
      reader.skip(flags.toString(2).replaceAll("0", "").length);
    }
    reader.skip(reader.byte() * 4).skip(6);
  }
  return reader.arrays(reader.byte(), [12, 13]);
});

/** AV1 Codec ISO Media File Format Binding section 2.3.3: the sequence header and metadata OBUs. */
function av1ConfigurationBytes(head: Buffer): number {
  const reader = new RecordReader(head).skip(4);
  for (let end = 4; ; end = reader.position) {
    const unit = reader.byte();
    const type = (unit >> 3) & 15;
    const hasSize = (unit & 2) !== 0;
    if (type === 1 && !hasSize) return head.length;
    if ((unit & 0x81) !== 0 || !hasSize || (type !== 1 && type !== 5)) return end;
    if (unit & 4) reader.skip(1);
    reader.skip(readLeb128(reader));
    if (reader.position > head.length) return end;
  }
}

function readLeb128(reader: RecordReader): number {
  let value = 0;
  for (let shift = 0; shift < 28; shift += 7) {
    const byte = reader.byte();
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) break;
  }
  return value;
}

/** ETSI TS 102 366 annex F.6: sub-streams, with a channel mask for those with dependents, and an extension. */
const enhancedAc3 = record((reader) => {
  const streams = (reader.number16() & 7) + 1;
  for (let left = streams; left > 0; left--) {
    const dependent = (reader.skip(2).byte() >> 1) & 15;
    if (dependent > 0) reader.skip(1);
  }
  return reader.peek() === 1 ? reader.skip(2) : reader;
});

/** Encapsulation of Opus in ISO Base Media File Format section 4.3.2 */
const opusConfiguration = record((reader) => {
  const channels = reader.peek(1);
  const mapping = reader.peek(10);
  reader.skip(11);
  if (mapping === 0) return reader;
  const streams = reader.byte() + reader.byte();
  return reader.skip(mapping === 3 ? 2 * channels * streams : channels);
});

const alacConfiguration: Rule = {
  bytes: (head) => (head.toString("latin1", 32, 36) === "chan" ? 52 : 28),
};

/** Limit on descriptors that are wiped one by one; everything after them is wiped as a whole. */
const maxUnusedDescriptors = 16;

/** `objectTypeIndication` that muxers use for Vorbis. */
const vorbisObjectType = 0xdd;

/** The kept parts of an `esds` (ISO/IEC 14496-1 section 7.2.6.5). */
interface ElementaryStream {
  readonly bytes: number;
  readonly unused: readonly Field[];
  /** The range of the Vorbis headers. */
  readonly vorbis?: Field | undefined;
}

function elementaryStream(head: Buffer): ElementaryStream {
  const unused: Field[] = [[1, 4]];
  let vorbis: Field | undefined;
  const reader = new RecordReader(head).skip(4);
  const descriptor = () => {
    const tag = reader.byte();
    let length = 0;
    for (let left = 4; left > 0; left--) {
      const byte = reader.byte();
      length = length * 128 + (byte & 0x7f);
      if (byte < 0x80) break;
    }
    return { tag, end: reader.position + length };
  };
  const stream = descriptor();
  if (stream.tag !== 3) return { bytes: head.length, unused };
  const flags = reader.skip(2).byte();
  if (flags & 0x80) reader.skip(2);
  if (flags & 0x40) {
    const from = reader.position + 1;
    reader.skip(reader.byte());
    unused.push([from, reader.position]);
  }
  if (flags & 0x20) reader.skip(2);
  /** Wipes the content of all descriptors up to `end`, except those with these tags. */
  const keepTags = (end: number, tags: Readonly<Record<number, (end: number) => void>>) => {
    while (reader.position < Math.min(end, head.length) && unused.length < maxUnusedDescriptors) {
      const child = descriptor();
      if (tags[child.tag]) tags[child.tag]?.(child.end);
      else unused.push([reader.position, child.end]);
      reader.position = Math.max(reader.position, child.end);
    }
  };
  const keep = () => {};
  keepTags(stream.end, {
    4: (end) => {
      const objectType = reader.peek();
      reader.skip(13);
      keepTags(end, {
        5: (end) => {
          if (objectType === vorbisObjectType) vorbis = [reader.position, end];
        },
      });
    },
    // Some muxers put it after the descriptor that should contain it.
    5: keep,
    6: keep,
  });
  const isRead = unused.length < maxUnusedDescriptors;
  return { bytes: isRead ? Math.max(stream.end, reader.position) : reader.position, unused, vorbis };
}

async function overwriteVorbisComments(reader: BoxReader, patches: Patches, box: Box): Promise<void> {
  const { vorbis } = elementaryStream(await reader.content(box, Math.min(maxHeadBytes, box.end - box.body)));
  if (!vorbis) return;
  const [from, to] = vorbis;
  const end = Math.min(box.body + to, box.end);
  await overwriteInHeader(reader, patches, "A_VORBIS", Math.min(box.body + from, end), end);
}

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
  av1C: { bytes: av1ConfigurationBytes },
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
      // Without the name of the program.
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
  esds: {
    bytes: (head) => elementaryStream(head).bytes,
    unused: (head) => elementaryStream(head).unused,
    clean: overwriteVorbisComments,
  },
  btrt: fixed(12),
  sinf: protection,
  rinf: protection,
};
