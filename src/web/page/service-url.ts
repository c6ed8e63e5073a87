/** The service's own address: the script is one folder below it, whatever path prefix a proxy adds. */
const base = new URL("..", import.meta.url);

/** The URL of a route of the API, such as `/feed?limit=24`. */
export const serviceUrl = (route: string): string => new URL(`.${route}`, base).href;
