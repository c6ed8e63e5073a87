import { tusVersion } from "./protocol.ts";

/** The patterns of the routes of tus, and of what belongs to its uploads. */
const patterns: ReadonlySet<string> = new Set(["/uploads", "/uploads/:id", "/uploads/:id/thumbnail"]);
export const isTusRoute = (pattern: string): boolean => patterns.has(pattern);

const methods: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

/**
 * X-HTTP-Method-Override: "The X-HTTP-Method-Override request header MUST be a string which MUST be interpreted as the
 * request's method by the Server, if the header is presented. The actual method of the request MUST be ignored."
 *
 * The request stays the same object, see docs/decisions/0014-path-prefix.md. Any unknown method becomes the same one, because
 * metrics count by method.
 */
export function overrideMethod(request: Request): void {
  const method = request.headers.get("x-http-method-override");
  if (method === null) return;
  Object.defineProperty(request, "method", { value: methods.has(method) ? method : "OTHER" });
}

/**
 * Tus-Resumable: "The Tus-Resumable header MUST be included in every request and response except for OPTIONS requests. The
 * value MUST be the version of the protocol used by the Client or the Server."
 */
export function markVersion({ method }: Request, headers: Headers): void {
  if (method !== "OPTIONS") headers.set("tus-resumable", tusVersion);
}
