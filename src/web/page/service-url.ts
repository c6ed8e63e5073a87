/** The service's base URL. The script is one folder below it, whatever path prefix a proxy adds. */
const base = new URL("..", import.meta.url);

/** Returns the URL of an API route such as `/feed?limit=24`. */
export const serviceUrl = (route: string): string => new URL(`.${route}`, base).href;
