import { constants } from "node:os";

import { terminationSignals } from "../commands/termination-signals.ts";

/**
 * Cleans up when the process is told to end meanwhile, which a `finally` does not see.
 * @returns to be called when there is nothing to clean up any more
 */
export function onTermination(cleanUp: () => void): () => void {
  const signals = terminationSignals();
  const end = (signal: NodeJS.Signals) => {
    cleanUp();
    process.exit(128 + constants.signals[signal]);
  };
  for (const signal of signals) process.on(signal, end);
  return () => signals.forEach((signal) => process.off(signal, end));
}
