import type { Database } from "bun:sqlite";

import { NewerDatabase } from "./failures.ts";
import { embeddedMigrations } from "./migrations.macro.ts" with { type: "macro" };

/** The migrations of a SQLite database, oldest first. */
export const sqliteMigrations = embeddedMigrations("sqlite");

/** The file is intact, but this version of the program cannot read it as it is. */
export class UnsupportedSource extends Error {
  override readonly name = "UnsupportedSource";
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
  const known = sqliteMigrations.map(({ tag }) => tag);
  return {
    done,
    unknown: done.some((tag) => !known.includes(tag)),
    missing: known.some((tag) => !done.includes(tag)),
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
 * Brings the schema of a SQLite database up to date, in one transaction. Turns foreign keys off, because changing a table can
 * mean rebuilding it, which must not delete child rows.
 * @throws NewerDatabase
 */
export function migrateSqlite(client: Database): void {
  client.run("pragma foreign_keys = off");
  client
    .transaction(() => {
      client.run("create table if not exists migrations (tag text primary key)");
      const { done, unknown } = migrationsOf(client)!;
      if (unknown) throw new NewerDatabase("sqlite");
      for (const { tag, statements } of sqliteMigrations) {
        if (done.includes(tag)) continue;
        for (const statement of statements) client.run(statement);
        client.run("insert into migrations values (?)", [tag]);
      }
      if (client.query("pragma foreign_key_check").get()) throw new Error("a migration broke a foreign key");
    })
    .immediate();
}
