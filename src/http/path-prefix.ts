import { pathOf, startOfPath } from "./request-path.ts";

/** The path of a URL without a trailing slash; empty for the root. */
export const pathPrefixOf = (publicUrl: string | undefined): string =>
  publicUrl === undefined ? "" : new URL(publicUrl).pathname.replace(/\/$/, "");

/**
 * Removes the path of `PUBLIC_URL` from requests, for proxies that forward it. Requests without it, from proxies that
 * strip it, stay unchanged. If a path is a route both with and without the prefix, the prefix is removed.
 *
 * The request stays the same object, with a `url` property of its own. A copy (`new Request(url, request)`) would lose
 * its client address, its timeout and the back-pressure of its body (docs/decisions/0014-path-prefix.md).
 * @param isRoute whether a path matches a route
 * @returns a function that changes a request's `url` if necessary and returns the request
 */
export function createPathPrefix(
  prefix: string,
  isRoute: (path: string) => boolean,
): (request: Request) => Request {
  if (prefix === "") return (request) => request;
  return (request) => {
    const { url } = request;
    const path = pathOf(url);
    if (path !== prefix && !path.startsWith(`${prefix}/`)) return request;
    const inner = path.slice(prefix.length) || "/";
    if (!isRoute(inner) && isRoute(path)) return request;
    const start = startOfPath(url);
    const value = url.slice(0, start) + inner + url.slice(start + path.length);
    return Object.defineProperty(request, "url", { value });
  };
}
