/** `traceparent` of the W3C's Trace Context: version, trace id, parent id, flags. Zeros alone are no id. */
const traceparent = /^([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?$/;

/**
 * The id of the trace that a request belongs to, so that its lines in the log can be found with those of other services.
 * Undefined where the header is missing or not as the specification says (https://www.w3.org/TR/trace-context/, 3.2).
 */
export function traceIdOf({ headers }: Request): string | undefined {
  const given = headers.get("traceparent");
  if (given === null) return undefined;
  const [, version, traceId, more] = traceparent.exec(given) ?? [];
  // Version 00 has no more fields; there is no version ff.
  return version === "ff" || (version === "00" && more !== undefined) ? undefined : traceId;
}
