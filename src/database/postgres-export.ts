import { closeSync, openSync } from "node:fs";

import { Database } from "bun:sqlite";

import { sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/bun-sqlite";

import type { PostgresSettings } from "../config/postgres-url.ts";
import { step, type Query, type Steps } from "./connection.ts";
import { copyTables, type CopyProgress, type CopyTarget, type RowCounts } from "./copy-tables.ts";
import { insertRows } from "./insert-rows.ts";
import { sqlite } from "./kit.ts";
import { openPostgres } from "./postgres.ts";
import { createTables } from "./schema.ts";
import { migrateSqlite } from "./sqlite-migrations.ts";

/**
 * Copies a PostgreSQL database, which services may be using, into a SQLite file of this version's schema: all of it as it is
 * at one moment, read back and compared. Nothing is locked, and nothing is written to PostgreSQL.
 * @param path a file that is missing or empty. Only its owner can read the copy.
 * @throws PostgresError if the database cannot be reached; UnsupportedDatabase if it is of an older version; NewerDatabase
 * @throws CopyError
 */
export async function exportPostgres(
  settings: PostgresSettings,
  path: string,
  progress: CopyProgress,
): Promise<RowCounts> {
  const source = await openPostgres({ ...settings, poolSize: 1 }, { migrates: false });
  try {
    closeSync(openSync(path, "a", 0o600));
    const client = new Database(path, { readwrite: true, strict: true });
    try {
      // Without a journal file, because the copy is worthless after a crash.
      client.run("pragma journal_mode = memory");
      client.run("pragma synchronous = off");
      migrateSqlite(client);
      client.run("begin");
      const target = sqliteTarget(client);
      const counts = await source.transaction(function* (query): Steps<RowCounts> {
        yield* step(query.execute(sql`set transaction isolation level repeatable read, read only`));
        return yield* copyTables({ query, tables: source.tables }, target, progress);
      });
      client.run("commit");
      return counts;
    } finally {
      client.close();
    }
  } finally {
    await source.close();
  }
}

function sqliteTarget(client: Database): CopyTarget {
  const tables = createTables(sqlite);
  const query = drizzle({ client }) as unknown as Query;
  return {
    query,
    tables,
    insert: (name, rows) => insertRows("sqlite", query, tables[name], rows),
    filled: async () => {},
  };
}
