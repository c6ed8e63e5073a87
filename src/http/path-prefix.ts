import { pathOf, startOfPath } from "./request-path.ts";

/** The path of an address, without a slash at the end: empty for an address without a path. */
export const pathPrefixOf = (publicUrl: string | undefined): string =>
  publicUrl === undefined ? "" : new URL(publicUrl).pathname.replace(/\/$/, "");

/**
 * Takes the path of `PUBLIC_URL` off a request's address, for proxies that leave it there. Requests of proxies that strip
 * it are left alone. A path that may be either is taken for one with the prefix.
 * @param isRoute whether there is a route for a path
 * @returns changes a request's `url` where necessary; the request stays the same object, by which the server knows it
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
