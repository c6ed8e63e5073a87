import type { PgDatabase, PgQueryResultHKT } from "drizzle-orm/pg-core";

import type { Tables } from "./schema.ts";

/** What the two dialects share: await a query, or `prepare(name)` and `execute(values)` it. */
export type Query = Pick<
  PgDatabase<PgQueryResultHKT>,
  "select" | "insert" | "update" | "delete" | "$count" | "execute"
>;

/** The steps of a transaction: `yield* step(…)` where other code would `await`, so that SQLite can run them in one go. */
export type Steps<T> = Generator<PromiseLike<unknown>, T, unknown>;

/** One step of a transaction: runs the query, gives its rows, throws its error. */
export function* step<T>(query: PromiseLike<T>): Generator<PromiseLike<T>, T, unknown> {
  return (yield query) as T;
}

/** An open, migrated database. It stays inside `database/`. */
export interface Connection {
  readonly dialect: "sqlite" | "pg";
  /** For reads. Writes go through `write` and `transaction`, so that `dataVersion` counts them all. */
  readonly query: Pick<Query, "select" | "$count">;
  readonly tables: Tables;
  /** Runs one statement that writes. */
  write<T>(statement: (query: Query) => PromiseLike<T>): Promise<T>;
  /** Runs the steps in one transaction: all or nothing. */
  transaction<T>(body: (query: Query) => Steps<T>): Promise<T>;
  /**
   * A number that changes with the data: at once for writes of this process, within 100 ms for those of others.
   * Undefined on PostgreSQL, where it would take a query.
   */
  readonly dataVersion: (() => number) | undefined;
  close(): Promise<void>;
}

/** A unique or primary key already taken, in either dialect. */
export const isConflict = (error: unknown): boolean =>
  causes(error).some(
    ({ code, errno }) =>
      errno === "23505" || code === "SQLITE_CONSTRAINT_UNIQUE" || code === "SQLITE_CONSTRAINT_PRIMARYKEY",
  );

/** An error and what caused it; query builders wrap what drivers throw. `errno` is PostgreSQL's SQLSTATE. */
export function causes(error: unknown): (Error & { code?: unknown; errno?: unknown })[] {
  const found: Error[] = [];
  for (let e = error; e instanceof Error; e = e.cause) found.push(e);
  return found;
}
