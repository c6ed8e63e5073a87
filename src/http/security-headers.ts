/**
 * Adds the security headers of every response: browsers must not guess its type or send a `Referer` from it, and must
 * not show it in a frame, unless it has a `Content-Security-Policy` of its own.
 * @returns the same object
 */
export function addSecurityHeaders(headers: Headers): Headers {
  headers.set("x-content-type-options", "nosniff");
  headers.set("referrer-policy", "no-referrer");
  if (!headers.has("content-security-policy")) headers.set("x-frame-options", "DENY");
  return headers;
}
