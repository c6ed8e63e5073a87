import { Database } from "bun:sqlite";

import { drizzle } from "drizzle-orm/bun-sqlite";

import type { Connection, Query } from "./connection.ts";
import { sqlite } from "./kit.ts";
import { createTables } from "./schema.ts";
import { requireMigrated } from "./sqlite-migrations.ts";

/** A SQLite database that no other process can open; nothing changes it. */
export interface SqliteSource extends Pick<Connection, "tables"> {
  readonly query: Query;
  close(): void;
}

/** Milliseconds to wait for another program to release the file. */
const lockTimeoutMs = 1000;

/**
 * Opens the SQLite file at `path` exclusively: until it is closed, no other program can open it, in this container or
 * another. Does not migrate it.
 * @throws SQLiteError `SQLITE_BUSY` if another program has it open; other codes if it is missing or damaged
 * @throws UnsupportedSource, whose message describes the file, if its schema is not that of this version
 */
export function openSqliteSource(path: string): SqliteSource {
  const client = new Database(path, { readwrite: true, create: false, strict: true });
  try {
    client.run(`pragma busy_timeout = ${lockTimeoutMs}`);
    // Before the first read. Every connection in WAL mode holds a shared lock, even an idle one.
    client.run("pragma locking_mode = exclusive");
    client.run("begin exclusive");
    requireMigrated(client);
    const damage = client.query<{ quick_check: string }, []>("pragma quick_check(1)").get();
    if (damage?.quick_check !== "ok")
      throw Object.assign(new Error(damage?.quick_check), { code: "SQLITE_CORRUPT" });
  } catch (error) {
    client.close();
    throw error;
  }
  return {
    query: drizzle({ client }) as unknown as Query,
    tables: createTables(sqlite),
    close() {
      client.run("rollback");
      client.close();
    },
  };
}
