import { api, type Post } from "./api.ts";

/** Pauses between two looks at a post: doubled from the first to the last. */
const firstPauseMs = 1_500;
const lastPauseMs = 60_000;

/**
 * Waits until the renditions of a post are made.
 * @param isShown whether the post is still on the page; the wait ends when it is not
 * @returns the post as it is then; undefined if it is not on the page any more
 */
export async function whenProcessed(post: Post, isShown: () => boolean): Promise<Post | undefined> {
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, lastPauseMs)) {
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    if (!isShown()) return undefined;
    // After a failure, the next look may succeed.
    const latest = await api.post(post.id).catch(() => undefined);
    if (latest && !latest.processing) return latest;
  }
}
