/** Runs tasks after the response, so that timing reveals nothing to the client. */
export interface Background {
  /** Starts the task. A failure is logged with `name` and never thrown. */
  run(name: string, task: () => Promise<void>): void;
  /** Resolves when every task started so far has ended. */
  drain(): Promise<void>;
}

/** Where failures are logged. */
interface ErrorLog {
  error(event: string, fields: { task: string; error: unknown }): void;
}

/** Creates a runner without tasks. */
export function createBackground(log: ErrorLog): Background {
  const running = new Set<Promise<void>>();
  return {
    run(name, task) {
      // Started after the response, whose time would reveal the amount of work.
      const settled = new Promise<void>((resolve) => setImmediate(resolve))
        .then(task)
        .catch((error: unknown) => log.error("background.failed", { task: name, error }))
        .finally(() => running.delete(settled));
      running.add(settled);
    },
    drain: async () => void (await Promise.all(running)),
  };
}
