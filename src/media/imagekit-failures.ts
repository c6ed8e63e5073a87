import { ApiError } from "../errors.ts";
import { mayHaveSucceeded, rateLimitResetMs } from "./persistently.ts";

/** What the SDK's errors look like; `status` is missing when no answer came, or none that could be read. */
interface Refusal {
  readonly status?: number;
  readonly headers?: Headers;
  readonly error?: { readonly message?: unknown };
  readonly message?: unknown;
}

/**
 * The API's error for a failed call. The user learns of a limit he can act upon (`FILE_TOO_LARGE` with ImageKit's
 * reason) and that the storage is full; what is wrong with the account (401, 403) is for the operator, who finds
 * it in `cause`. Neither ever holds the private key, even where an answer repeats it.
 */
export function imagekitError(failure: unknown, privateKey: string): ApiError {
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
      const seconds = Math.max(1, Math.ceil(rateLimitResetMs(refusal) / 1000));
      return new ApiError("STORE_UNAVAILABLE", { cause, headers: { "Retry-After": String(seconds) } });
    }
    default:
      return new ApiError(mayHaveSucceeded(failure) ? "STORE_UNAVAILABLE" : "STORE_FAILED", { cause });
  }
}

function tooLarge(said: string, cause: Error): ApiError {
  return new ApiError("FILE_TOO_LARGE", {
    ...(said !== "" && { detail: `File too large for ImageKit: ${said}` }),
    cause,
  });
}

function withoutSecret(text: string, privateKey: string): string {
  // Of the Authorization header, what is the same whatever follows the key.
  const encoded = btoa(privateKey).replace(/.=*$/, "");
  return text.replaceAll(privateKey, "…").replaceAll(encoded, "…").slice(0, 300);
}
