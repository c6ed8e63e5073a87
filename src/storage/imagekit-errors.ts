import { ApiError } from "../errors.ts";
import { ResponseTooLarge } from "../http/bounded-fetch.ts";
import { printable } from "../printable.ts";
import { mayHaveSucceeded, rateLimitResetMs } from "../concurrency/retry.ts";

/** The SDK's errors. `status` is missing when there was no readable response. */
interface SdkError {
  readonly status?: number;
  readonly headers?: Headers;
  readonly error?: { readonly message?: unknown };
  readonly message?: unknown;
  readonly cause?: unknown;
}

/**
 * Maps a failed call to an API error. Users see limits that they can act on (`FILE_TOO_LARGE` with ImageKit's reason) and
 * full storage. Problems of the account (401, 403) are for the operator, in `cause`. Neither ever contains the private key,
 * even if a response repeats it.
 */
export function imagekitError(failure: unknown, privateKey: string): ApiError {
  const error = failure as SdkError;
  const reason = withoutSecret(String(error.error?.message ?? ""), privateKey);
  // The SDK itself says only that the connection failed.
  const { message } = error.cause instanceof ResponseTooLarge ? error.cause : error;
  // The SDK's messages may begin with the status, which this one names, or end with a full stop.
  const text = withoutSecret(String(message ?? failure), privateKey).replace(/^\d{3} |\.$/g, "");
  const request = error.headers?.get("x-ik-requestid");
  const cause = new Error(
    `ImageKit ${error.status ?? "gave no usable answer"}: ${text}` +
      (request ? ` (request ${withoutSecret(request, privateKey)})` : ""),
  );
  switch (error.status) {
    case 413:
      return tooLarge(reason, cause);
    case 400:
      return /size|too large|limit/i.test(reason)
        ? tooLarge(reason, cause)
        : new ApiError("STORE_FAILED", { cause });
    case 403:
      return new ApiError(/storage|quota|exceed/i.test(reason) ? "STORAGE_FULL" : "STORE_FAILED", { cause });
    case 429: {
      const seconds = Math.max(1, Math.ceil(rateLimitResetMs(error) / 1000));
      return new ApiError("STORE_UNAVAILABLE", { cause, headers: { "Retry-After": String(seconds) } });
    }
    default:
      return new ApiError(mayHaveSucceeded(failure) ? "STORE_UNAVAILABLE" : "STORE_FAILED", { cause });
  }
}

function tooLarge(reason: string, cause: Error): ApiError {
  return new ApiError("FILE_TOO_LARGE", {
    ...(reason !== "" && { detail: `File too large for ImageKit: ${reason}` }),
    cause,
  });
}

function withoutSecret(text: string, privateKey: string): string {
  // In the Authorization header the key is followed by a colon, which affects the last base64 characters.
  const encoded = btoa(privateKey).replace(/.=*$/, "");
  const safe = text.replaceAll(privateKey, "…").replaceAll(encoded, "…").slice(0, 300);
  return printable(safe);
}
