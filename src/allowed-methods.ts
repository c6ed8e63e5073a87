/**
 * Finds the methods that a path answers to, for 405 and its `Allow`; undefined where no route has the path.
 * Elysia knows only whether this method and this path go together.
 */
export function allowedMethods(
  routes: readonly { path: string; method: string }[],
): (path: string) => string | undefined {
  const patterns = new Map<string, { pattern: RegExp; methods: Set<string> }>();
  for (const { path, method } of routes) {
    const known = patterns.get(path) ?? { pattern: toPattern(path), methods: new Set<string>() };
    known.methods.add(method);
    if (method === "GET") known.methods.add("HEAD");
    patterns.set(path, known);
  }
  return (path) => {
    const methods = new Set<string>();
    for (const { pattern, methods: some } of patterns.values())
      if (pattern.test(path)) for (const method of some) methods.add(method);
    return methods.size > 0 ? [...methods].sort().join(", ") : undefined;
  };
}

const toPattern = (path: string) =>
  new RegExp(
    `^${path
      .replace(/[.+?^${}()|[\]\\]/g, "\\$&")
      .replace(/:[^/]+/g, "[^/]+")
      .replace(/\*/g, ".*")}$`,
  );
