const exposed = "link, retry-after, x-request-id";
const allowedHeaders = "authorization, content-type, idempotency-key, x-request-id";
const allowedMethods = "GET, HEAD, POST, PATCH, DELETE";
/** Seconds a browser may remember a preflight's answer. */
const maxAge = "600";

/**
 * Lets pages of other origins use the API (Fetch standard, CORS protocol). Tokens travel in a header that a page sets
 * itself, so credentials (cookies) stay off.
 * @param origins exact origins, or `*`; none: no page but our own
 */
export function createCors(origins: readonly string[]) {
  const anybody = origins.includes("*");
  const known = new Set(origins);

  return {
    /** The answer to a preflight; undefined for any other request. */
    preflight(request: Request): Response | undefined {
      if (origins.length === 0) return undefined;
      if (request.method !== "OPTIONS" || !request.headers.has("access-control-request-method"))
        return undefined;
      return new Response(null, {
        status: 204,
        headers: {
          "access-control-allow-methods": allowedMethods,
          "access-control-allow-headers": allowedHeaders,
          "access-control-max-age": maxAge,
        },
      });
    },

    /** Says on an answer whether the page that asked may read it. */
    mark(request: Request, headers: Headers): void {
      if (origins.length === 0) return;
      if (anybody) headers.set("access-control-allow-origin", "*");
      else {
        headers.append("vary", "origin");
        const origin = request.headers.get("origin");
        if (origin === null || !known.has(origin)) return;
        headers.set("access-control-allow-origin", origin);
      }
      headers.set("access-control-expose-headers", exposed);
    },
  };
}
