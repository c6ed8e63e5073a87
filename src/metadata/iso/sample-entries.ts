import { damaged } from "../damaged.ts";
import type { Box, BoxReader } from "./boxes.ts";
import { configuration } from "./configuration.ts";
import { fixed, isTerminator, keepOnly, leaf, type Field, type Rules } from "./rules.ts";
import type { SoundUnit } from "./samples.ts";
import type { Patches } from "../plan.ts";
import type { NalCoding } from "../coded-pictures/sei.ts";

/** What the samples of a track are. */
export type SampleKind = "picture" | "sound";

/** Names of codecs that decoders look at, because several codecs share a type. */
const knownCodecNames = ["Planar Y'CbCr 8-bit 4:2:0", "Sorenson H263"];

const pictureBytes = 78;
/** Of sound descriptions: version 0, and 1 and 2 of QuickTime. */
const soundBytes = [28, 44, 64] as const;

/** Reserved fields of every entry. */
const reserved: Field = [0, 6];
/** Revision, vendor and quality, which QuickTime put where ISO reserves space; only the low byte of a version is used. */
const unusedOfPictures: readonly Field[] = [reserved, [8, 9], [10, 24], [36, 40]];
const unusedOfSound: readonly Field[] = [reserved, [8, 9], [10, 16], [22, 24]];

/**
 * Blanks the sample entries of a track (`stsd`, ISO/IEC 14496-12 section 8.5.2), but for the fields that players read
 * and the boxes that configure a decoder or say how to show its pictures.
 */
export async function blankSampleEntries(
  reader: BoxReader,
  patches: Patches,
  descriptions: Box,
  kind: SampleKind,
): Promise<void> {
  const { boxes: entries, version } = await readCounted(reader, descriptions);
  patches.wipe(descriptions.body + 1, descriptions.body + 4);
  for (const entry of entries) {
    const length = entry.end - entry.body;
    if (length < (kind === "picture" ? pictureBytes : soundBytes[0])) {
      wipeField(patches, entry, reserved);
      wipeFrom(patches, entry, 8);
      continue;
    }
    const head = await reader.content(entry, Math.min(length, pictureBytes + 8));
    const unused = kind === "picture" ? unusedOfPictures : unusedOfSound;
    for (const field of [...unused, ...unusualFields(head, kind)]) wipeField(patches, entry, field);
    const childrenAt =
      kind === "picture" ? pictureBytes + paletteBytes(head) : soundEntryBytes(head, version);
    await blankConfiguration(reader, patches, entry, entry.body + childrenAt, {
      ...configuration,
      wave: { clean: blankWave },
    });
  }
  patches.wipe(entries.at(-1)?.end ?? Math.min(descriptions.body + 8, descriptions.end), descriptions.end);
}

/** Fields that hold the same in nearly every file. Players do without them where they hold anything else. */
function unusualFields(head: Buffer, kind: SampleKind): Field[] {
  if (kind === "sound") {
    const compression = head.readInt16BE(20);
    return compression === -1 || compression === -2 ? [] : [[20, 22]];
  }
  const fields: Field[] = [];
  const isUsualResolution = head.readUInt32BE(28) === 72 << 16 && head.readUInt32BE(32) === 72 << 16;
  if (!isUsualResolution) fields.push([28, 36]);
  const framesPerSample = head.readUInt16BE(40);
  if (framesPerSample !== 1) fields.push([40, 42]);
  if (!knownCodecNames.some((name) => isCodecName(head, name))) fields.push([42, 74]);
  return fields;
}

/**
 * The boxes of a full box that counts them, such as `stsd` and `dref`. What follows the last one may be anything.
 * @throws ApiError DAMAGED_MEDIA for a box without a count
 */
async function readCounted(reader: BoxReader, parent: Box): Promise<{ boxes: Box[]; version: number }> {
  const head = await reader.content(parent, 8);
  const boxes: Box[] = [];
  let offset = parent.body + 8;
  for (let left = head.readUInt32BE(4); left > 0; left--) {
    const box = await reader.at(offset, parent.end);
    if (!box) break;
    boxes.push(box);
    offset = box.end;
  }
  return { boxes, version: head.readUInt8(0) };
}

const isCodecName = (head: Buffer, name: string) => head.toString("latin1", 43, 43 + name.length) === name;

/** Colours of up to 8 bits may be looked up in a table that QuickTime puts in front of the boxes. */
function paletteBytes(head: Buffer): number {
  const [depth, table] = [head.readUInt16BE(74) & 0x1f, head.readUInt16BE(76)];
  if (![1, 2, 4, 8].includes(depth) || table !== 0 || head.length < pictureBytes + 8) return 0;
  const last = head.readUInt16BE(pictureBytes + 6);
  return last > 255 ? 0 : 8 + (last + 1) * 8;
}

/** QuickTime's versions are those of an `stsd` of version 0; ISO's version 1 is as long as 0. */
function soundEntryBytes(head: Buffer, descriptionsVersion: number): number {
  return soundBytes[descriptionsVersion === 0 ? head.readUInt16BE(8) : 0] ?? soundBytes[0];
}

/** What follows the last box, or is none, is wiped: decoders stop there. */
async function blankConfiguration(
  reader: BoxReader,
  patches: Patches,
  parent: Box,
  from: number,
  rules: Rules,
): Promise<void> {
  let end = Math.min(from, parent.end);
  for (let box = await reader.at(end, parent.end); box; box = await reader.at(end, parent.end)) {
    if (box.type === "\0\0\0\0") break;
    end = box.end;
  }
  if (await isTerminator(reader, end, parent.end)) end += 8;
  await keepOnly(reader, patches, { ...parent, end }, rules, Math.min(from, end));
  patches.wipe(end, parent.end);
}

/** QuickTime's configuration of sound: the codec's own box has the name of its format. */
async function blankWave(reader: BoxReader, patches: Patches, wave: Box): Promise<void> {
  const children = await reader.children(wave).catch(() => []);
  const original = children.find(({ type, body, end }) => type === "frma" && end - body >= 4);
  const format = original ? (await reader.content(original, 4)).toString("latin1") : "mp4a";
  await blankConfiguration(reader, patches, wave, wave.body, {
    [format]: leaf,
    QDCA: leaf,
    QDCP: leaf,
    ...configuration,
    frma: fixed(4),
    enda: fixed(2),
    mp4a: fixed(4),
  });
}

/** What the sample entries of a track say. */
export interface SampleDescription {
  /** Type of the first sample entry of pictures, which names their codec. */
  readonly codec?: string;
  /** How pictures are coded, where their SEI messages can be read. */
  readonly nal?: NalCoding;
  readonly isEncrypted: boolean;
  /** Of sound with a constant bit rate. */
  readonly sound?: SoundUnit;
  /** Numbers of the data references that hold the samples, counted from 1. */
  readonly dataReferences: ReadonlySet<number>;
}

/** Reads the sample entries of a track. */
export async function describeSamples(
  reader: BoxReader,
  descriptions: Box,
  kind: SampleKind,
): Promise<SampleDescription> {
  const { boxes: entries, version } = await readCounted(reader, descriptions);
  const dataReferences = new Set<number>();
  let description: Omit<SampleDescription, "dataReferences"> = { isEncrypted: false };
  for (const entry of entries) {
    if (entry.end - entry.body < (kind === "picture" ? pictureBytes : soundBytes[0])) continue;
    const head = await reader.content(entry, Math.min(entry.end - entry.body, pictureBytes + 8));
    dataReferences.add(head.readUInt16BE(6));
    if (kind === "picture") {
      const nal = await readNalCoding(reader, entry, entry.body + pictureBytes + paletteBytes(head));
      const { codec = entry.type, isEncrypted } = description;
      description = {
        codec,
        isEncrypted: isEncrypted || entry.type === "encv",
        ...(description.nal ? { nal: description.nal } : nal),
      };
    } else {
      const sound = description.sound ?? soundUnit(entry.type, head, version);
      description = { isEncrypted: false, ...(sound ? { sound } : {}) };
    }
  }
  return { ...description, dataReferences };
}

async function readNalCoding(reader: BoxReader, entry: Box, from: number): Promise<{ nal?: NalCoding }> {
  for (let box = await reader.at(from, entry.end); box; box = await reader.at(box.end, entry.end)) {
    const lengthAt = { avcC: 4, hvcC: 21 }[box.type];
    if (lengthAt === undefined || box.end - box.body <= lengthAt) continue;
    const lengthBytes = ((await reader.content(box, lengthAt + 1)).readUInt8(lengthAt) & 3) + 1;
    return { nal: { isHevc: box.type === "hvcC", lengthBytes } };
  }
  return {};
}

/** Bits of one sample of one channel, for types whose entry may say something else. */
const bitsOfSound: Readonly<Record<string, number>> = {
  "raw ": 8,
  ulaw: 8,
  alaw: 8,
  in24: 24,
  in32: 32,
  fl32: 32,
  fl64: 64,
};
/** Samples of one channel in a packet and its bytes, for sound that has always the same. */
const packetsOfSound: Readonly<Record<string, readonly [samples: number, bytes: number]>> = {
  ima4: [64, 34],
  MAC3: [6, 2],
  MAC6: [6, 1],
  agsm: [160, 33],
};

/** See {@link SampleTables.chunks}. @param head the entry's content */
function soundUnit(type: string, head: Buffer, descriptionsVersion: number): SoundUnit | undefined {
  const version = descriptionsVersion === 0 ? head.readUInt16BE(8) : 0;
  const [channels, sampleBits] = [head.readUInt16BE(16), head.readUInt16BE(18)];
  if (version === 1 && head.length >= 44) {
    const [samples, bytes] = [head.readUInt32BE(28), head.readUInt32BE(36)];
    if (samples > 0 && bytes > 0) return { samples, bytes };
  }
  if (version === 2) {
    if (head.length < 64) return undefined;
    const [bytes, samples] = [head.readUInt32BE(56), head.readUInt32BE(60)];
    return samples > 0 && bytes > 0 ? { samples, bytes } : undefined;
  }
  const packet = packetsOfSound[type];
  if (packet) return { samples: packet[0], bytes: packet[1] * channels };
  // What else there is takes no more bytes than sound that is not compressed.
  const bytes = Math.ceil((bitsOfSound[type] ?? sampleBits) / 8) * channels;
  return bytes > 0 ? { samples: 1, bytes } : undefined;
}

function wipeFrom(patches: Patches, box: Box, at: number): void {
  wipeField(patches, box, [at, box.end - box.body]);
}

function wipeField(patches: Patches, box: Box, [from, to]: Field): void {
  patches.wipe(Math.min(box.body + from, box.end), Math.min(box.body + to, box.end));
}

/** Whether the samples of a track are in other files: its data references name them (`dref`). */
export async function isElsewhere(
  reader: BoxReader,
  references: Box,
  used: ReadonlySet<number>,
): Promise<boolean> {
  const elsewhere = new Set<number>();
  const { boxes } = await readCounted(reader, references);
  for (const [index, reference] of boxes.entries()) {
    const content = await reader.content(reference, Math.min(reference.end - reference.body, 1024));
    if (content.length < 4) throw damaged("a short data reference");
    // Some muxers forget the flag of a file that holds its own samples, but do not name another.
    const isHere = (content.readUInt8(3) & 1) === 1 || content.subarray(4).every((byte) => byte === 0);
    if (!isHere) elsewhere.add(index + 1);
  }
  return used.size > 0 && [...used].every((reference) => elsewhere.has(reference));
}

/** Wipes everything in a `dref` but the flags that say that the samples are in this file. */
export async function blankDataReferences(reader: BoxReader, patches: Patches, box: Box): Promise<void> {
  const { boxes } = await readCounted(reader, box);
  wipeField(patches, box, [0, 4]);
  for (const reference of boxes) {
    wipeField(patches, reference, [0, 3]);
    wipeFrom(patches, reference, 4);
  }
  patches.wipe(boxes.at(-1)?.end ?? box.body + 8, box.end);
}
