import { accessSync, closeSync, constants, existsSync, fchownSync, openSync, statSync } from "node:fs";
import { dirname } from "node:path";

import { Database } from "bun:sqlite";

import { drizzle } from "drizzle-orm/bun-sqlite";

import type { Connection, Query } from "./connection.ts";
import { createDataVersion } from "./data-version.ts";
import { createMissingIndexes, deferIndexes, tryToCreateMissingIndexes } from "./deferred-indexes.ts";
import { sqlite } from "./kit.ts";
import { createTables } from "./schema.ts";
import { migrateSqlite, migrationsOf, requireMigrated } from "./sqlite-migrations.ts";
import { withTemporaryFiles } from "./temporary-database.ts";

/** An execution of a prepared query by drizzle's SQLite driver. */
interface Execution<T> {
  sync(): T;
}

/** A query of drizzle's SQLite driver. */
interface SynchronousQuery<T> {
  prepare(): { execute(): Execution<T> };
}

/** Limits of {@link Connection.expectManyWrites}; SQLite's defaults are 2 MB and 1000 pages of 4 KiB. */
const manyWrites = { cacheKib: 12_288, walPages: 16_000 };

/** Memory for sorting the rows of an index. */
const sortKib = 4096;

/** Milliseconds to wait for the locks of other processes: at startup, when indexes are created, and to truncate the log. */
const startupTimeoutMs = 5000;
const indexTimeoutMs = 5000;
const truncateTimeoutMs = 1000;

function runNow<T>(query: PromiseLike<T>): T {
  const runnable = query as unknown as SynchronousQuery<T> | Execution<T>;
  return ("sync" in runnable ? runnable : runnable.prepare().execute()).sync();
}

/**
 * Opens the SQLite file at `path` for one process; creates and migrates it if necessary, unless it is only to be read.
 *
 * `synchronous = full`, because an acknowledged upload must survive a power cut. `busy_timeout` must precede
 * `journal_mode`, or two processes that start at the same time get SQLITE_BUSY. After startup a locked database fails
 * immediately, because SQLite would block the thread that serves all requests; `retryTemporaryFailures` tries again.
 * @throws a system or SQLite error with a `code` if the file cannot be opened or is not a database; NewerDatabase; for one
 * that is only to be read, UnsupportedSource
 */
export async function openSqlite(path: string, { isReadOnly = false } = {}): Promise<Connection> {
  // SQLite opens a read-only file without an error. The check must not open the file, because closing it would release
  // every lock that this process has on it (https://www.sqlite.org/howtocorrupt.html, 2.2).
  if (existsSync(path)) accessSync(path, constants.R_OK | constants.W_OK);
  else if (!isReadOnly) createFile(path);
  const client = new Database(path, { readwrite: true, create: !isReadOnly, strict: true });
  try {
    client.run(`pragma busy_timeout = ${startupTimeoutMs}`);
    if (isReadOnly) {
      client.run("pragma query_only = on");
      requireMigrated(client);
    } else prepareForWriting(client);
    client.run("pragma busy_timeout = 0");
  } catch (error) {
    client.close();
    throw error;
  }
  const db = drizzle({ client });
  const query = db as unknown as Query;
  const pragma = client.query<{ data_version: number }, []>("pragma data_version");
  let isLogLarge = false;
  const dataVersion = createDataVersion(() => pragma.get()!.data_version);
  /**
   * Synchronous, so that no read runs between a commit and its count. Counts failed writes too, as they may have
   * committed.
   */
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
    expectManyWrites: () => {
      isLogLarge = true;
      client.run(`pragma cache_size = ${-manyWrites.cacheKib}`);
      client.run(`pragma wal_autocheckpoint = ${manyWrites.walPages}`);
    },
    deferIndexes: () => {
      deferIndexes(client);
      return () => {
        // Sorting takes as much memory as the cache may take, in addition to it.
        client.run(`pragma cache_size = ${-sortKib}`);
        // Another import may be writing.
        return waiting(client, indexTimeoutMs, () => tryToCreateMissingIndexes(client));
      };
    },
    close: async () => {
      try {
        if (isLogLarge) truncateLog(client);
        client.run("pragma optimize");
      } catch {
        // Both are optional; a full disk or a running transaction must not make closing fail.
      }
      client.close();
    },
  };
}

/** Truncates the log, which would otherwise stay large for as long as another process has the database open. */
function truncateLog(client: Database): void {
  // The transactions of other processes are short.
  waiting(client, truncateTimeoutMs, () => client.run("pragma wal_checkpoint(truncate)"));
}

/** Runs work that waits for the locks of other processes, up to `timeoutMs` for each. */
function waiting<T>(client: Database, timeoutMs: number, work: () => T): T {
  client.run(`pragma busy_timeout = ${timeoutMs}`);
  try {
    return work();
  } finally {
    client.run("pragma busy_timeout = 0");
  }
}

function prepareForWriting(client: Database): void {
  client.run("pragma journal_mode = wal");
  client.run("pragma synchronous = full");
  const migrations = migrationsOf(client);
  // Both write only if necessary, so that the service can start while another program holds the write lock. The indexes
  // come first, because migrations expect those of the earlier ones.
  if (migrations && !migrations.unknown)
    (migrations.missing ? createMissingIndexes : tryToCreateMissingIndexes)(client);
  if (!migrations || migrations.missing || migrations.unknown)
    withTemporaryFiles(() => migrateSqlite(client));
  client.run("pragma foreign_keys = on");
}

/**
 * Creates the file with mode 0600; SQLite would let all users read it. Its journal and shared-memory files inherit the
 * mode. When run as root, the folder's owner owns the file, as SQLite does with those other files.
 */
function createFile(path: string): void {
  const file = openSync(path, "a", 0o600);
  if (process.geteuid?.() === 0) {
    const { uid, gid } = statSync(dirname(path));
    fchownSync(file, uid, gid);
  }
  closeSync(file);
}
