import type { Database } from "bun:sqlite";

/** Posts read at a time, which limits the memory. */
const pageSize = 500;

/** The condition of posts that have media, in the SQL of a database that no service uses. */
export const hasMedia = "state in ('published', 'hidden')";

/** @returns the number of posts that have media, by the store of these */
export function countByStore(client: Database): ReadonlyMap<string, number> {
  const counts = client.query<{ store: string; posts: number }, []>(
    `select store, count(*) as posts from posts where ${hasMedia} group by store order by store`,
  );
  return new Map(counts.all().map(({ store, posts }) => [store, posts]));
}

/**
 * Reads rows page by page, in the order of their ids, so that the caller may change them while it iterates.
 * @param read returns up to `limit` rows after the one with this id, which is empty at first
 */
export function* pageByPage<Row extends { readonly id: string }>(
  read: (after: string, limit: number) => Row[],
): Generator<Row> {
  for (let last = ""; ;) {
    const rows = read(last, pageSize);
    yield* rows;
    if (rows.length < pageSize) return;
    last = rows.at(-1)!.id;
  }
}
