import { untilAborted } from "../concurrency/until-aborted.ts";
import type { PublishingTurn } from "../uploads/publishing.ts";

/** The longest wait of a file for those before it. */
const maxWaitMs = 600_000;

/** A place in a queue. */
export interface Place {
  readonly turn: PublishingTurn;
  /** Must be called when the step of the file is done or has failed. */
  leave(): void;
}

/**
 * Creates a queue for a step that files take in order while they are otherwise processed concurrently.
 * @param signal ends every wait; its reason is then thrown
 * @returns a function that takes the next place
 */
export function createTurns(signal: AbortSignal): () => Place {
  let last: Promise<void> = Promise.resolve();
  return () => {
    const own = Promise.withResolvers<void>();
    const earlier = last;
    last = earlier.then(() => own.promise);
    return {
      turn: { wait: () => untilAborted(signal, () => withTimeout(earlier)), maxWaitMs },
      leave: own.resolve,
    };
  };
}

async function withTimeout(earlier: Promise<void>): Promise<void> {
  const { promise: timeout, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, maxWaitMs);
  await Promise.race([earlier, timeout]);
  clearTimeout(timer);
}
