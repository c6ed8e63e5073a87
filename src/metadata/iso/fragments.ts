import { damaged } from "../damaged.ts";
import type { Box, BoxReader } from "./boxes.ts";
import { blankBox } from "./blanking.ts";
import { readRuns, shortenRun, type Run, type SampleDefaults } from "./fragment-runs.ts";
import type { BlankedMovie } from "./movie.ts";
import { protectionHeader, sampleRules } from "./movie-rules.ts";
import { full, keepOnly, leaf, type Rules } from "./rules.ts";
import type { InPlaceFile } from "../in-place-file.ts";
import type { Patches } from "../plan.ts";

const fragmentRules: Rules = { mfhd: full(8), traf: leaf, pssh: protectionHeader };

/** Fields whose presence depends on flags, with their sizes. */
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

/** @param samples the number of samples in the track fragment */
const trackRules = (samples: number): Rules => ({
  tfhd: { bytes: (head) => 8 + bytesOf(headerFields, head) },
  tfdt: full(8, 12),
  trun: {
    bytes: (head) => 8 + bytesOf(runFields, head) + head.readUInt32BE(4) * bytesOf(sampleFields, head),
  },
  ...sampleRules(samples),
});

/** A track fragment (`traf`). */
export interface TrackFragment {
  readonly track: number;
  /** `moof` */
  readonly fragment: Box;
  readonly runs: readonly Run[];
  readonly boxes: readonly Box[];
  /** File position that offsets of auxiliary information are relative to. */
  readonly base: number;
  /** Time of the first sample (`tfdt`), in units of the track's time scale; undefined if it follows the previous one. */
  readonly time: number | undefined;
  readonly isBlanked: boolean;
}

/** Blanks the metadata in every `moof`, and the track fragments of removed tracks. */
export async function blankFragments(
  reader: BoxReader,
  patches: Patches,
  boxes: readonly Box[],
  movie: BlankedMovie,
): Promise<TrackFragment[]> {
  const defaults = await trackDefaults(reader, movie.box);
  const removedTracks = new Set(movie.blankedTracks.map(({ id }) => id));
  const found: TrackFragment[] = [];
  for (const fragment of boxes.filter(({ type }) => type === "moof")) {
    const parts: { traf: Box; content: TrackFragment; header: FragmentHeader }[] = [];
    // Without an explicit base, the data follows that of the previous track fragment (ISO/IEC 14496-12 section 8.8.7).
    let previousEnd = fragment.offset;
    for (const traf of await keepOnly(reader, patches, fragment, fragmentRules)) {
      if (traf.type !== "traf") continue;
      const inTrack = await reader.children(traf);
      const header = await readHeader(reader, inTrack, defaults);
      const base = header.base ?? (header.isFragmentRelative ? fragment.offset : previousEnd);
      const runs = await readRuns(reader, inTrack, header, base);
      const { track } = header;
      const time = await readTime(reader, inTrack);
      const isBlanked = removedTracks.has(track);
      const content = { track, fragment, runs, boxes: inTrack, base, time, isBlanked };
      previousEnd = endOf(content);
      parts.push({ traf, content, header });
    }
    await blankParts(reader, patches, parts, fragment);
    found.push(...parts.map(({ content }) => content));
  }
  return found;
}

/**
 * Blanks the track fragments of removed tracks. The offset of a kept one is adjusted if it was relative to the data of a
 * removed one.
 */
async function blankParts(
  reader: BoxReader,
  patches: Patches,
  parts: readonly { traf: Box; content: TrackFragment; header: FragmentHeader }[],
  fragment: Box,
): Promise<void> {
  let previousEnd = fragment.offset;
  for (const { traf, content, header } of parts) {
    if (content.isBlanked) {
      blankBox(patches, traf);
      continue;
    }
    const samples = content.runs.reduce((sum, run) => sum + run.samples, 0);
    await keepOnly(reader, patches, traf, trackRules(samples), traf.body, content.boxes);
    if (header.base === undefined && !header.isFragmentRelative && content.base !== previousEnd)
      await shiftRuns(reader, patches, content, content.base - previousEnd);
    previousEnd = endOf(content);
  }
}

/** Returns the end of a track fragment's data. */
function endOf({ runs, base }: TrackFragment): number {
  const last = runs.at(-1);
  return last ? last.offset + last.length : base;
}

/** @throws ApiError DAMAGED_MEDIA if the first run has no offset field */
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
    } else if (index === 0) throw damaged("a track fragment whose position depends on a removed track");
  }
}

interface FragmentHeader extends SampleDefaults {
  readonly track: number;
  /** Explicit base of offsets; undefined for the start of the fragment or the end of the previous data. */
  readonly base: number | undefined;
  readonly isFragmentRelative: boolean;
}

/** Reads `tfhd`. */
async function readHeader(
  reader: BoxReader,
  boxes: readonly Box[],
  defaults: ReadonlyMap<number, SampleDefaults>,
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
  let { sampleDuration, sampleSize } = defaults.get(track) ?? { sampleDuration: 0, sampleSize: 0 };
  if (flags & 0x08) {
    sampleDuration = content.readUInt32BE(position);
    position += 4;
  }
  if (flags & 0x10) sampleSize = content.readUInt32BE(position);
  return { track, base, isFragmentRelative: (flags & 0x02_0000) !== 0, sampleSize, sampleDuration };
}

/** Reads `tfdt` (ISO/IEC 14496-12 section 8.8.12). */
async function readTime(reader: BoxReader, boxes: readonly Box[]): Promise<number | undefined> {
  const box = boxes.find(({ type }) => type === "tfdt");
  const content = box && (await reader.content(box, Math.min(12, box.end - box.body)));
  if (!content || content.length < (content[0] === 1 ? 12 : 8)) return undefined;
  return content[0] === 1 ? Number(content.readBigUInt64BE(4)) : content.readUInt32BE(4);
}

/**
 * Shortens the runs of a truncated file to their whole samples, also in the file.
 * @param end the end of the usable part of the file
 */
export function withoutTruncatedSamples(
  file: InPlaceFile,
  fragments: readonly TrackFragment[],
  end: number,
): TrackFragment[] {
  return fragments.map((part) => ({ ...part, runs: part.runs.map((run) => shortenRun(file, run, end)) }));
}

/** Reads the defaults of fragments (`trex`), by track id. */
async function trackDefaults(reader: BoxReader, movie: Box): Promise<Map<number, SampleDefaults>> {
  const defaults = new Map<number, SampleDefaults>();
  const extension = await reader.find(movie, "mvex");
  for (const box of extension ? await reader.children(extension) : []) {
    if (box.type !== "trex") continue;
    const content = await reader.content(box, 24);
    const [sampleDuration, sampleSize] = [content.readUInt32BE(12), content.readUInt32BE(16)];
    defaults.set(content.readUInt32BE(4), { sampleDuration, sampleSize });
  }
  return defaults;
}
