import { Database } from "bun:sqlite";

import { drizzle } from "drizzle-orm/bun-sqlite";

import type { Connection, Query } from "./connection.ts";
import { sqlite } from "./kit.ts";
import { embeddedMigrations } from "./migrations.macro.ts" with { type: "macro" };
import { createTables } from "./schema.ts";

/** A SQLite database that no other process can open; nothing changes it. */
export interface SqliteSource extends Pick<Connection, "tables"> {
  readonly query: Query;
  close(): void;
}

/** The file is intact, but this version of the program cannot read it as it is. */
export class UnsupportedSource extends Error {
  override readonly name = "UnsupportedSource";
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

/** @throws UnsupportedSource if the schema is not that of this version */
export function requireMigrated(client: Database): void {
  const migrations = migrationsOf(client);
  if (!migrations) throw new UnsupportedSource("no database of this service");
  if (migrations.unknown) throw new UnsupportedSource("of a newer version of this program");
  if (migrations.missing)
    throw new UnsupportedSource(
      "of an older version of this program. Start this version of the service once, which brings it up to date",
    );
}

/**
 * Compares a database's migrations with those of this version.
 * @returns the applied ones, whether this version does not know some of them, and whether some are missing; undefined
 * for a database of another program
 */
export function migrationsOf(
  client: Database,
): { done: string[]; unknown: boolean; missing: boolean } | undefined {
  const named = client.query("select 1 from sqlite_master where type = 'table' and name = 'migrations'");
  if (!named.get()) return undefined;
  const done = client
    .query<{ tag: string }, []>("select tag from migrations")
    .all()
    .map(({ tag }) => tag);
  const known = embeddedMigrations("sqlite").map(({ tag }) => tag);
  return {
    done,
    unknown: done.some((tag) => !known.includes(tag)),
    missing: known.some((tag) => !done.includes(tag)),
  };
}
