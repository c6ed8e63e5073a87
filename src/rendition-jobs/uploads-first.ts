import type { MediaWorkers } from "../uploads/media-workers.ts";

/** Milliseconds for which a job waits at most, so that there is progress under constant load. */
const maxWaitMs = 10_000;
const lookMs = 50;

/**
 * Waits for a moment in which no upload is being prepared: somebody waits for an upload, and nobody for a rendition. Both
 * need the same processors and memory.
 */
export async function untilUploadsPause(
  { preparing }: Pick<MediaWorkers, "preparing">,
  stopping: AbortSignal,
): Promise<void> {
  for (let waitedMs = 0; waitedMs < maxWaitMs && preparing() > 0 && !stopping.aborted; waitedMs += lookMs)
    await Bun.sleep(lookMs);
}
