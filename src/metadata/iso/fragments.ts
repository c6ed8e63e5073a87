import { damaged } from "../damaged.ts";
import type { Box, BoxReader } from "./boxes.ts";
import { blankBox } from "./blanking.ts";
import { protectionHeader, sampleRules, type BlankedMovie } from "./movie.ts";
import { full, keepOnly, leaf, type Rules } from "./rules.ts";
import type { Extent } from "./samples.ts";
import type { InPlaceFile } from "../in-place-file.ts";
import type { Patches } from "../plan.ts";

const fragmentRules: Rules = { mfhd: full(8), traf: leaf, pssh: protectionHeader };

/** Fields that a box has by its flags: a flag, and bytes. */
type OptionalFields = readonly (readonly [flag: number, bytes: number])[];

const headerFields: OptionalFields = [
  [0x01, 8],
  [0x02, 4],
  [0x08, 4],
  [0x10, 4],
  [0x20, 4],
];
const runFields: OptionalFields = [
  [0x01, 4],
  [0x04, 4],
];
const sampleFields: OptionalFields = [
  [0x100, 4],
  [0x200, 4],
  [0x400, 4],
  [0x800, 4],
];

function bytesOf(fields: OptionalFields, head: Buffer): number {
  const flags = head.readUInt32BE(0) & 0xff_ffff;
  return fields.reduce((sum, [flag, bytes]) => sum + (flags & flag ? bytes : 0), 0);
}

/** @param samples their number in the part of the fragment */
const trackRules = (samples: number): Rules => ({
  tfhd: { bytes: (head) => 8 + bytesOf(headerFields, head) },
  tfdt: full(8, 12),
  trun: {
    bytes: (head) => 8 + bytesOf(runFields, head) + head.readUInt32BE(4) * bytesOf(sampleFields, head),
  },
  ...sampleRules(samples),
});

/** The samples of one `trun`, which follow each other. */
export interface Run extends Extent {
  readonly samples: number;
  /** Where that number stands. */
  readonly countAt: number;
  /** Where the size of the first one stands, and how far apart sizes are; undefined where all are the same. */
  readonly sizesAt: number | undefined;
  readonly sizesApart: number;
  readonly fixedSize: number;
}

/** The part of a fragment that belongs to one track (`traf`). */
export interface TrackFragment {
  readonly track: number;
  /** `moof` */
  readonly fragment: Box;
  readonly runs: readonly Run[];
  readonly boxes: readonly Box[];
  /** What offsets of auxiliary information count from. */
  readonly base: number;
  readonly isBlanked: boolean;
}

/** Blanks the metadata in every `moof`, and those parts of it that belong to a track which is gone. */
export async function blankFragments(
  reader: BoxReader,
  patches: Patches,
  boxes: readonly Box[],
  movie: BlankedMovie,
): Promise<TrackFragment[]> {
  const sampleSizes = await defaultSampleSizes(reader, movie.box);
  const gone = new Set(movie.blankedTracks.map(({ id }) => id));
  const found: TrackFragment[] = [];
  for (const fragment of boxes.filter(({ type }) => type === "moof")) {
    const parts: { traf: Box; content: TrackFragment; header: FragmentHeader }[] = [];
    // Data of a track without an offset of its own follows that of the track before (ISO/IEC 14496-12 section 8.8.7).
    let follows = fragment.offset;
    for (const traf of await keepOnly(reader, patches, fragment, fragmentRules)) {
      if (traf.type !== "traf") continue;
      const inTrack = await reader.children(traf);
      const header = await readHeader(reader, inTrack, sampleSizes);
      const base = header.base ?? (header.fromFragment ? fragment.offset : follows);
      const runs = await readRuns(reader, inTrack, header, base);
      const { track } = header;
      const content = { track, fragment, runs, boxes: inTrack, base, isBlanked: gone.has(track) };
      follows = endOf(content);
      parts.push({ traf, content, header });
    }
    await blankParts(reader, patches, parts, fragment);
    found.push(...parts.map(({ content }) => content));
  }
  return found;
}

/**
 * Blanks the parts of one fragment that belong to tracks which are gone. Where the data of a part that stays is found
 * by what follows the one before, its offset is changed.
 */
async function blankParts(
  reader: BoxReader,
  patches: Patches,
  parts: readonly { traf: Box; content: TrackFragment; header: FragmentHeader }[],
  fragment: Box,
): Promise<void> {
  let follows = fragment.offset;
  for (const { traf, content, header } of parts) {
    if (content.isBlanked) {
      blankBox(patches, traf);
      continue;
    }
    const samples = content.runs.reduce((sum, run) => sum + run.samples, 0);
    await keepOnly(reader, patches, traf, trackRules(samples), traf.body, content.boxes);
    if (header.base === undefined && !header.fromFragment && content.base !== follows)
      await shiftRuns(reader, patches, content, content.base - follows);
    follows = endOf(content);
  }
}

/** Where the data of a part ends. */
function endOf({ runs, base }: TrackFragment): number {
  const last = runs.at(-1);
  return last ? last.offset + last.length : base;
}

/** @throws ApiError DAMAGED_MEDIA for runs without a field for an offset */
async function shiftRuns(
  reader: BoxReader,
  patches: Patches,
  { boxes }: TrackFragment,
  by: number,
): Promise<void> {
  for (const [index, run] of boxes.filter(({ type }) => type === "trun").entries()) {
    const content = await reader.content(run, Math.min(12, run.end - run.body));
    if (content.readUInt32BE(0) & 0x01) {
      const offset = Buffer.alloc(4);
      offset.writeInt32BE(content.readInt32BE(8) + by);
      patches.write(run.body + 8, offset);
    } else if (index === 0) throw damaged("a fragment that depends on one of a track which is gone");
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
  base: number,
): Promise<Run[]> {
  const runs: Run[] = [];
  let end = base;
  for (const box of boxes.filter(({ type }) => type === "trun")) {
    const content = await reader.content(box);
    const flags = content.readUInt32BE(0) & 0xff_ffff;
    const samples = content.readUInt32BE(4);
    let position = 8;
    const offset = flags & 0x01 ? base + content.readInt32BE(position) : end;
    if (flags & 0x01) position += 4;
    if (flags & 0x04) position += 4;
    const hasSizes = (flags & 0x200) !== 0;
    const before = flags & 0x100 ? 4 : 0;
    const sizesApart = before + (hasSizes ? 4 : 0) + (flags & 0x400 ? 4 : 0) + (flags & 0x800 ? 4 : 0);
    let length = hasSizes ? 0 : samples * header.sampleSize;
    if (hasSizes) {
      reader.source.budget.tableEntries.spend(samples);
      for (let index = 0; index < samples; index++)
        length += content.readUInt32BE(position + index * sizesApart + before);
    }
    const sizesAt = hasSizes ? box.body + position + before : undefined;
    runs.push({
      offset,
      length,
      samples,
      countAt: box.body + 4,
      sizesAt,
      sizesApart,
      fixedSize: header.sampleSize,
    });
    end = offset + length;
  }
  return runs;
}

/**
 * Where the samples of a run are, in order. Each one spends from the budget for table entries, also where runs without
 * sizes name the same bytes over and over.
 * @throws ApiError DAMAGED_MEDIA once that is used up
 */
export function* samplesOf(file: InPlaceFile, run: Run): Generator<Extent> {
  const { samples, sizesAt, sizesApart, fixedSize } = run;
  if (sizesAt === undefined && fixedSize === 0) return;
  // A copy, because samples are read meanwhile.
  const sizes =
    sizesAt === undefined || samples === 0
      ? undefined
      : Buffer.from(file.read(sizesAt, (samples - 1) * sizesApart + 4));
  let { offset } = run;
  for (let index = 0; index < samples && offset < file.size; index++) {
    file.budget.tableEntries.spend();
    const length = sizes ? sizes.readUInt32BE(index * sizesApart) : fixedSize;
    yield { offset, length };
    offset += length;
  }
}

/**
 * Makes the runs of a film whose end is missing end with their last whole sample.
 * @param end of the file
 */
export function withoutCutSamples(
  file: InPlaceFile,
  fragments: readonly TrackFragment[],
  end: number,
): TrackFragment[] {
  return fragments.map((part) => ({ ...part, runs: part.runs.map((run) => withoutCut(file, run, end)) }));
}

function withoutCut(file: InPlaceFile, run: Run, end: number): Run {
  if (run.offset + run.length <= end) return run;
  const { samples, length } = wholeSamples(file, run, end);
  const count = Buffer.alloc(4);
  count.writeUInt32BE(samples);
  file.write(run.countAt, count);
  return { ...run, samples, length };
}

/** How many samples of a run end at `end` or in front of it, and their bytes. */
function wholeSamples(file: InPlaceFile, run: Run, end: number): { samples: number; length: number } {
  const { offset, fixedSize } = run;
  if (run.sizesAt === undefined) {
    // A run may claim 2³² samples of one byte: their number is computed, never counted.
    const fitting = fixedSize === 0 ? 0 : Math.floor(Math.max(0, end - offset) / fixedSize);
    const samples = Math.min(run.samples, fitting);
    return { samples, length: samples * fixedSize };
  }
  let [samples, length] = [0, 0];
  for (const sample of samplesOf(file, run)) {
    if (sample.offset + sample.length > end) break;
    samples++;
    length += sample.length;
  }
  return { samples, length };
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
