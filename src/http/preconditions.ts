import { parseHttpDate } from "./http-date.ts";

/** Identifies the current version of some content (RFC 9110, 8.8). */
export interface Validators {
  /** Quoted, with the prefix `W/` if it is weak. */
  readonly etag: string;
  /** Milliseconds since 1970, whole seconds. */
  readonly modifiedMs?: number;
}

/**
 * Whether the response must be 412: `If-Match` or, only without that header, `If-Unmodified-Since` is false. A server
 * evaluates them before all other conditions (RFC 9110, 13.2.2).
 */
export function preconditionFailed(headers: Headers, { etag, modifiedMs }: Required<Validators>): boolean {
  const tags = headers.get("if-match");
  if (tags !== null) return !listsTag(tags, etag, isStrongMatch);
  const since = headers.get("if-unmodified-since");
  const sinceMs = since === null ? undefined : parseHttpDate(since);
  return sinceMs !== undefined && modifiedMs > sinceMs;
}

/**
 * Whether the response to a GET or HEAD is 304, because the client has the current version according to `If-None-Match`
 * or, only without that header, `If-Modified-Since` (RFC 9110, 13.2.2).
 */
export function isUnchanged(headers: Headers, { etag, modifiedMs }: Validators): boolean {
  const tags = headers.get("if-none-match");
  if (tags !== null) return listsTag(tags, etag, isWeakMatch);
  const since = modifiedMs === undefined ? null : headers.get("if-modified-since");
  const sinceMs = since === null ? undefined : parseHttpDate(since);
  return sinceMs !== undefined && modifiedMs! <= sinceMs;
}

/** Whether a list of entity tags contains this one, or is `*`, which matches every version. */
const listsTag = (tags: string, etag: string, isMatch: (a: string, b: string) => boolean): boolean =>
  tags === "*" || tags.split(",").some((tag) => isMatch(tag.trim(), etag));

/** The comparisons of RFC 9110, 8.8.3.2. */
const isStrongMatch = (a: string, b: string) => a === b && !a.startsWith("W/");
const isWeakMatch = (a: string, b: string) => opaqueTag(a) === opaqueTag(b);
const opaqueTag = (tag: string) => tag.replace(/^W\//, "");

/**
 * Whether the `Range` of a request applies: there is no `If-Range`, or it has the strong ETag or the exact date of the
 * current version (RFC 9110, 13.1.5). The caller's date must be a strong validator: the content must never change twice
 * in a second.
 */
export function rangeApplies(headers: Headers, { etag, modifiedMs }: Required<Validators>): boolean {
  const condition = headers.get("if-range");
  return condition === null || condition === etag || parseHttpDate(condition) === modifiedMs;
}
