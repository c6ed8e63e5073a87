/** Routes by path: which pattern a path belongs to, and which methods that pattern answers. */
export interface RoutePatterns {
  /** `/posts/:post_id` for `/posts/42` and `/posts/42/`; undefined where no route has the path. */
  patternOf(path: string): string | undefined;
  /** For `Allow`. */
  methodsOf(path: string): string | undefined;
  /** Those of all routes, for preflights. */
  readonly methods: string;
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
  const patternOf = (asked: string) => {
    // Elysia lets one slash follow any path.
    const path = asked.length > 2 && asked.endsWith("/") ? asked.slice(0, -1) : asked;
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
