import type { ByteSource } from "../byte-source.ts";
import { damaged } from "../damaged.ts";
import { readChildren, readElement, readUnsigned, type SizedElement } from "../ebml.ts";
import { Patches, pictureSize, type Blanking } from "./plan.ts";

const ebmlHeader = 0x1a45dfa3;
const segment = 0x18538067;
const cluster = 0x1f43b675;
const info = 0x1549a966;
const tracks = 0x1654ae6b;
const seekHead = 0x114d9b74;
const seek = 0x4dbb;
const seekId = 0x53ab;
const checksum = 0xbf;
const trackEntry = 0xae;
const trackType = 0x83;
const trackName = 0x536e;
const video = 0xe0;
const pixelWidth = 0xb0;
const pixelHeight = 0xba;
const padding = 0xec;
/** SimpleBlock and BlockGroup: met one by one where a live recorder left the size of clusters open. */
const blocks = new Set([0xa3, 0xa0]);

/** Tags, attachments (covers, files), chapters (titles), and what an older edit left. */
const personal = new Set([0x1254c367, 0x1941a469, 0x1043a770, padding]);
/** Title, date, file names (its own, before, after), and the segments' identities. */
const personalInfo = new Set([
  0x7ba9,
  0x4461,
  0x7384,
  0x3c83ab,
  0x3e83bb,
  0x73a4,
  0x3cb923,
  0x3eb923,
  padding,
]);
/** The programs that wrote the file: must be there, so that they become empty. */
const writers = new Set([0x4d80, 0x5741]);

/**
 * Plans the blanking of a WebM or Matroska file (RFC 9559): elements of metadata become `Void` elements of the same
 * size, so that seek tables still hold. Subtitles stay.
 * @throws ApiError DAMAGED_MEDIA
 */
export async function planMatroska(source: ByteSource): Promise<Blanking> {
  const patches = new Patches(source);
  let size: { width: number; height: number } | null = null;
  let hasPicture = false;
  let hasSegment = false;
  let end = source.size;
  for (let offset = 0; offset < source.size;) {
    if (offset >= end) end = source.size;
    const element = await readElement(source, offset, end);
    (blocks.has(element.id) ? source.budget.blocks : source.budget.elements).spend();
    if (offset === 0 && element.id !== ebmlHeader) throw damaged("no EBML header");
    // What is in a segment, and in a cluster without a size, is walked as if it stood at the top.
    if (element.id === segment || (element.id === cluster && element.end === undefined)) {
      hasSegment = true;
      if (element.id === segment) end = element.end ?? source.size;
      offset = element.body;
      continue;
    }
    if (element.end === undefined) throw damaged(`an element without an end at ${offset}`);
    const sized = { ...element, end: element.end };
    if (personal.has(element.id)) blankElement(patches, sized);
    else if (element.id === info) await blankInfo(source, patches, sized);
    else if (element.id === seekHead) await blankSeeks(source, patches, sized);
    else if (element.id === tracks) {
      const found = await blankTracks(source, patches, sized);
      hasPicture ||= found !== undefined;
      size ??= found ?? null;
    }
    offset = element.end;
  }
  if (!hasSegment) throw damaged("no segment");
  return { patches, orientation: 1, ...pictureSize(size), hasPicture };
}

async function blankInfo(source: ByteSource, patches: Patches, parent: SizedElement): Promise<void> {
  for (const child of await readChildren(source, parent)) {
    if (personalInfo.has(child.id) || child.id === checksum) blankElement(patches, child);
    else if (writers.has(child.id)) patches.wipe(child.body, child.end);
  }
}

/** Seek entries of what is blanked would lead players to a `Void`. */
async function blankSeeks(source: ByteSource, patches: Patches, parent: SizedElement): Promise<void> {
  for (const child of await readChildren(source, parent)) {
    if (child.id === checksum || child.id === padding) blankElement(patches, child);
    if (child.id !== seek) continue;
    const target = (await readChildren(source, child)).find(({ id }) => id === seekId);
    if (target && personal.has(await readUnsigned(source, target))) blankElement(patches, child);
  }
}

/** Blanks the names of tracks; returns the size of the first video track's picture, undefined where there is none. */
async function blankTracks(
  source: ByteSource,
  patches: Patches,
  parent: SizedElement,
): Promise<{ width: number; height: number } | undefined> {
  let size: { width: number; height: number } | undefined;
  for (const track of await readChildren(source, parent)) {
    if (track.id === checksum || track.id === padding) blankElement(patches, track);
    if (track.id !== trackEntry) continue;
    const parts = await readChildren(source, track);
    for (const part of parts)
      if (part.id === trackName || part.id === checksum || part.id === padding) blankElement(patches, part);
    const type = parts.find(({ id }) => id === trackType);
    if (size || !type || (await readUnsigned(source, type)) !== 1) continue;
    const picture = parts.find(({ id }) => id === video);
    const values = picture ? await readChildren(source, picture) : [];
    const value = async (wanted: number) => {
      const element = values.find(({ id }) => id === wanted);
      return element ? readUnsigned(source, element) : 0;
    };
    size = { width: await value(pixelWidth), height: await value(pixelHeight) };
  }
  return size;
}

/** Makes the element a `Void` one of the same size, full of zeros (RFC 8794 section 11.3.2). */
function blankElement(patches: Patches, { offset, end }: SizedElement): void {
  const length = end - offset;
  const header = length < 129 ? [padding, 0x80 | (length - 2)] : [padding, 0x01, ...sevenBytes(length - 9)];
  patches.write(offset, Buffer.from(header));
  patches.wipe(offset + header.length, end);
}

function sevenBytes(value: number): number[] {
  return Array.from({ length: 7 }, (_, index) => Math.floor(value / 256 ** (6 - index)) % 256);
}
