import type { MediaWorkers } from "../uploads/media-workers.ts";

/** A job waits no longer than this, so that constant load does not stop all progress. */
const maxWaitMs = 10_000;
/** Milliseconds between two checks. */
const pollMs = 50;

/**
 * Waits until no upload is being prepared, or {@link maxWaitMs} have passed, or the process stops. Uploads and renditions
 * need the same processors and memory, and only uploads have a client that waits.
 */
export async function waitForUploads(
  { preparing }: Pick<MediaWorkers, "preparing">,
  stopping: AbortSignal,
): Promise<void> {
  for (let waitedMs = 0; waitedMs < maxWaitMs && preparing() > 0 && !stopping.aborted; waitedMs += pollMs)
    await Bun.sleep(pollMs);
}
