import { damaged } from "../damaged.ts";
import type { Box, BoxReader } from "./boxes.ts";
import { configuration } from "./configuration.ts";
import { isPlayablePicture, isPlayableSound, type Playable } from "./playable-entries.ts";
import { fixed, isTerminator, keepOnly, leaf, type Field, type Rules } from "./rules.ts";
import type { SoundUnit } from "./samples.ts";
import type { Patches } from "../plan.ts";
import type { NalCoding } from "../coded-pictures/sei.ts";

/** The kind of media in a track. */
export type SampleKind = "picture" | "sound";

/** Codec names that decoders check, because several codecs share a type. */
const knownCodecNames = ["Planar Y'CbCr 8-bit 4:2:0", "Sorenson H263"];

const pictureBytes = 78;
/** Sizes of sound descriptions: version 0, and QuickTime's versions 1 and 2. */
const soundBytes = [28, 44, 64] as const;

/** The reserved field of every entry. */
const reserved: Field = [0, 6];
/** QuickTime stores revision, vendor and quality where ISO reserves space. Only the low byte of the version is used. */
const unusedOfPictures: readonly Field[] = [reserved, [8, 9], [10, 24], [36, 40]];
const unusedOfSound: readonly Field[] = [reserved, [8, 9], [10, 16], [22, 24]];

/**
 * Blanks the sample entries of a track (`stsd`, ISO/IEC 14496-12 section 8.5.2), except for fields that players read and
 * boxes with decoder configuration or display properties.
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

/** Returns fields with unusual values. Nearly all files have the same values there, and players do not need others. */
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
 * Reads the children of a full box with a count, such as `stsd` and `dref`. Arbitrary bytes may follow the last child.
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

/** Size of the colour table that QuickTime puts before the boxes for depths of up to 8 bits. */
function paletteBytes(head: Buffer): number {
  const [depth, table] = [head.readUInt16BE(74) & 0x1f, head.readUInt16BE(76)];
  if (![1, 2, 4, 8].includes(depth) || table !== 0 || head.length < pictureBytes + 8) return 0;
  const last = head.readUInt16BE(pictureBytes + 6);
  return last > 255 ? 0 : 8 + (last + 1) * 8;
}

/** QuickTime's entry versions exist only in an `stsd` of version 0; ISO's version 1 has the size of version 0. */
function soundEntryBytes(head: Buffer, descriptionsVersion: number): number {
  return soundBytes[descriptionsVersion === 0 ? head.readUInt16BE(8) : 0] ?? soundBytes[0];
}

/** Applies the rules to the configuration boxes. Bytes after the last valid box are wiped: decoders stop there. */
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

/** Cleans QuickTime's sound configuration, in which the codec's own box has the name of the format. */
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

/** Facts from the sample entries of a track. */
export interface SampleDescription {
  /** Type of the first sample entry of pictures, which names their codec. */
  readonly codec?: string;
  /** Present for H.264 and HEVC. */
  readonly nal?: NalCoding;
  readonly isEncrypted: boolean;
  /** Whether all current browsers decode every sample entry. */
  readonly playable: Playable;
  /** Present for sound with a constant bit rate. */
  readonly sound?: SoundUnit;
  /** Indexes of the data references used, counted from 1. */
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
  let description: Omit<SampleDescription, "dataReferences" | "playable"> = { isEncrypted: false };
  const codecs: Playable[] = [];
  for (const entry of entries) {
    if (entry.end - entry.body < (kind === "picture" ? pictureBytes : soundBytes[0])) {
      codecs.push(false);
      continue;
    }
    const head = await reader.content(entry, Math.min(entry.end - entry.body, pictureBytes + 8));
    dataReferences.add(head.readUInt16BE(6));
    if (kind === "picture") {
      const from = entry.body + pictureBytes + paletteBytes(head);
      const nal = await readNalCoding(reader, entry, from);
      codecs.push(await isPlayablePicture(reader, entry, from));
      const { codec = entry.type, isEncrypted } = description;
      description = {
        codec,
        isEncrypted: isEncrypted || entry.type === "encv",
        ...(description.nal ? { nal: description.nal } : nal),
      };
    } else {
      codecs.push(await isPlayableSound(reader, entry, entry.body + soundEntryBytes(head, version)));
      const sound = description.sound ?? soundUnit(entry.type, head, version);
      description = { isEncrypted: false, ...(sound ? { sound } : {}) };
    }
  }
  return { ...description, dataReferences, playable: leastPlayable(codecs) };
}

function leastPlayable(codecs: readonly Playable[]): Playable {
  if (codecs.length === 0 || codecs.includes(false)) return false;
  return codecs.includes("mp3") ? "mp3" : true;
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

/** Bits per sample and channel, for types whose entry may declare a different value. */
const bitsOfSound: Readonly<Record<string, number>> = {
  "raw ": 8,
  ulaw: 8,
  alaw: 8,
  in24: 24,
  in32: 32,
  fl32: 32,
  fl64: 64,
};
/** Samples per channel and bytes of a packet, for codecs with fixed packets. */
const packetsOfSound: Readonly<Record<string, readonly [samples: number, bytes: number]>> = {
  ima4: [64, 34],
  MAC3: [6, 2],
  MAC6: [6, 1],
  agsm: [160, 33],
};

/**
 * Returns the unit for {@link SampleTables.chunks}.
 * @param head the entry's content
 */
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
  // Other codecs take no more bytes than uncompressed sound.
  const bytes = Math.ceil((bitsOfSound[type] ?? sampleBits) / 8) * channels;
  return bytes > 0 ? { samples: 1, bytes } : undefined;
}

function wipeFrom(patches: Patches, box: Box, at: number): void {
  wipeField(patches, box, [at, box.end - box.body]);
}

function wipeField(patches: Patches, box: Box, [from, to]: Field): void {
  patches.wipe(Math.min(box.body + from, box.end), Math.min(box.body + to, box.end));
}

/** Returns whether all data references (`dref`) that a track uses point to other files. */
export async function isExternal(
  reader: BoxReader,
  references: Box,
  used: ReadonlySet<number>,
): Promise<boolean> {
  const external = new Set<number>();
  const { boxes } = await readCounted(reader, references);
  for (const [index, reference] of boxes.entries()) {
    const content = await reader.content(reference, Math.min(reference.end - reference.body, 1024));
    if (content.length < 4) throw damaged("a short data reference");
    // Some muxers omit the "same file" flag but name no other file.
    const isInternal = (content.readUInt8(3) & 1) === 1 || content.subarray(4).every((byte) => byte === 0);
    if (!isInternal) external.add(index + 1);
  }
  return used.size > 0 && [...used].every((reference) => external.has(reference));
}

/** Wipes everything in a `dref` except the flags for samples in the same file. */
export async function blankDataReferences(reader: BoxReader, patches: Patches, box: Box): Promise<void> {
  const { boxes } = await readCounted(reader, box);
  wipeField(patches, box, [0, 4]);
  for (const reference of boxes) {
    wipeField(patches, reference, [0, 3]);
    wipeFrom(patches, reference, 4);
  }
  patches.wipe(boxes.at(-1)?.end ?? box.body + 8, box.end);
}
