/**
 * Returns the path of a request's URL, without the query. Found by position, as Elysia does, because a malformed `Host`
 * makes a URL that no parser accepts.
 */
export function pathOf(url: string): string {
  const start = startOfPath(url);
  if (start === -1) return "/";
  const end = url.indexOf("?", start);
  return url.slice(start, end === -1 ? undefined : end);
}

/** Returns the query of a request's URL, found as {@link pathOf} finds the path. */
export function queryOf(url: string): URLSearchParams {
  const start = url.indexOf("?");
  return new URLSearchParams(start === -1 ? "" : url.slice(start + 1));
}

/**
 * The index at which the path of a request's URL begins; -1 without a path. Without a `Host`, the URL is only the path.
 */
export const startOfPath = (url: string): number => (url.startsWith("/") ? 0 : url.indexOf("/", 8));

/** Whether the path ends with a slash, which Elysia ignores when it finds the route. */
export const hasTrailingSlash = ({ url }: Request): boolean => pathOf(url).endsWith("/");
