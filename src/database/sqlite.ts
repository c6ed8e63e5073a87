import { accessSync, closeSync, constants, existsSync, fchownSync, openSync, statSync } from "node:fs";
import { dirname } from "node:path";

import { Database } from "bun:sqlite";

import { drizzle } from "drizzle-orm/bun-sqlite";

import type { Connection, Query } from "./connection.ts";
import { createDataVersion } from "./data-version.ts";
import { NewerDatabase } from "./failures.ts";
import { sqlite } from "./kit.ts";
import { embeddedMigrations } from "./migrations.macro.ts" with { type: "macro" };
import { createTables } from "./schema.ts";
import { migrationsOf } from "./sqlite-source.ts";

/** A query builder of the SQLite driver, which can run without waiting for a promise. */
interface SynchronousQuery<T> {
  prepare(): { execute(): { sync(): T } };
}

const runNow = <T>(query: PromiseLike<T>): T =>
  (query as unknown as SynchronousQuery<T>).prepare().execute().sync();

/**
 * Opens (and makes, and migrates) the SQLite file at `path`, for one process.
 *
 * `synchronous = full`: an acknowledged upload must survive a power cut. `busy_timeout` comes before
 * `journal_mode`, or two processes starting at once get SQLITE_BUSY. Once open, a locked database is told at once: SQLite
 * would wait on the thread that answers all requests.
 * @throws an error with a `code`, of the system or of SQLite, where the file cannot be opened or is no database;
 * NewerDatabase
 */
export async function openSqlite(path: string): Promise<Connection> {
  // SQLite would work for a while with a file that it may only read. Checked without opening the file: closing it would
  // release every lock that this process has on it (https://www.sqlite.org/howtocorrupt.html, 2.2).
  if (existsSync(path)) accessSync(path, constants.R_OK | constants.W_OK);
  else makeFile(path);
  const client = new Database(path, { create: true, strict: true });
  try {
    client.run("pragma busy_timeout = 5000");
    client.run("pragma journal_mode = wal");
    client.run("pragma synchronous = full");
    const migrations = migrationsOf(client);
    // Nothing is written otherwise, so that the service starts while another program holds the lock for writing.
    if (!migrations || migrations.missing || migrations.unknown) migrate(client);
    client.run("pragma foreign_keys = on");
    client.run("pragma busy_timeout = 0");
  } catch (error) {
    client.close();
    throw error;
  }
  const db = drizzle({ client });
  const query = db as unknown as Query;
  const pragma = client.query<{ data_version: number }, []>("pragma data_version");
  const dataVersion = createDataVersion(() => pragma.get()!.data_version);
  /** Synchronous, so that no read runs between a commit and its count. A failed write may have changed something too. */
  const counted = <T>(write: () => T): T => {
    try {
      return write();
    } finally {
      dataVersion.increment();
    }
  };
  return {
    dialect: "sqlite",
    query,
    tables: createTables(sqlite),
    write: async (statement) => counted(() => runNow(statement(query))),
    transaction: async (body) =>
      counted(() =>
        db.transaction(
          (tx) => {
            const steps = body(tx as unknown as Query);
            let next = steps.next();
            while (!next.done) {
              let rows: unknown;
              try {
                rows = runNow(next.value);
              } catch (error) {
                next = steps.throw(error);
                continue;
              }
              next = steps.next(rows);
            }
            return next.value;
          },
          { behavior: "immediate" },
        ),
      ),
    dataVersion: dataVersion.current,
    close: async () => {
      try {
        client.run("pragma optimize");
      } catch {
        // Statistics are worth no failure, such as that of a full disk.
      }
      client.close();
    },
  };
}

/**
 * SQLite would make a file that everybody can read; its other files take after this one. Made by root, it belongs to the
 * folder's owner, as SQLite's other files will.
 */
function makeFile(path: string): void {
  const file = openSync(path, "a", 0o600);
  if (process.geteuid?.() === 0) {
    const { uid, gid } = statSync(dirname(path));
    fchownSync(file, uid, gid);
  }
  closeSync(file);
}

/** Foreign keys are off meanwhile: SQLite rebuilds tables to change them, and a rebuild must not delete child rows. */
function migrate(client: Database): void {
  client.run("pragma foreign_keys = off");
  client
    .transaction(() => {
      client.run("create table if not exists migrations (tag text primary key)");
      const done = new Set(
        client
          .query<{ tag: string }, []>("select tag from migrations")
          .all()
          .map(({ tag }) => tag),
      );
      const migrations = embeddedMigrations("sqlite");
      if (done.difference(new Set(migrations.map(({ tag }) => tag))).size > 0)
        throw new NewerDatabase("sqlite");
      for (const { tag, statements } of migrations) {
        if (done.has(tag)) continue;
        for (const statement of statements) client.run(statement);
        client.run("insert into migrations values (?)", [tag]);
      }
      if (client.query("pragma foreign_key_check").get()) throw new Error("a migration broke a foreign key");
    })
    .immediate();
}
