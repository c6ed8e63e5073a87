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

/**
 * For commands that finish what they are doing before they exit with {@link exitInterrupted}.
 * @returns a signal that aborts when the process receives a termination signal, with its name as the reason
 */
export function abortOnTermination(): AbortSignal {
  const interruption = new AbortController();
  for (const signal of terminationSignals()) process.on(signal, () => interruption.abort(signal));
  return interruption.signal;
}

/**
 * Prints how to continue and exits with 128 and the number of the termination signal.
 * @param interrupted an aborted signal from {@link abortOnTermination}
 */
export function exitInterrupted(interrupted: AbortSignal, advice: string): never {
  process.stdout.write(`Interrupted. ${advice}\n`);
  process.exit(128 + constants.signals[interrupted.reason as NodeJS.Signals]);
}
