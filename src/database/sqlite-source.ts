import { Database } from "bun:sqlite";

import { drizzle } from "drizzle-orm/bun-sqlite";

import type { Connection, Query } from "./connection.ts";
import { sqlite } from "./kit.ts";
import { embeddedMigrations } from "./migrations.macro.ts" with { type: "macro" };
import { createTables } from "./schema.ts";

/** A SQLite database that nobody else can open, and that stays as it is. */
export interface SqliteSource extends Pick<Connection, "tables"> {
  readonly query: Query;
  close(): void;
}

/** The file is whole, but none that this version of the program can move. */
export class UnfitSource extends Error {
  override readonly name = "UnfitSource";
}

/** Milliseconds that another program has to let go of the file. */
const patience = 1000;

/**
 * Opens the SQLite file at `path` for one who wants it to himself: no other program has it open meanwhile, in this
 * container or in another. Nothing is migrated.
 * @throws SQLiteError `SQLITE_BUSY` where another program has it open, others where it is missing or damaged
 * @throws UnfitSource saying what the file is, where it is not of this version
 */
export function openSqliteSource(path: string): SqliteSource {
  const client = new Database(path, { readwrite: true, create: false, strict: true });
  try {
    client.run(`pragma busy_timeout = ${patience}`);
    // Before the first look at the file: everybody who has it open in WAL mode holds a shared lock, busy or not.
    client.run("pragma locking_mode = exclusive");
    client.run("begin exclusive");
    checkVersion(client);
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

function checkVersion(client: Database): void {
  const migrations = migrationsOf(client);
  if (!migrations) throw new UnfitSource("no database of this service");
  if (migrations.unknown) throw new UnfitSource("of a newer version of this program");
  if (migrations.missing)
    throw new UnfitSource(
      "of an older version of this program, which brings it up to date when it serves it once",
    );
}

/**
 * Compares the migrations that made a database with those of this version.
 * @returns those it has, whether some of them are not known here, and whether it lacks some; undefined for a database of
 * another program
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
