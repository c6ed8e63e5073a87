import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import type { ClaimedJob } from "../database/rendition-jobs.ts";
import type { RenditionKind } from "../database/schema.ts";
import type { SpaceClaim } from "../observability/disk-space.ts";
import { limitsOf, mp4Limits } from "../renditions/ffmpeg/limits.ts";
import { isInPlace } from "./original.ts";
import type { RenditionServices } from "./rendition-services.ts";

/** A thumbnail and a display size in WebP, even of noise with varying opacity. */
export const picturesBytes = 16 * 1024 ** 2;

/** The limit on the files that a job makes of an original of this size. */
const maxMadeBytes: Readonly<Record<RenditionKind, (bytes: number) => number>> = {
  picture: () => picturesBytes,
  poster: () => limitsOf.poster.fileBytes + picturesBytes,
  mp4: (bytes) => mp4Limits(bytes).fileBytes,
};

/** Milliseconds between two measurements of a job's files. */
const measurementMs = 1000;

/**
 * Runs work on a job that writes files into a folder, after claiming the most space that they can take. The claim is the
 * job's, because one of the account could make its uploads fail. The work is aborted if its files are about to take space
 * that must stay free.
 * @param work must end when its signal aborts
 * @throws ApiError STORAGE_FULL; what `work` throws
 */
export async function withinFreeSpace<T>(
  { space }: Pick<RenditionServices, "space">,
  job: ClaimedJob,
  folder: string,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { id, kind, bytes } = job;
  const copyBytes = isInPlace(job) ? 0 : bytes;
  const claim = await space.claim(id, copyBytes + maxMadeBytes[kind](bytes));
  const [full, ended] = [new AbortController(), new AbortController()];
  watchGrowth(claim, folder, ended.signal).catch((error: unknown) => full.abort(error));
  try {
    return await work(AbortSignal.any([signal, full.signal]));
  } catch (error) {
    throw full.signal.aborted ? full.signal.reason : error;
  } finally {
    ended.abort();
    claim.release();
  }
}

/** Reports the size of a folder's files to their claim. @throws ApiError STORAGE_FULL; AbortError at the end */
async function watchGrowth(claim: SpaceClaim, folder: string, ended: AbortSignal): Promise<void> {
  for (;;) {
    await sleep(measurementMs, undefined, { signal: ended });
    await claim.received(await bytesIn(folder));
  }
}

/** The size of the files in a folder. Those that are removed meanwhile do not count. */
async function bytesIn(folder: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(folder).catch(() => []))
    bytes += await stat(join(folder, name)).then(
      ({ size }) => size,
      () => 0,
    );
  return bytes;
}
