/**
 * Starts `work` and settles as it does, or rejects with the signal's reason as soon as that aborts. What cannot
 * be interrupted (an fsync on a hanging disk) is left behind; it must look at the signal before its next step.
 */
export async function untilAborted<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([work(), aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
