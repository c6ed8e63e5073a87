import { SizeBoundedCache } from "../caching/size-bounded-cache.ts";
import type { Connection } from "./connection.ts";

/**
 * Remembers what a query found until anybody commits anything: nearly all requests only read.
 * @param capacity total size that is remembered at least, at most twice as much; the longest unused go first
 * @param nameOf tells values apart
 * @param sizeOf how much room what is found for these values takes, where that differs
 * @returns the same query; who gets what it found must not change it
 */
export function rememberedUntilCommit<Values, Found>(
  { watchCommits }: Connection,
  capacity: number,
  nameOf: (values: Values) => string,
  lookUp: (values: Values) => Promise<Found>,
  sizeOf: (values: Values) => number = () => 1,
): (values: Values) => Promise<Found> {
  const committed = watchCommits?.();
  if (!committed) return lookUp;
  const known = new SizeBoundedCache<Promise<Found>>(capacity);
  return (values) => {
    // Asked before the query begins: the next request notices what is committed from here on.
    if (committed()) known.clear();
    const name = nameOf(values);
    const remembered = known.get(name);
    if (remembered) return remembered;
    const found = lookUp(values);
    known.set(name, found, sizeOf(values));
    // A failure is no finding.
    found.catch(() => known.delete(name));
    return found;
  };
}
