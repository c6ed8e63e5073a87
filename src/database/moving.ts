import { sql } from "drizzle-orm";

import { step, type Query, type Steps } from "./connection.ts";
import {
  copiedTables,
  CopyError,
  copyTables,
  type CopyProgress,
  type CopyTarget,
  type Row,
  type RowCounts,
} from "./copy-tables.ts";
import { insertRows } from "./insert-rows.ts";
import { openPostgres } from "./postgres.ts";
import type { Tables } from "./schema.ts";
import type { SqliteSource } from "./sqlite-source.ts";

/**
 * Copies every row of the source into the empty PostgreSQL database at `url` in one transaction, reads the copy back, and
 * compares counts and checksums before the commit. An interrupted move leaves the target empty.
 * @throws CopyError if the target is not empty, cannot store a text, or returns other data than were copied
 * @throws PostgresError if the target cannot be reached or used
 */
export async function moveDatabase(
  source: SqliteSource,
  url: string,
  progress: CopyProgress,
): Promise<RowCounts> {
  const target = await openPostgres({ url, poolSize: 1 });
  try {
    return await target.transaction((query) => move(source, query, target.tables, progress));
  } finally {
    await target.close();
  }
}

/**
 * Checks that a PostgreSQL database holds no data, and creates its tables if they are missing.
 * @throws CopyError if it does
 * @throws PostgresError if it cannot be reached or used
 */
export async function requireEmptyPostgres(url: string): Promise<void> {
  const target = await openPostgres({ url, poolSize: 1 });
  try {
    await target.transaction((query) => requireEmpty(query, target.tables));
  } finally {
    await target.close();
  }
}

function* requireEmpty(query: Query, tables: Tables): Steps<void> {
  for (const name of copiedTables)
    if ((yield* step(query.$count(tables[name]))) > 0)
      throw new CopyError("The database holds accounts or posts already: give the address of an empty one");
}

function* move(source: SqliteSource, query: Query, tables: Tables, progress: CopyProgress): Steps<RowCounts> {
  const all = sql.join(
    copiedTables.map((name) => sql`${tables[name]}`),
    sql`, `,
  );
  // Keeps out other writers, such as a service that was started too early or a second move.
  yield* step(query.execute(sql`set local lock_timeout = '10s'`));
  yield* step(query.execute(sql`lock table ${all} in exclusive mode`));
  yield* requireEmpty(query, tables);
  const target: CopyTarget = {
    query,
    tables,
    insert(name, rows, nameOf) {
      for (const row of rows) requireStorable(row, nameOf(row));
      return insertRows("pg", query, tables[name], rows);
    },
    // Without statistics, the comparison and the service's first queries would be planned for empty tables.
    filled: () => query.execute(sql`analyze ${all}`),
  };
  return yield* copyTables(source, target, progress);
}

/** @throws CopyError for a text with a NUL character, the only one that PostgreSQL cannot store */
function requireStorable(row: Row, where: string): void {
  for (const [name, value] of Object.entries(row))
    if (typeof value === "string" && value.includes("\0"))
      throw new CopyError(`The ${name} of ${where} holds a NUL character, which PostgreSQL cannot store`);
}
