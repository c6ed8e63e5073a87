import QuickLRU from "quick-lru";

import type { Connection } from "./connection.ts";

/**
 * Remembers what a query found until anybody commits anything: nearly all requests only read.
 * @param maxSize values that are remembered at least, at most twice as many; the longest unused are forgotten first
 * @param nameOf tells values apart
 * @returns the same query; who gets what it found must not change it
 */
export function rememberedUntilCommit<Values, Found>(
  { watchCommits }: Connection,
  maxSize: number,
  nameOf: (values: Values) => string,
  lookUp: (values: Values) => Promise<Found>,
): (values: Values) => Promise<Found> {
  const committed = watchCommits?.();
  if (!committed) return lookUp;
  const known = new QuickLRU<string, Promise<Found>>({ maxSize });
  return (values) => {
    // Asked before the query begins: the next request notices what is committed from here on.
    if (committed()) known.clear();
    const name = nameOf(values);
    const remembered = known.get(name);
    if (remembered) return remembered;
    const found = lookUp(values);
    known.set(name, found);
    // A failure is no finding.
    found.catch(() => known.delete(name));
    return found;
  };
}
