/**
 * The path of a request's address, without the query. By position, as Elysia does: a junk Host makes an address that no
 * parser takes.
 */
export function pathOf(url: string): string {
  const start = startOfPath(url);
  if (start === -1) return "/";
  const end = url.indexOf("?", start);
  return url.slice(start, end === -1 ? undefined : end);
}

/** Where the path begins in a request's address; -1 where it has none. Without a Host there is the path alone. */
export const startOfPath = (url: string): number => (url.startsWith("/") ? 0 : url.indexOf("/", 8));

/** Whether the path ends in a slash, with which Elysia finds the same route. */
export const hasTrailingSlash = ({ url }: Request): boolean => pathOf(url).endsWith("/");
