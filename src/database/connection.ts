import type { PgDatabase, PgQueryResultHKT } from "drizzle-orm/pg-core";

import type { Tables } from "./schema.ts";

/** The query builder that both dialects share. Await a query, or call `prepare(name)` and `execute(values)`. */
export type Query = Pick<
  PgDatabase<PgQueryResultHKT>,
  "select" | "insert" | "update" | "delete" | "$count" | "execute"
>;

/**
 * The steps of a transaction. They use `yield* step(…)` in place of `await`, so that the SQLite driver can run them
 * synchronously: drizzle rolls back only synchronous transactions.
 */
export type Steps<T> = Generator<PromiseLike<unknown>, T, unknown>;

/** One step of a transaction: runs the query, and returns its rows or throws its error. */
export function* step<T>(query: PromiseLike<T>): Generator<PromiseLike<T>, T, unknown> {
  return (yield query) as T;
}

/** An open, migrated database. Only code inside `database/` uses it. */
export interface Connection {
  readonly dialect: "sqlite" | "pg";
  /** For reads only: `dataVersion` counts the writes made through `write` and `transaction`. */
  readonly query: Pick<Query, "select" | "$count">;
  readonly tables: Tables;
  /** Runs one statement that writes. */
  write<T>(statement: (query: Query) => PromiseLike<T>): Promise<T>;
  /** Runs the steps in one transaction, which is rolled back if a step throws. */
  transaction<T>(body: (query: Query) => Steps<T>): Promise<T>;
  /**
   * A number that changes whenever the data change: immediately after writes of this process, within 100 ms after those of
   * other processes. Undefined on PostgreSQL, where reading it would take a query.
   */
  readonly dataVersion: (() => number) | undefined;
  /**
   * Makes many large transactions faster, for a process that does nothing else: SQLite writes a page that several of them
   * change less often. Takes up to 12 MB of memory and, until the connection is closed, about 100 MB of disk space.
   */
  expectManyWrites(): void;
  /**
   * Drops the indexes that make inserting many posts slow, if the database is SQLite and has no posts yet. If the process is
   * killed, the next one that opens the database creates them.
   * @returns a function that creates them, and returns false if the next opening has to, because another process writes or
   * there is no space
   */
  deferIndexes(): () => boolean;
  close(): Promise<void>;
}

/** Whether a unique or primary key constraint was violated, in either dialect. */
export const isConflict = (error: unknown): boolean =>
  causes(error).some(
    ({ code, errno }) =>
      errno === "23505" || code === "SQLITE_CONSTRAINT_UNIQUE" || code === "SQLITE_CONSTRAINT_PRIMARYKEY",
  );

/** An error and its chain of causes: drizzle wraps the errors of drivers. `errno` is PostgreSQL's SQLSTATE. */
export function causes(error: unknown): (Error & { code?: unknown; errno?: unknown })[] {
  const found: Error[] = [];
  for (let e = error; e instanceof Error; e = e.cause) found.push(e);
  return found;
}
