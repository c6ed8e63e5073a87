import { LRUCache } from "lru-cache";

import type { Connection } from "./connection.ts";

/**
 * Caches the results of a query until the database changes, because nearly all requests only read. On PostgreSQL other
 * nodes write without telling us, so every call runs the query.
 * @param limits of the cache: a number of results, or their total size
 * @param keyOf distinguishes the values of the query
 * @returns the same query; callers share its results and must not change them
 */
export function queryCache<Values, Found extends object>(
  { dataVersion }: Pick<Connection, "dataVersion">,
  limits: LRUCache.Options<string, Found, unknown>,
  keyOf: (values: Values) => string,
  query: (values: Values) => Promise<Found>,
): (values: Values) => Promise<Found> {
  if (!dataVersion) return query;
  const results = new LRUCache<string, Found>(limits);
  let cachedVersion: number | undefined;
  return async (values) => {
    const version = dataVersion();
    if (version !== cachedVersion) {
      results.clear();
      cachedVersion = version;
    }
    const key = keyOf(values);
    const cached = results.get(key);
    if (cached) return cached;
    const found = await query(values);
    // The result belongs to the version from before the query: a write since then may be missing from it.
    if (cachedVersion === version) results.set(key, found);
    return found;
  };
}
