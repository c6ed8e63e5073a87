import { setTimeout as sleep } from "node:timers/promises";

const ATTEMPTS = 3;
/** The longest that a call waits because the store says so (milliseconds); beyond it the user is told to wait. */
const LONGEST_WAIT = 10_000;

/** What is looked at in a failed call; `status` is missing when no answer came, or none that could be read. */
interface Failure {
  readonly status?: number;
  readonly headers?: Headers;
  /** Whether the store means it to be repeated, whatever its status. */
  readonly isTemporary?: boolean;
}

/**
 * Repeats a call to a store, which must be safe to repeat, as long as its failure may pass: up to three attempts,
 * none begun after `until` (of `performance.now()`). `pause`: milliseconds before the second. Rejects with the
 * last failure, or the signal's reason.
 */
export async function retry<T>(
  signal: AbortSignal,
  pause: number,
  call: () => Promise<T>,
  until = Number.POSITIVE_INFINITY,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call();
    } catch (failure) {
      signal.throwIfAborted();
      const wait = waitBeforeRetry(failure, attempt, pause);
      if (wait === null || attempt === ATTEMPTS || performance.now() + wait >= until) throw failure;
      await sleep(wait, undefined, { signal });
    }
  }
}

/** Whether the failed call may have had its effect all the same: its answer was lost, unreadable or a 5xx. */
export function mayHaveSucceeded(failure: unknown): boolean {
  const { status } = failure as Failure;
  return status === undefined || status >= 500;
}

/**
 * Milliseconds after which the call is worth repeating, null when it is not. A 429 names its wait in milliseconds
 * (`X-RateLimit-Reset`); otherwise `pause` doubles with each attempt (the first is 1), less up to a quarter so
 * that many callers do not come back together.
 */
function waitBeforeRetry(failure: unknown, attempt: number, pause: number): number | null {
  const { status, isTemporary } = failure as Failure;
  if (status === 429) {
    const wait = rateLimitResetMs(failure as Failure);
    return wait > LONGEST_WAIT ? null : wait;
  }
  if (!mayHaveSucceeded(failure) && !isTemporary) return null;
  return pause * 2 ** (attempt - 1) * (1 - Math.random() / 4);
}

/** Milliseconds until a 429's limit is lifted; a second when it does not say. */
export function rateLimitResetMs(failure: Failure): number {
  const reset = Number(failure.headers?.get("x-ratelimit-reset") ?? Number.NaN);
  return Number.isFinite(reset) && reset >= 0 ? reset : 1000;
}
