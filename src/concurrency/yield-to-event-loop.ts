/**
 * Runs a piece of work, after yielding to the event loop if pieces since its last turn have used up their share.
 * @param work only the time in which it blocks the thread counts, not the time in which it waits
 * @throws any error of the work
 */
export type YieldToEventLoop = <Result>(work: () => Promise<Result>) => Promise<Result>;

/**
 * Creates a share of the event loop for all uploads together. Chunks of many uploads arrive at the same time; processing
 * fifty of them in one turn of the event loop would delay every other response by a tenth of a second.
 */
export function createYieldToEventLoop(maxBlockingMs = 5): YieldToEventLoop {
  let blockedMs = 0;
  let nextTurn: Promise<void> | undefined;

  const startNextTurn = () =>
    new Promise<void>((resolve) =>
      setImmediate(() => {
        blockedMs = 0;
        nextTurn = undefined;
        resolve();
      }),
    );

  return async (work) => {
    while (blockedMs >= maxBlockingMs) await (nextTurn ??= startNextTurn());
    const start = performance.now();
    try {
      return work();
    } finally {
      blockedMs += performance.now() - start;
    }
  };
}
