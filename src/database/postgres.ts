import { SQL } from "bun";

import { drizzle } from "drizzle-orm/bun-sql";

import type { PostgresSettings } from "../config/config.ts";
import type { Connection, Query } from "./connection.ts";
import { NewerDatabase, UnfitDatabase } from "./failures.ts";
import { pg } from "./kit.ts";
import { migrationLock } from "./locks.ts";
import { embeddedMigrations } from "./migrations.macro.ts" with { type: "macro" };
import { createTables } from "./schema.ts";
import { watchedPool } from "./watched-pool.ts";

/** Seconds that a connection may take to be made. */
const connectionTimeout = 10;

/** Seconds after which the server gives up a statement: far more than any of ours takes on a healthy one. */
const statementTimeout = 15;

/**
 * Seconds without any answer after which the server counts as gone: more than it may take for a statement, and less
 * than our own clients wait in silence.
 */
const patience = 25;

/**
 * Milliseconds after which the server gives up a transaction that asks nothing more: a node that died without a word,
 * or was frozen, must not keep its locks, or nobody could publish.
 */
const abandonedTransactionTimeout = 10_000;

/** What the queries are written for: at a higher level they would fail when they meet each other. */
const isolation = "read committed";

/** What every connection sets for itself. Overrides the defaults of the server, the database and the user. */
const connectionParameters = {
  default_transaction_isolation: isolation,
  statement_timeout: String(statementTimeout * 1000),
  idle_in_transaction_session_timeout: String(abandonedTransactionTimeout),
};

/** Their names: PgBouncer has to be told to let them pass. */
export const connectionParameterNames: readonly string[] = Object.keys(connectionParameters);

/**
 * Opens (and migrates) a PostgreSQL database, which any number of processes may share. Connections that are lost are
 * made anew by the next query; what ran on them fails. So does, after a while, what a server that vanished never answers.
 *
 * TLS as `sslmode` in the address says; without it, TLS where the server has it (`prefer`, as libpq does).
 * @throws PostgresError where the database cannot be reached or used; NewerDatabase; UnfitDatabase
 */
export async function openPostgres({ url, poolSize }: PostgresSettings): Promise<Connection> {
  const names = [...new URL(url).searchParams.keys()];
  const connect = () =>
    new SQL(url, {
      max: poolSize,
      connectionTimeout,
      ...(names.some((name) => ["sslmode", "ssl", "tls"].includes(name)) ? {} : { tls: "prefer" }),
      connection: {
        application_name: "image-sharing",
        ...connectionParameters,
      },
    });
  // Apart from what is watched: a migration may take its time.
  const migrating = connect();
  try {
    await requireFit(migrating);
    await migrate(migrating);
  } finally {
    await migrating.close({ timeout: 0 });
  }
  const pool = watchedPool(connect, patience);
  const db = drizzle({ client: pool as SQL });
  const query = db as unknown as Query;
  return {
    dialect: "pg",
    query,
    tables: createTables(pg),
    write: async (statement) => statement(query),
    transaction: (body) =>
      db.transaction(async (tx) => {
        const steps = body(tx as unknown as Query);
        let next = steps.next();
        while (!next.done) {
          let rows: unknown;
          try {
            rows = await next.value;
          } catch (error) {
            next = steps.throw(error);
            continue;
          }
          next = steps.next(rows);
        }
        return next.value;
      }),
    dataVersion: undefined,
    close: () => pool.close({ timeout: 5 }),
  };
}

/** @throws UnfitDatabase where texts could not hold every character, or a proxy has dropped our isolation level */
async function requireFit(client: SQL): Promise<void> {
  const [settings] = await client`
    select current_setting('server_encoding') as encoding,
      current_setting('default_transaction_isolation') as isolation`;
  const { encoding, isolation: effective } = settings as { encoding: string; isolation: string };
  if (encoding !== "UTF8")
    throw new UnfitDatabase(
      `has the encoding ${encoding}, which cannot hold every character. Make one with: create database … encoding 'UTF8' template template0.`,
    );
  if (effective !== isolation)
    throw new UnfitDatabase(
      `has the default isolation level ${effective}, and what is between does not let it be changed for a connection. Set it with: alter database … set default_transaction_isolation = '${isolation}'.`,
    );
}

/** Of several nodes that start at once one migrates, the others wait for it. */
async function migrate(client: SQL): Promise<void> {
  await client.begin(async (tx) => {
    // A node may have to wait for as long as another one's migration takes.
    await tx`set local statement_timeout = 0`;
    await tx`select pg_advisory_xact_lock(${migrationLock})`;
    await tx`create table if not exists migrations (tag text primary key)`;
    const done = new Set<string>(
      (await tx`select tag from migrations`).map(({ tag }: { tag: string }) => tag),
    );
    const migrations = embeddedMigrations("pg");
    if (done.difference(new Set(migrations.map(({ tag }) => tag))).size > 0) throw new NewerDatabase("pg");
    for (const { tag, statements } of migrations) {
      if (done.has(tag)) continue;
      for (const statement of statements) await tx.unsafe(statement);
      await tx`insert into migrations values (${tag})`;
    }
  });
}
