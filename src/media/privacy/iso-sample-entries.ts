import { damaged } from "../damaged.ts";
import type { Box, BoxReader } from "../iso-boxes.ts";
import { cleanColours } from "./iso-colours.ts";
import { fixed, isTerminator, keepOnly, leaf, leaves, type Rules } from "./iso-rules.ts";
import type { SoundUnit } from "./iso-samples.ts";
import type { Patches } from "./plan.ts";
import { overwriteInUnit, type NalCoding } from "./sei.ts";

/** What the samples of a track are. */
export type SampleKind = "picture" | "sound";

/** What a decoder needs beside the samples, and what says how to show them. */
const configuration: Rules = {
  // Pictures.
  ...leaves("avcC avcE hvcE lhvC vvcC evcC apvC av1C vpcC dvcC dvvC dvwC esds glbl d263 dvc1 jp2h SMI  strf"),
  ...leaves(
    "mjqt mjht ACLR APRG ARES ADHR cios pasp clap fiel btrt gama mdcv clli cclv amve SmDm CoLL auxi ccst",
  ),
  ...leaves("stsl st3d vexu hfov"),
  hvcC: { clean: overwriteInConfiguration },
  colr: { clean: cleanColours },
  // The name of a program, and a projection.
  sv3d: { children: { svhd: { clean: (_reader, patches, box) => wipeFrom(patches, box, 4) }, proj: leaf } },
  // Sound.
  ...leaves("damr dac3 dec3 dac4 ddts udts dmlp dOps dfLa alac chan chnl srat pcmC SA3D mhaC mhaP iacb"),
  ...leaves("dqcp devc dsmv"),
  // Protection: without the keeper of the keys, the buyer's name and the seller's address.
  sinf: { children: protection() },
  rinf: { children: protection() },
};

function protection(): Rules {
  return { frma: fixed(4), schm: fixed(12), schi: { children: leaves("tenc stvi") } };
}

/** Names of codecs that decoders look at, because several codecs share a type. */
const knownCodecNames = ["Planar Y'CbCr 8-bit 4:2:0", "Sorenson H263"];

const pictureBytes = 78;
/** Of sound descriptions: version 0, and 1 and 2 of QuickTime. */
const soundBytes = [28, 44, 64] as const;

/**
 * Blanks what is personal in the sample entries of a track (`stsd`, ISO/IEC 14496-12 section 8.5.2): the names of
 * vendors and codecs, and every box that is no configuration of a decoder.
 */
export async function blankSampleEntries(
  reader: BoxReader,
  patches: Patches,
  descriptions: Box,
  kind: SampleKind,
): Promise<void> {
  const { entries, version } = await readEntries(reader, descriptions);
  for (const entry of entries) {
    const length = entry.end - entry.body;
    if (length < (kind === "picture" ? pictureBytes : soundBytes[0])) {
      wipeFrom(patches, entry, 8);
      continue;
    }
    const head = await reader.content(entry, Math.min(length, pictureBytes + 8));
    patches.wipe(entry.body + 12, entry.body + 16);
    if (kind === "picture" && !knownCodecNames.some((name) => isCodecName(head, name)))
      patches.wipe(entry.body + 42, entry.body + 74);
    const childrenAt =
      kind === "picture" ? pictureBytes + paletteBytes(head) : soundEntryBytes(head, version);
    await blankConfiguration(reader, patches, entry, entry.body + childrenAt, {
      ...configuration,
      wave: { clean: blankWave },
    });
  }
  patches.wipe(entries.at(-1)?.end ?? Math.min(descriptions.body + 8, descriptions.end), descriptions.end);
}

async function readEntries(
  reader: BoxReader,
  descriptions: Box,
): Promise<{ entries: Box[]; version: number }> {
  const head = await reader.content(descriptions, 8);
  const entries: Box[] = [];
  let offset = descriptions.body + 8;
  for (let left = head.readUInt32BE(4); left > 0; left--) {
    const entry = await reader.at(offset, descriptions.end);
    if (!entry) break;
    entries.push(entry);
    offset = entry.end;
  }
  return { entries, version: head.readUInt8(0) };
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
    ...configuration,
    ...leaves("frma enda mp4a QDCA QDCP"),
    [format]: leaf,
  });
}

/** HEVC's configuration may hold SEI messages (ISO/IEC 14496-15 section 8.3.3.1). */
async function overwriteInConfiguration(reader: BoxReader, patches: Patches, box: Box): Promise<void> {
  const content = await reader.content(box);
  for (const unit of hevcConfigurationUnits(content)) {
    const bytes = Buffer.from(content.subarray(unit.start, unit.end));
    if (unit.isSei && overwriteInUnit(bytes, true)) patches.write(box.body + unit.start, bytes);
  }
}

/** The NAL units in an HEVC decoder configuration record. */
export function* hevcConfigurationUnits(
  record: Buffer,
): Generator<{ readonly start: number; readonly end: number; readonly isSei: boolean }> {
  let position = 23;
  for (let arrays = record[22] ?? 0; arrays > 0 && position + 3 <= record.length; arrays--) {
    const type = record.readUInt8(position) & 0x3f;
    const count = record.readUInt16BE(position + 1);
    position += 3;
    for (let left = count; left > 0 && position + 2 <= record.length; left--) {
      const start = position + 2;
      position = start + record.readUInt16BE(position);
      if (position > record.length) return;
      yield { start, end: position, isSei: type === 39 || type === 40 };
    }
  }
}

/** What the sample entries of a track say. */
export interface SampleDescription {
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
  const { entries, version } = await readEntries(reader, descriptions);
  const dataReferences = new Set<number>();
  let description: Omit<SampleDescription, "dataReferences"> = { isEncrypted: false };
  for (const entry of entries) {
    if (entry.end - entry.body < (kind === "picture" ? pictureBytes : soundBytes[0])) continue;
    const head = await reader.content(entry, Math.min(entry.end - entry.body, pictureBytes + 8));
    dataReferences.add(head.readUInt16BE(6));
    if (kind === "picture") {
      const nal = await readNalCoding(reader, entry, entry.body + pictureBytes + paletteBytes(head));
      const isEncrypted = description.isEncrypted || entry.type === "encv";
      description = { isEncrypted, ...(description.nal ? { nal: description.nal } : nal) };
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
  patches.wipe(Math.min(box.body + at, box.end), box.end);
}

/** Whether the samples of a track are in other files: its data references name them (`dref`). */
export async function isElsewhere(
  reader: BoxReader,
  references: Box,
  used: ReadonlySet<number>,
): Promise<boolean> {
  const elsewhere = new Set<number>();
  let number = 1;
  for (const reference of await reader.within(references.body + 8, references.end)) {
    const content = await reader.content(reference, Math.min(reference.end - reference.body, 1024));
    if (content.length < 4) throw damaged("a short data reference");
    // Some muxers forget the flag of a file that holds its own samples, but do not name another.
    const isHere = (content.readUInt8(3) & 1) === 1 || content.subarray(4).every((byte) => byte === 0);
    if (!isHere) elsewhere.add(number);
    number++;
  }
  return used.size > 0 && [...used].every((reference) => elsewhere.has(reference));
}

/** Wipes the places and names of files in a `dref`; that the samples are in this file stays. */
export async function blankDataReferences(reader: BoxReader, patches: Patches, box: Box): Promise<void> {
  for (const reference of await reader.within(box.body + 8, box.end)) wipeFrom(patches, reference, 4);
}
