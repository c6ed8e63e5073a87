import { parseHttpDate } from "./http-date.ts";

/** What identifies the present version of some content. */
export interface Validators {
  /** With its quotes, and `W/` where it is weak. */
  readonly etag: string;
  /** Milliseconds since 1970, whole seconds. */
  readonly modifiedMs?: number;
}

/**
 * Whether the client of a GET or HEAD has the present version already, so that the response is 304 (RFC 9110, 13.2.2):
 * as `If-None-Match` says or, only where there is none, `If-Modified-Since`.
 */
export function isUnchanged(asked: Headers, { etag, modifiedMs }: Validators): boolean {
  const tags = asked.get("if-none-match");
  if (tags !== null) return holds(tags, etag);
  const since = modifiedMs === undefined ? null : asked.get("if-modified-since");
  const sinceMs = since === null ? undefined : parseHttpDate(since);
  return sinceMs !== undefined && modifiedMs! <= sinceMs;
}

/** Whether an If-None-Match names the tag, compared weakly (RFC 9110, 13.1.2). */
function holds(condition: string, etag: string): boolean {
  if (condition === etag || condition === "*") return true;
  return condition.split(",").some((tag) => opaque(tag.trim()) === opaque(etag));
}

const opaque = (tag: string) => tag.replace(/^W\//, "");

/**
 * Whether the `Range` of a request applies: there is no `If-Range`, or it names the present version by its strong ETag or
 * by exactly its date (RFC 9110, 13.1.5). The date has to be a strong validator: the content never changes within a second.
 */
export function rangeApplies(asked: Headers, { etag, modifiedMs }: Required<Validators>): boolean {
  const condition = asked.get("if-range");
  return condition === null || condition === etag || parseHttpDate(condition) === modifiedMs;
}
