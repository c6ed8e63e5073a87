import type { Box, BoxReader } from "./boxes.ts";
import { readDecoder } from "./elementary-stream.ts";
import { isPlayableAac, isPlayableAv1, isPlayableAvc, isPlayableVp9 } from "../playable-codecs.ts";
import { maxHeadBytes } from "./rules.ts";

/** The configuration box of each codec of pictures, by type of sample entry, and whether browsers decode it. */
const pictures: Readonly<Record<string, readonly [box: string, isPlayable: (record: Buffer) => boolean]>> = {
  avc1: ["avcC", isPlayableAvc],
  avc3: ["avcC", isPlayableAvc],
  // Version and flags come first.
  vp09: ["vpcC", (record) => isPlayableVp9(record[4])],
  av01: ["av1C", isPlayableAv1],
};

/** Sound that browsers decode whatever its configuration. */
const sounds = new Set(["Opus", "fLaC", ".mp3"]);

/** `objectTypeIndication`: AAC of MPEG-4, AAC Low Complexity of MPEG-2, sound of MPEG-2 and of MPEG-1. */
const objectTypes = { aac: 0x40, aacLow: 0x67, mpeg2: 0x69, mpeg1: 0x6b } as const;

/** Whether a codec is playable in MP4. `mp3`: only if its frames are of layer III, which the entry does not say. */
export type Playable = boolean | "mp3";

/**
 * Returns whether all current browsers decode the pictures of a sample entry in MP4.
 * @param from the offset of the first box in the entry
 */
export async function isPlayablePicture(reader: BoxReader, entry: Box, from: number): Promise<boolean> {
  const known = Object.hasOwn(pictures, entry.type) ? pictures[entry.type] : undefined;
  if (!known) return false;
  const [type, isPlayable] = known;
  const record = await findRecord(reader, from, entry.end, type);
  return record !== undefined && isPlayable(record);
}

/**
 * Returns whether all current browsers decode the sound of a sample entry in MP4.
 * @param from the offset of the first box in the entry
 */
export async function isPlayableSound(reader: BoxReader, entry: Box, from: number): Promise<Playable> {
  if (sounds.has(entry.type)) return true;
  const record = entry.type === "mp4a" ? await findRecord(reader, from, entry.end, "esds") : undefined;
  const decoder = record && readDecoder(record);
  if (!decoder) return false;
  const { objectType, specific } = decoder;
  if (objectType === objectTypes.mpeg2 || objectType === objectTypes.mpeg1) return "mp3";
  if (objectType !== objectTypes.aac && objectType !== objectTypes.aacLow) return false;
  return isPlayableAac(specific);
}

/** Returns the content of a box in a sample entry; QuickTime puts that of sound into another one (`wave`). */
async function findRecord(
  reader: BoxReader,
  from: number,
  end: number,
  type: string,
): Promise<Buffer | undefined> {
  for (let box = await reader.at(from, end); box; box = await reader.at(box.end, end)) {
    if (box.type === type) return reader.content(box, Math.min(maxHeadBytes, box.end - box.body));
    if (box.type !== "wave") continue;
    for (let inner = await reader.at(box.body, box.end); inner; inner = await reader.at(inner.end, box.end))
      if (inner.type === type) return reader.content(inner, Math.min(maxHeadBytes, inner.end - inner.body));
  }
  return undefined;
}

/** Whether a track begins with a frame of MPEG audio layer III (ISO/IEC 11172-3 section 2.4.1.3). */
export async function startsWithMp3(reader: BoxReader, tables: readonly Box[]): Promise<boolean> {
  const offsets = tables.find(({ type }) => type === "stco" || type === "co64");
  const numberBytes = offsets?.type === "co64" ? 8 : 4;
  if (!offsets || offsets.end - offsets.body < 8 + numberBytes) return false;
  const content = await reader.content(offsets, 8 + numberBytes);
  const at = numberBytes === 8 ? Number(content.readBigUInt64BE(8)) : content.readUInt32BE(8);
  if (at + 2 > reader.source.size) return false;
  const [sync = 0, layer = 0] = await reader.source.read(at, 2);
  return sync === 0xff && (layer & 0xe6) === 0xe2;
}
