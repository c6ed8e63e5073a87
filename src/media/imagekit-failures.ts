import { ApiError } from "../errors.ts";

/** The longest that a call waits because ImageKit says so (milliseconds); beyond it the user is told to wait. */
const LONGEST_WAIT = 10_000;

/** What the SDK's errors look like; `status` is missing when no answer came, or none that could be read. */
interface Refusal {
  readonly status?: number;
  readonly headers?: Headers;
  readonly error?: { readonly message?: unknown };
  readonly message?: unknown;
}

/** Whether the failed call may have had its effect all the same: its answer was lost, unreadable or a 5xx. */
export function mayHaveWorked(failure: unknown): boolean {
  const { status } = failure as Refusal;
  return status === undefined || status >= 500;
}

/**
 * Milliseconds after which the call is worth repeating, null when it is not. Every call is made so that repeating
 * it does no harm. A 429 names its wait in milliseconds (`X-RateLimit-Reset`); otherwise `pause` doubles with each
 * attempt (the first is 1), less up to a quarter so that many callers do not come back together.
 */
export function waitBeforeRetry(failure: unknown, attempt: number, pause: number): number | null {
  const { status } = failure as Refusal;
  if (status === 429) {
    const wait = resetOf(failure as Refusal);
    return wait > LONGEST_WAIT ? null : wait;
  }
  if (!mayHaveWorked(failure)) return null;
  return pause * 2 ** (attempt - 1) * (1 - Math.random() / 4);
}

/**
 * The API's error for a failed call. The user learns of a limit he can act upon (`FILE_TOO_LARGE` with ImageKit's
 * reason) and that the storage is full; what is wrong with the account (401, 403) is for the operator, who finds
 * it in `cause`. Neither ever holds the private key, even where an answer repeats it.
 */
export function imagekitError(failure: unknown, privateKey: string): ApiError {
  if (failure instanceof ApiError) return failure;
  const refusal = failure as Refusal;
  const said = withoutSecret(String(refusal.error?.message ?? ""), privateKey);
  const request = refusal.headers?.get("x-ik-requestid");
  const cause = new Error(
    `ImageKit ${refusal.status ?? "gave no usable answer"}: ` +
      withoutSecret(String(refusal.message ?? failure), privateKey) +
      (request ? ` (request ${withoutSecret(request, privateKey)})` : ""),
  );
  switch (refusal.status) {
    case 413:
      return tooLarge(said, cause);
    case 400:
      return /size|too large|limit/i.test(said)
        ? tooLarge(said, cause)
        : new ApiError("STORE_FAILED", { cause });
    case 403:
      return new ApiError(/storage|quota|exceed/i.test(said) ? "STORAGE_FULL" : "STORE_FAILED", { cause });
    case 429: {
      const seconds = Math.max(1, Math.ceil(resetOf(refusal) / 1000));
      return new ApiError("STORE_UNAVAILABLE", { cause, headers: { "Retry-After": String(seconds) } });
    }
    default:
      return new ApiError(mayHaveWorked(failure) ? "STORE_UNAVAILABLE" : "STORE_FAILED", { cause });
  }
}

function tooLarge(said: string, cause: Error): ApiError {
  return new ApiError("FILE_TOO_LARGE", { reason: `ImageKit does not take the file: ${said}`, cause });
}

/** Milliseconds until a 429's limit is lifted; a second when it does not say. */
function resetOf(refusal: Refusal): number {
  const reset = Number(refusal.headers?.get("x-ratelimit-reset") ?? Number.NaN);
  return Number.isFinite(reset) && reset >= 0 ? reset : 1000;
}

function withoutSecret(text: string, privateKey: string): string {
  return text
    .replaceAll(privateKey, "…")
    .replaceAll(btoa(`${privateKey}:`), "…")
    .slice(0, 300);
}
