import { setTimeout as sleep } from "node:timers/promises";

const maxAttempts = 3;

/** The longest wait for a rate limit (429). Beyond it the call fails, and the client is asked to retry later. */
const maxRateLimitWaitMs = 10_000;

/** The relevant part of a failed call's error. `status` is missing when there was no response, or an unreadable one. */
interface Failure {
  readonly status?: number;
  readonly headers?: Headers;
  /** Whether the store asks for a retry, regardless of the status. */
  readonly isTemporary?: boolean;
}

/**
 * Runs a call to a store and retries it after temporary failures, in up to three attempts.
 * @param delayMs the delay before the second attempt; it doubles with each further one
 * @param call must be safe to repeat
 * @param deadline the value of `performance.now()` after which no attempt starts
 * @throws the last failure, or the signal's reason when it aborts
 */
export async function retry<T>(
  signal: AbortSignal,
  delayMs: number,
  call: () => Promise<T>,
  deadline = Number.POSITIVE_INFINITY,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call();
    } catch (failure) {
      signal.throwIfAborted();
      const waitMs = retryWaitMs(failure, attempt, delayMs);
      if (waitMs === null || attempt === maxAttempts || performance.now() + waitMs >= deadline) throw failure;
      await sleep(waitMs, undefined, { signal });
    }
  }
}

/** Reports whether a failed call may have taken effect: its response was lost, unreadable or a 5xx. */
export function mayHaveSucceeded(failure: unknown): boolean {
  const { status } = failure as Failure;
  return status === undefined || status >= 500;
}

/**
 * Returns the wait before the next attempt, or null if a retry is pointless. A 429 states its own wait. Otherwise the delay
 * doubles with each attempt, minus a random part of up to a quarter, so that many callers do not retry at the same time.
 * @param attempt the number of the failed attempt, starting at 1
 */
function retryWaitMs(failure: unknown, attempt: number, delayMs: number): number | null {
  const { status, isTemporary } = failure as Failure;
  if (status === 429) {
    const waitMs = rateLimitResetMs(failure as Failure);
    return waitMs > maxRateLimitWaitMs ? null : waitMs;
  }
  if (!mayHaveSucceeded(failure) && !isTemporary) return null;
  return delayMs * 2 ** (attempt - 1) * (1 - Math.random() / 4);
}

/** Returns the milliseconds until a 429's limit is lifted, from `X-RateLimit-Reset`; one second if it is missing. */
export function rateLimitResetMs(failure: Failure): number {
  const reset = Number(failure.headers?.get("x-ratelimit-reset") ?? Number.NaN);
  return Number.isFinite(reset) && reset >= 0 ? reset : 1000;
}
