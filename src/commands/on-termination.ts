import { constants } from "node:os";

import { terminationSignals } from "./termination-signals.ts";

/**
 * Runs `cleanUp` and exits when the process receives a termination signal, which skips `finally` blocks.
 * @returns a function that removes the handler
 */
export function onTermination(cleanUp: () => void): () => void {
  const signals = terminationSignals();
  const handler = (signal: NodeJS.Signals) => {
    cleanUp();
    process.exit(128 + constants.signals[signal]);
  };
  for (const signal of signals) process.on(signal, handler);
  return () => signals.forEach((signal) => process.off(signal, handler));
}
