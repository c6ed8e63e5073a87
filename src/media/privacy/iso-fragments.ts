import { damaged } from "../damaged.ts";
import type { Box, BoxReader } from "../iso-boxes.ts";
import { blankBox, blankChildren } from "./iso-blanking.ts";
import type { BlankedMovie } from "./iso-movie.ts";
import { wipeInData } from "./iso-samples.ts";
import type { Patches } from "./plan.ts";

/** Blanks the metadata in every `moof`, and those parts of it that belong to a blanked track, with their samples. */
export async function blankFragments(
  reader: BoxReader,
  patches: Patches,
  boxes: readonly Box[],
  movie: BlankedMovie,
  data: readonly Box[],
): Promise<void> {
  const sampleSizes = await defaultSampleSizes(reader, movie.box);
  for (const fragment of boxes.filter(({ type }) => type === "moof")) {
    // Data of a track without an offset of its own follows that of the track before (ISO/IEC 14496-12 section 8.8.7).
    let follows = fragment.offset;
    for (const part of await blankChildren(reader, patches, await reader.children(fragment))) {
      if (part.type !== "traf") continue;
      const inTrack = await reader.children(part);
      const header = await readHeader(reader, inTrack, sampleSizes);
      if (movie.blankedTracks.size > 0) {
        const runs = await readRuns(reader, inTrack, header, header.base ?? follows, fragment.offset);
        follows = runs.end;
        if (movie.blankedTracks.has(header.track))
          for (const run of runs.list) wipeInData(patches, data, run.offset, run.length);
      }
      if (movie.blankedTracks.has(header.track)) blankBox(patches, part);
      else await blankChildren(reader, patches, inTrack);
    }
  }
}

interface FragmentHeader {
  readonly track: number;
  /** Where offsets count from; undefined: the start of the fragment, or the end of the data before. */
  readonly base: number | undefined;
  readonly fromFragment: boolean;
  readonly sampleSize: number;
}

/** `tfhd` */
async function readHeader(
  reader: BoxReader,
  boxes: readonly Box[],
  sampleSizes: ReadonlyMap<number, number>,
): Promise<FragmentHeader> {
  const box = boxes.find(({ type }) => type === "tfhd");
  if (!box) throw damaged("a fragment without a header");
  const content = await reader.content(box);
  const flags = content.readUInt32BE(0) & 0xff_ffff;
  const track = content.readUInt32BE(4);
  let position = 8;
  let base: number | undefined;
  if (flags & 0x01) {
    base = Number(content.readBigUInt64BE(position));
    position += 8;
  }
  if (flags & 0x02) position += 4;
  if (flags & 0x08) position += 4;
  const sampleSize = flags & 0x10 ? content.readUInt32BE(position) : (sampleSizes.get(track) ?? 0);
  return { track, base, fromFragment: (flags & 0x02_0000) !== 0, sampleSize };
}

/** `trun`s: where the samples of one track lie. */
async function readRuns(
  reader: BoxReader,
  boxes: readonly Box[],
  header: FragmentHeader,
  follows: number,
  fragment: number,
): Promise<{ list: { offset: number; length: number }[]; end: number }> {
  const base = header.base ?? (header.fromFragment ? fragment : follows);
  const list: { offset: number; length: number }[] = [];
  let end = base;
  for (const box of boxes.filter(({ type }) => type === "trun")) {
    const content = await reader.content(box);
    const flags = content.readUInt32BE(0) & 0xff_ffff;
    const count = content.readUInt32BE(4);
    let position = 8;
    const offset = flags & 0x01 ? base + content.readInt32BE(position) : end;
    if (flags & 0x01) position += 4;
    if (flags & 0x04) position += 4;
    const hasSizes = (flags & 0x200) !== 0;
    const before = flags & 0x100 ? 4 : 0;
    const width = before + (hasSizes ? 4 : 0) + (flags & 0x400 ? 4 : 0) + (flags & 0x800 ? 4 : 0);
    let length = hasSizes ? 0 : count * header.sampleSize;
    if (hasSizes) {
      reader.source.budget.tableEntries.spend(count);
      for (let index = 0; index < count; index++)
        length += content.readUInt32BE(position + index * width + before);
    }
    list.push({ offset, length });
    end = offset + length;
  }
  return { list, end };
}

/** Sizes of samples that fragments leave out, by `track_ID` (`trex`). */
async function defaultSampleSizes(reader: BoxReader, movie: Box): Promise<Map<number, number>> {
  const sizes = new Map<number, number>();
  const extension = await reader.find(movie, "mvex");
  for (const box of extension ? await reader.children(extension) : []) {
    if (box.type !== "trex") continue;
    const content = await reader.content(box, 24);
    sizes.set(content.readUInt32BE(4), content.readUInt32BE(16));
  }
  return sizes;
}
