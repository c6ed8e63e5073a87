import { ApiError } from "./errors.ts";

/** Lets a bounded number of costly tasks run at once and a bounded number wait, first come first served. */
export interface Gate {
  /** @throws ApiError OVERLOADED, at once, when the queue is full; else whatever the task throws */
  pass<Result>(task: () => Promise<Result>): Promise<Result>;
  /** Tasks running and waiting. */
  pending(): number;
}

/** @param queueLimit how many may wait beside the `concurrency` running ones */
export function createGate({ concurrency, queueLimit }: { concurrency: number; queueLimit: number }): Gate {
  const waiting: (() => void)[] = [];
  let running = 0;
  return {
    async pass(task) {
      if (running < concurrency) running += 1;
      else if (waiting.length < queueLimit) await new Promise<void>((resolve) => waiting.push(resolve));
      else throw new ApiError("OVERLOADED");
      try {
        return await task();
      } finally {
        // The place goes to the next in line without becoming free, so that nobody slips in between.
        const next = waiting.shift();
        if (next) next();
        else running -= 1;
      }
    },
    pending: () => running + waiting.length,
  };
}
