import type { Log } from "./log.ts";

/** Work that goes on after the answer, so that its length tells the client nothing. */
export interface Background {
  /** Starts the task; its failure is logged under `name`, never thrown. */
  run(name: string, task: () => Promise<void>): void;
  /** Resolves when everything started so far has ended. */
  drain(): Promise<void>;
}

export function createBackground(log: Log): Background {
  const running = new Set<Promise<void>>();
  return {
    run(name, task) {
      // Not before the answer is on its way: its time would tell how much there was to do.
      const settled = new Promise<void>((resolve) => setImmediate(resolve))
        .then(task)
        .catch((error: unknown) => log.error("background.failed", { task: name, error }))
        .finally(() => running.delete(settled));
      running.add(settled);
    },
    drain: async () => void (await Promise.all(running)),
  };
}
