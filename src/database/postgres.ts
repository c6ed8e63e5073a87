import { SQL } from "bun";

import { drizzle } from "drizzle-orm/bun-sql";

import type { PostgresSettings } from "../config/postgres-url.ts";
import type { Connection, Query } from "./connection.ts";
import { NewerDatabase, UnsupportedDatabase } from "./failures.ts";
import { pg } from "./kit.ts";
import { migrationLock } from "./locks.ts";
import { embeddedMigrations } from "./migrations.macro.ts" with { type: "macro" };
import { createTables } from "./schema.ts";
import { watchedPool, type Pool } from "./watched-pool.ts";

/** Seconds that connecting may take. */
const connectTimeoutSeconds = 10;

/** Seconds after which the server cancels a statement: far more than any statement here takes on a healthy server. */
const statementTimeoutSeconds = 15;

/**
 * Seconds without any response after which the server counts as lost: more than a statement may take, and less than HTTP
 * clients commonly wait for a response.
 */
const responseTimeoutSeconds = 25;

/**
 * Milliseconds after which the server aborts an idle transaction. A node that crashed or hangs must not keep its locks,
 * because all other nodes need the publish lock.
 */
const idleTransactionTimeoutMs = 10_000;

/** The isolation level that the queries rely on. At a higher one, concurrent queries would fail. */
const isolation = "read committed";

/** Sent with every connection; they override the defaults of the server, the database and the user. */
const connectionParameters = {
  default_transaction_isolation: isolation,
  statement_timeout: String(statementTimeoutSeconds * 1000),
  idle_in_transaction_session_timeout: String(idleTransactionTimeoutMs),
};

/** PgBouncer rejects parameters that its `ignore_startup_parameters` does not list. */
export const connectionParameterNames: readonly string[] = Object.keys(connectionParameters);

/**
 * Opens and migrates a PostgreSQL database, which any number of processes may share. The next query replaces a lost
 * connection; queries that ran on it fail. Queries to a server that no longer responds fail after
 * {@link responseTimeoutSeconds}.
 *
 * `sslmode` in the address decides about TLS. Without it, TLS is used if the server supports it (`prefer`, libpq's
 * default).
 * @param options `migrates: false` refuses a database of an older version rather than change it
 * @throws PostgresError if the database cannot be reached or used; NewerDatabase; UnsupportedDatabase
 */
export async function openPostgres(
  { url, poolSize }: PostgresSettings,
  { migrates = true } = {},
): Promise<Connection> {
  const names = [...new URL(url).searchParams.keys()];
  const connect = () =>
    new SQL(url, {
      max: poolSize,
      connectionTimeout: connectTimeoutSeconds,
      ...(names.some((name) => ["sslmode", "ssl", "tls"].includes(name)) ? {} : { tls: "prefer" }),
      connection: {
        application_name: "image-sharing",
        ...connectionParameters,
      },
    });
  // Not a watched pool, because a migration may run for longer than the timeout.
  const migrating = connect();
  try {
    await requireSupportedSettings(migrating);
    await (migrates ? migrate(migrating) : requireMigrated(migrating));
  } finally {
    await migrating.close({ timeout: 0 });
  }
  const pool = watchedPool(connect, responseTimeoutSeconds);
  const client: Omit<Pool, "responded"> = pool;
  const db = drizzle({ client: client as SQL });
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
            pool.responded();
          } catch (error) {
            next = steps.throw(error);
            continue;
          }
          next = steps.next(rows);
        }
        return next.value;
      }),
    dataVersion: undefined,
    expectManyWrites: () => {},
    deferIndexes: () => () => true,
    close: () => pool.close({ timeout: 5 }),
  };
}

/** @throws UnsupportedDatabase if the encoding is not UTF-8, or a proxy has dropped the isolation level */
async function requireSupportedSettings(client: SQL): Promise<void> {
  const [settings] = await client`
    select current_setting('server_encoding') as encoding,
      current_setting('default_transaction_isolation') as isolation`;
  const { encoding, isolation: effective } = settings as { encoding: string; isolation: string };
  if (encoding !== "UTF8")
    throw new UnsupportedDatabase(
      `has the encoding ${encoding}, which cannot store every character. Create a database with: create database … encoding 'UTF8' template template0.`,
    );
  if (effective !== isolation)
    throw new UnsupportedDatabase(
      `has the default isolation level ${effective}, and a proxy such as PgBouncer keeps this program from changing it for its connections. Set it with: alter database … set default_transaction_isolation = '${isolation}'.`,
    );
}

/** When several nodes start at the same time, one of them migrates and the others wait. */
async function migrate(client: SQL): Promise<void> {
  await client.begin(async (tx) => {
    // The wait for another node's migration has no limit.
    await tx`set local statement_timeout = 0`;
    await tx`select pg_advisory_xact_lock(${migrationLock})`;
    await tx`create table if not exists migrations (tag text primary key)`;
    const done = await migrationsIn(tx);
    const migrations = embeddedMigrations("pg");
    for (const { tag, statements } of migrations) {
      if (done.has(tag)) continue;
      for (const statement of statements) await tx.unsafe(statement);
      await tx`insert into migrations values (${tag})`;
    }
  });
}

/** @throws UnsupportedDatabase if the schema is not that of this version; NewerDatabase */
async function requireMigrated(client: SQL): Promise<void> {
  const [found] = await client`select to_regclass('migrations') is not null as present`;
  if (!found.present)
    throw new UnsupportedDatabase(
      "holds no data of this service. Start the service with it once, or set DATABASE_URL to another one.",
    );
  const done = await migrationsIn(client);
  if (embeddedMigrations("pg").some(({ tag }) => !done.has(tag)))
    throw new UnsupportedDatabase(
      "is of an older version of this program. Use that version, or start this one once, which brings it up to date.",
    );
}

/** The tags of the migrations that a database has. @throws NewerDatabase if this version does not know one */
async function migrationsIn(client: SQL): Promise<ReadonlySet<string>> {
  const rows: { tag: string }[] = await client`select tag from migrations`;
  const done = new Set(rows.map(({ tag }) => tag));
  const known = new Set(embeddedMigrations("pg").map(({ tag }) => tag));
  if (done.difference(known).size > 0) throw new NewerDatabase("pg");
  return done;
}
