/** Finds the route pattern of a path, and the methods that the pattern supports. */
export interface RoutePatterns {
  /** `/posts/:post_id` for `/posts/42` and `/posts/42/`; undefined if no route matches the path. */
  patternOf(path: string): string | undefined;
  /** The methods of the path's route, as a value of `Allow`; undefined if no route matches. */
  methodsOf(path: string): string | undefined;
  /** The methods of all routes, for CORS preflights. */
  readonly methods: string;
}

/** Needed because Elysia matches method and path together, so it cannot distinguish a 405 from a 404. */
export function createRoutePatterns(routes: readonly { path: string; method: string }[]): RoutePatterns {
  const methods = new Map<string, Set<string>>();
  for (const { path, method } of routes) {
    const known = methods.get(path) ?? new Set();
    known.add(method);
    if (method === "GET") known.add("HEAD");
    methods.set(path, known);
  }
  const dynamic = [...methods.keys()]
    .filter((path) => /[:*]/.test(path))
    .map((path) => ({ path, expression: toExpression(path) }));

  const fixed = new Set([...methods.keys()].filter((path) => !/[:*]/.test(path)));
  const patternOf = (requestPath: string) => {
    // Elysia accepts one trailing slash after any path.
    const path = requestPath.length > 2 && requestPath.endsWith("/") ? requestPath.slice(0, -1) : requestPath;
    return fixed.has(path) ? path : dynamic.find(({ expression }) => expression.test(path))?.path;
  };
  const listed = (found: Iterable<string>) => [...new Set(found)].sort().join(", ");
  return {
    patternOf,
    methodsOf(path) {
      const known = methods.get(patternOf(path) ?? "");
      return known && listed(known);
    },
    methods: listed([...methods.values()].flatMap((known) => [...known])),
  };
}

const toExpression = (path: string) =>
  new RegExp(
    `^${path
      .replace(/[.+?^${}()|[\]\\]/g, "\\$&")
      .replace(/:[^/]+/g, "[^/]+")
      .replace(/\*/g, ".*")}$`,
  );
