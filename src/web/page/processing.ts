import { api, type Post } from "./api.ts";
import { sleep } from "./sleep.ts";

/** The pause between two requests doubles from the first to the last of these. */
const firstPauseMs = 1_500;
const lastPauseMs = 60_000;

/**
 * Waits until the renditions of a post are made.
 * @returns the post as it is then; undefined if the signal aborts before
 */
export async function whenProcessed(post: Post, signal: AbortSignal): Promise<Post | undefined> {
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, lastPauseMs)) {
    await sleep(pauseMs, signal).catch(() => {});
    if (signal.aborted) return undefined;
    // After a failure, the next request may succeed.
    const latest = await api.post(post.id).catch(() => undefined);
    if (latest && !latest.processing) return latest;
  }
}
