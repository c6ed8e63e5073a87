import { isUnchanged } from "./preconditions.ts";
import { addSecurityHeaders } from "./security-headers.ts";

/** Copying a set of headers is four times as fast as setting them one by one. */
const commonHeaders = addSecurityHeaders(
  new Headers({
    "content-type": "application/json",
    vary: "accept-encoding",
    "cache-control": "no-store",
  }),
);

/** Options of a {@link JsonResponse}. */
export interface JsonResponseOptions {
  status?: number;
  headers?: Record<string, string>;
}

/**
 * A JSON response with the security headers. It keeps its text, because reading the body again, to measure or compress
 * it, is slow.
 */
export class JsonResponse extends Response {
  /** @param written the JSON text */
  constructor(
    readonly written: string,
    { status = 200, headers }: JsonResponseOptions = {},
  ) {
    super(written, { status, headers: commonHeaders });
    for (const name in headers) this.headers.set(name, headers[name]!);
  }

  /** A response whose body is the value as JSON. */
  static of(value: unknown, options?: JsonResponseOptions): JsonResponse {
    return new JsonResponse(JSON.stringify(value), options);
  }
}

/**
 * Responds to a GET with JSON that depends on the user. The client may store it, but must revalidate it before each use
 * (`no-cache`, RFC 9111, 5.2.2.4), which gets a 304 if it is unchanged. Shared caches must not store it (`private`,
 * 5.2.2.7).
 * @param text JSON
 */
export function revalidatedJson(request: Request, text: string, headers?: Record<string, string>): Response {
  // Weak, because all content codings share the tag.
  const etag = `W/"${Bun.hash.xxHash3(text).toString(36)}"`;
  const caching = {
    etag,
    "cache-control": "private, no-cache",
    vary: "authorization, cookie, accept-encoding",
  };
  if (isUnchanged(request.headers, { etag })) return new Response(null, { status: 304, headers: caching });
  return new JsonResponse(text, { headers: { ...headers, ...caching } });
}
