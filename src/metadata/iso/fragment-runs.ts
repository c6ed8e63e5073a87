import type { InPlaceFile } from "../in-place-file.ts";
import type { Box, BoxReader } from "./boxes.ts";
import type { Extent } from "./samples.ts";

/** The contiguous samples of one `trun`. */
export interface Run extends Extent {
  readonly samples: number;
  /** Duration of the samples that the file does not cut off, in units of the track's time scale. */
  readonly duration: number;
  /** Position of the sample count in the file. */
  readonly countAt: number;
  /** Position of the first sample's size; undefined if all samples have `fixedSize`. */
  readonly sizesAt: number | undefined;
  /** Distance between the sizes of two samples, in bytes. */
  readonly sizeStride: number;
  readonly fixedSize: number;
}

/** Size and duration of samples, unless their fragment states others. */
export interface SampleDefaults {
  readonly sampleSize: number;
  readonly sampleDuration: number;
}

/** Reads the `trun` boxes of a track fragment. */
export async function readRuns(
  reader: BoxReader,
  boxes: readonly Box[],
  { sampleSize, sampleDuration }: SampleDefaults,
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
    const sizeStride = before + (hasSizes ? 4 : 0) + (flags & 0x400 ? 4 : 0) + (flags & 0x800 ? 4 : 0);
    const { size } = reader.source;
    let [length, duration] = [0, 0];
    if (hasSizes || before > 0) {
      reader.source.budget.tableEntries.spend(samples);
      for (let index = 0; index < samples; index++) {
        const at = position + index * sizeStride;
        length += hasSizes ? content.readUInt32BE(at + before) : sampleSize;
        if (offset + length <= size) duration += before > 0 ? content.readUInt32BE(at) : sampleDuration;
      }
    } else {
      length = samples * sampleSize;
      // Computed instead of counted: a run may declare 2³² samples.
      const fitting = sampleSize === 0 ? samples : Math.floor(Math.max(0, size - offset) / sampleSize);
      duration = Math.min(samples, fitting) * sampleDuration;
    }
    const sizesAt = hasSizes ? box.body + position + before : undefined;
    runs.push({
      offset,
      length,
      samples,
      duration,
      countAt: box.body + 4,
      sizesAt,
      sizeStride,
      fixedSize: sampleSize,
    });
    end = offset + length;
  }
  return runs;
}

/**
 * Yields the samples of a run in order. Each one spends a table entry, because runs without sizes may reference the same
 * bytes many times.
 * @throws ApiError DAMAGED_MEDIA when that budget is used up
 */
export function* samplesOf(file: InPlaceFile, run: Run): Generator<Extent> {
  const { samples, sizesAt, sizeStride, fixedSize } = run;
  if (sizesAt === undefined && fixedSize === 0) return;
  // Copied, because the caller reads from the file during the iteration.
  const sizes =
    sizesAt === undefined || samples === 0
      ? undefined
      : Buffer.from(file.read(sizesAt, (samples - 1) * sizeStride + 4));
  let { offset } = run;
  for (let index = 0; index < samples && offset < file.size; index++) {
    file.budget.tableEntries.spend();
    const length = sizes ? sizes.readUInt32BE(index * sizeStride) : fixedSize;
    yield { offset, length };
    offset += length;
  }
}

/** Shortens a run to the samples that end at or before `end`, also in the file. */
export function shortenRun(file: InPlaceFile, run: Run, end: number): Run {
  if (run.offset + run.length <= end) return run;
  const { samples, length } = wholeSamples(file, run, end);
  const count = Buffer.alloc(4);
  count.writeUInt32BE(samples);
  file.write(run.countAt, count);
  return { ...run, samples, length };
}

/** Returns the number and total size of the samples that end at or before `end`. */
function wholeSamples(file: InPlaceFile, run: Run, end: number): { samples: number; length: number } {
  const { offset, fixedSize } = run;
  if (run.sizesAt === undefined) {
    // Computed instead of counted: a run may declare 2³² samples of one byte.
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
