import { LRUCache } from "lru-cache";

import type { Connection } from "./connection.ts";

/**
 * Caches the results of a query until the database changes, because nearly all requests only read. On PostgreSQL, other
 * nodes' writes cannot be detected, so every call runs the query.
 * @param limits the cache's maximum number of results, or their total size
 * @param keyOf maps the query's values to a cache key
 * @returns a function with the same results; callers share them and must not change them
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
    // A write that was committed during the query may be missing from its result.
    if (cachedVersion === version) results.set(key, found);
    return found;
  };
}
