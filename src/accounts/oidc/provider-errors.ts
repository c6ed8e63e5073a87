import type { ClientError, ResponseBodyError } from "openid-client";

import { ApiError, type ApiErrorCode } from "../../errors.ts";

/** Seconds after which clients should try again when the provider cannot be reached. */
const retryAfterSeconds = 10;

/**
 * Why a request to the provider failed, for the log. The message has codes and the issuer only, because messages and
 * causes of other errors may hold tokens.
 */
export class ProviderFailure extends Error {
  override readonly name = "ProviderFailure";
}

/** Codes of openid-client for responses that come from a broken provider or from something in front of it. */
const brokenResponses = new Set([
  "OAUTH_RESPONSE_IS_NOT_CONFORM",
  "OAUTH_RESPONSE_IS_NOT_JSON",
  "OAUTH_PARSE_ERROR",
  "OAUTH_TIMEOUT",
  "OAUTH_ABORT",
]);

/**
 * Translates an error of openid-client: OAUTH_FAILED if the provider refused the request or its answer failed a check,
 * otherwise OAUTH_PROVIDER_UNAVAILABLE.
 */
export function providerError(error: unknown): ApiError {
  const { code, error: refusal, status } = error as Partial<ClientError & ResponseBodyError>;
  const isRefused = refusal !== undefined && Number(status) < 500;
  const isUnacceptable =
    refusal === undefined &&
    typeof code === "string" &&
    code.startsWith("OAUTH_") &&
    !brokenResponses.has(code);
  if (isRefused || isUnacceptable) return failed(error, "OAUTH_FAILED");
  return unavailable(error);
}

/** The error of a callback in which the provider refuses the sign-in. @param code as in RFC 6749, 4.1.2.1 */
export const refused = (code: string): ApiError =>
  code === "access_denied"
    ? new ApiError("OAUTH_ACCESS_DENIED")
    : failed(new ProviderFailure(`the provider refused: ${safe(code) ?? "unknown"}`), "OAUTH_FAILED");

/** The error of a provider that cannot be reached or does not work. */
export const unavailable = (error: unknown): ApiError =>
  failed(error, "OAUTH_PROVIDER_UNAVAILABLE", { "retry-after": String(retryAfterSeconds) });

const failed = (error: unknown, code: ApiErrorCode, headers: Record<string, string> = {}): ApiError =>
  new ApiError(code, { headers, cause: new ProviderFailure(reasonOf(error)) });

/** Returns the codes of an error and of its causes. None is free text from the provider or a client. */
function reasonOf(error: unknown): string {
  if (error instanceof ProviderFailure) return error.message;
  const reasons: string[] = [];
  for (let cause = error; cause instanceof Error && reasons.length < 4; cause = cause.cause) {
    const { code, error: refusal, status } = cause as Partial<ClientError & ResponseBodyError>;
    const parts = [typeof code === "string" ? code : cause.name, safe(refusal), status && `HTTP ${status}`];
    reasons.push(parts.filter(Boolean).join(" "));
    if (cause.cause instanceof Response) reasons.push(`HTTP ${cause.cause.status}`);
  }
  return [...new Set(reasons)].join(": ") || "unknown";
}

/** An error code of OAuth (RFC 6749, 5.2), such as `invalid_grant`. */
const safe = (code: unknown): string | undefined =>
  typeof code === "string" && /^[\w.-]{1,60}$/.test(code) ? code : undefined;
