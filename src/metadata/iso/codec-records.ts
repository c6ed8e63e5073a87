import type { BoxReader } from "./boxes.ts";
import { overwriteInCodecHeader } from "../coded-pictures/codec-headers.ts";
import { maxHeadBytes, type Rule } from "./rules.ts";
import type { Patches } from "../plan.ts";

/** Reads a codec's configuration record. Reads beyond the end return 0, and a truncated record is kept whole. */
export class RecordReader {
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
export const record = (read: (reader: RecordReader) => RecordReader): Rule => ({
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
export async function overwriteInHeader(
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
export const avcConfiguration = codecRecord("V_MPEG4/ISO/AVC", (reader) => {
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

/** ISO/IEC 14496-15 section 8.3.3.1.2. */
export const hevcConfiguration = codecRecord("V_MPEGH/ISO/HEVC", (reader) =>
  reader.skip(22).arrays(reader.byte()),
);

/** ISO/IEC 14496-15 section 11.2.4.2. */
export const vvcConfiguration = record((reader) => {
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

/** Returns the end of the sequence header and metadata OBUs. */
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

/** Reads a number in LEB128 (AV1 specification section 4.10.5). */
export function readLeb128(reader: RecordReader): number {
  let value = 0;
  for (let shift = 0; shift < 28; shift += 7) {
    const byte = reader.byte();
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) break;
  }
  return value;
}

/** AV1 Codec ISO Media File Format Binding section 2.3.3. */
export const av1Configuration: Rule = { bytes: av1ConfigurationBytes };

/** ETSI TS 102 366 annex F.6: sub-streams, with a channel mask for those with dependents, and an extension. */
export const enhancedAc3 = record((reader) => {
  const streams = (reader.number16() & 7) + 1;
  for (let left = streams; left > 0; left--) {
    const dependent = (reader.skip(2).byte() >> 1) & 15;
    if (dependent > 0) reader.skip(1);
  }
  return reader.peek() === 1 ? reader.skip(2) : reader;
});

/** Encapsulation of Opus in ISO Base Media File Format section 4.3.2. */
export const opusConfiguration = record((reader) => {
  const channels = reader.peek(1);
  const mapping = reader.peek(10);
  reader.skip(11);
  if (mapping === 0) return reader;
  const streams = reader.byte() + reader.byte();
  return reader.skip(mapping === 3 ? 2 * channels * streams : channels);
});

export const alacConfiguration: Rule = {
  bytes: (head) => (head.toString("latin1", 32, 36) === "chan" ? 52 : 28),
};
