import type { MediaWorkers } from "../uploads/media-workers.ts";

/** A job waits no longer than this, so that there is progress under constant load. */
const maxWaitMs = 10_000;
/** Milliseconds between two looks. */
const lookMs = 50;

/**
 * Waits until no upload is being prepared, or {@link maxWaitMs} have passed, or the process stops. Uploads and renditions
 * need the same processors and memory, and only uploads have a client that waits.
 */
export async function untilUploadsPause(
  { preparing }: Pick<MediaWorkers, "preparing">,
  stopping: AbortSignal,
): Promise<void> {
  for (let waitedMs = 0; waitedMs < maxWaitMs && preparing() > 0 && !stopping.aborted; waitedMs += lookMs)
    await Bun.sleep(lookMs);
}
