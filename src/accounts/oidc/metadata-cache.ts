/** How long metadata are used before they are read again. */
const lifetimeMs = 3_600_000;

/** How long a failure is remembered, so that requests do not wait for a provider that is down, one after the other. */
const failureMs = 5_000;

/**
 * Keeps what `load` returns. Concurrent callers share one call. When a later call fails, the earlier result stays in use.
 * @param nowMs the current time
 * @returns a function that resolves to the result; it rejects with the error of `load` if there is no result yet
 */
export function createMetadataCache<T>(load: () => Promise<T>, nowMs = Date.now): () => Promise<T> {
  let known: { readonly value: T } | undefined;
  let failure: unknown;
  let dueAtMs = -Infinity;
  let loading: Promise<void> | undefined;

  async function refresh(): Promise<void> {
    try {
      known = { value: await load() };
      dueAtMs = nowMs() + lifetimeMs;
    } catch (error) {
      failure = error;
      dueAtMs = nowMs() + failureMs;
    } finally {
      loading = undefined;
    }
  }

  return async () => {
    if (nowMs() >= dueAtMs) await (loading ??= refresh());
    if (known) return known.value;
    throw failure;
  };
}
