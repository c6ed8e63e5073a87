import { Database } from "bun:sqlite";

/** The statements that have created the indexes of the database at `path`, in the order of the indexes' names. */
export function indexesOf(path: string): string[] {
  using client = new Database(path, { readonly: true });
  return client
    .query<{ sql: string }, []>(
      "select sql from sqlite_master where type = 'index' and sql is not null order by name",
    )
    .all()
    .map(({ sql }) => sql);
}
