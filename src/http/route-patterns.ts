/** Routes by path: which pattern a path belongs to, and which methods that pattern answers. */
export interface RoutePatterns {
  /** `/posts/:post_id` for `/posts/42`; undefined where no route has the path. */
  patternOf(path: string): string | undefined;
  /** For `Allow`. */
  methodsOf(path: string): string | undefined;
}

/** Elysia itself knows only whether a method and a path go together, and tells the pattern to hooks alone. */
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
  const patternOf = (path: string) =>
    fixed.has(path) ? path : dynamic.find(({ expression }) => expression.test(path))?.path;
  return {
    patternOf,
    methodsOf(path) {
      const known = methods.get(patternOf(path) ?? "");
      return known && [...known].sort().join(", ");
    },
  };
}

const toExpression = (path: string) =>
  new RegExp(
    `^${path
      .replace(/[.+?^${}()|[\]\\]/g, "\\$&")
      .replace(/:[^/]+/g, "[^/]+")
      .replace(/\*/g, ".*")}$`,
  );
