import { parseHttpDate } from "./http-date.ts";

/** What identifies the present version of some content. */
export interface Validators {
  /** With its quotes, and `W/` where it is weak. */
  readonly etag: string;
  /** Milliseconds since 1970, whole seconds. */
  readonly modifiedMs?: number;
}

/**
 * Whether a request's `If-Match` or, only where there is none, its `If-Unmodified-Since` is false, so that the response is
 * 412. A server evaluates these before all other conditions (RFC 9110, 13.2.2).
 */
export function preconditionFailed(asked: Headers, { etag, modifiedMs }: Required<Validators>): boolean {
  const tags = asked.get("if-match");
  if (tags !== null) return !names(tags, etag, sameStrongly);
  const since = asked.get("if-unmodified-since");
  const sinceMs = since === null ? undefined : parseHttpDate(since);
  return sinceMs !== undefined && modifiedMs > sinceMs;
}

/**
 * Whether the client of a GET or HEAD has the current version already, so that the response is 304 (RFC 9110, 13.2.2):
 * as `If-None-Match` says or, only where there is none, `If-Modified-Since`.
 */
export function isUnchanged(asked: Headers, { etag, modifiedMs }: Validators): boolean {
  const tags = asked.get("if-none-match");
  if (tags !== null) return names(tags, etag, sameWeakly);
  const since = modifiedMs === undefined ? null : asked.get("if-modified-since");
  const sinceMs = since === null ? undefined : parseHttpDate(since);
  return sinceMs !== undefined && modifiedMs! <= sinceMs;
}

/** Whether a list of entity tags has this one, or is `*`, which stands for every version. */
const names = (tags: string, etag: string, isSame: (a: string, b: string) => boolean): boolean =>
  tags === "*" || tags.split(",").some((tag) => isSame(tag.trim(), etag));

/** The comparisons of RFC 9110, 8.8.3.2. */
const sameStrongly = (a: string, b: string) => a === b && !a.startsWith("W/");
const sameWeakly = (a: string, b: string) => opaque(a) === opaque(b);
const opaque = (tag: string) => tag.replace(/^W\//, "");

/**
 * Whether the `Range` of a request applies: there is no `If-Range`, or it names the present version by its strong ETag or
 * by exactly its date (RFC 9110, 13.1.5). The date has to be a strong validator: the content never changes within a second.
 */
export function rangeApplies(asked: Headers, { etag, modifiedMs }: Required<Validators>): boolean {
  const condition = asked.get("if-range");
  return condition === null || condition === etag || parseHttpDate(condition) === modifiedMs;
}
