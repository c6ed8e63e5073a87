/**
 * Runs `work` and settles like it, or rejects with the signal's reason as soon as the signal aborts. Work that cannot be
 * interrupted, such as an fsync on a hanging disk, continues; it must check the signal before its next step.
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
