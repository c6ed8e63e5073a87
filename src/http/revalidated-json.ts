import { JsonAnswer } from "./json-answer.ts";
import { isUnchanged } from "./preconditions.ts";

/**
 * Answers a GET with JSON made for its viewer that clients may keep, and show again after asking whether it is still
 * current (RFC 9111, 5.2.2.4 and 5.2.2.7): 304 without a body if so. Shared caches keep nothing.
 * @param text JSON
 */
export function revalidatedJson(request: Request, text: string, headers?: Record<string, string>): Response {
  // Weak, because the same tag stands for every content coding.
  const etag = `W/"${Bun.hash.xxHash3(text).toString(36)}"`;
  const caching = { etag, "cache-control": "private, no-cache", vary: "authorization, accept-encoding" };
  if (isUnchanged(request.headers, { etag })) return new Response(null, { status: 304, headers: caching });
  return new JsonAnswer(text, { headers: { ...headers, ...caching } });
}
