/** The W3C's `traceparent` header: version, trace id, parent id, flags. An id of only zeros is invalid. */
const traceparent = /^([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?$/;

/**
 * The id of the trace that a request belongs to, which connects its log lines with those of other services. Undefined if the
 * header is missing or invalid (https://www.w3.org/TR/trace-context/, 3.2).
 */
export function traceIdOf({ headers }: Request): string | undefined {
  const given = headers.get("traceparent");
  if (given === null) return undefined;
  const [, version, traceId, more] = traceparent.exec(given) ?? [];
  // Version 00 has no further fields; version ff is invalid.
  return version === "ff" || (version === "00" && more !== undefined) ? undefined : traceId;
}
