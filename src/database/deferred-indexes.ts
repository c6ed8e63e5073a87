import type { Database } from "bun:sqlite";

import { codeOf } from "../disk-errors.ts";
import { migrationsOf, sqliteMigrations } from "./sqlite-migrations.ts";
import { mayConcernTemporaryFiles } from "./temporary-database.ts";

/** The indexes that {@link deferIndexes} drops. */
const deferredIndexes = ["posts_feed", "posts_author_feed"];

/**
 * Drops the large indexes of posts in a database without posts, for a process that is about to insert many in the order of
 * their random ids: almost every row would change another page of these indexes. Until they are created again, reading the
 * feed takes as long as reading all posts. Keeps them if another process is writing, such as another import.
 */
export function deferIndexes(client: Database): void {
  const drop = client.transaction(() => {
    if (client.query("select 1 from posts").get()) return;
    for (const name of deferredIndexes) client.run(`drop index if exists "${name}"`);
  });
  try {
    drop.immediate();
  } catch (error) {
    if (codeOf(error) !== "SQLITE_BUSY") throw error;
  }
}

/**
 * Creates the indexes that this process has deferred, or another one that was killed since. Each takes a transaction of its
 * own, so that other writers wait as briefly as possible.
 */
export function createMissingIndexes(client: Database): void {
  const exists = client.query("select 1 from sqlite_master where type = 'index' and name = ?");
  for (const name of deferredIndexes) {
    if (exists.get(name)) continue;
    const create = client.transaction(() => {
      // Another process may have been faster.
      const statement = exists.get(name) ? undefined : creationOf(client, name);
      if (statement !== undefined) client.run(statement);
    });
    sortAnywhere(client, () => create.immediate());
  }
}

/**
 * The same, except that an index stays missing when another process holds the lock for too long, or there is no space. The
 * database works without it, only slowly, so this must not keep a service from starting.
 * @returns whether all indexes exist
 */
export function tryToCreateMissingIndexes(client: Database): boolean {
  try {
    createMissingIndexes(client);
    return true;
  } catch (error) {
    if (!/^SQLITE_(?:BUSY|FULL)/.test(codeOf(error))) throw error;
    return false;
  }
}

/**
 * Runs work that sorts rows: in temporary files, or in memory if they cannot be written. They are not in the data folder, so
 * the database must not become unusable when their folder is full or read-only.
 */
function sortAnywhere(client: Database, work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!mayConcernTemporaryFiles(error)) throw error;
    const { temp_store: before } = client.query<{ temp_store: number }, []>("pragma temp_store").get()!;
    client.run("pragma temp_store = memory");
    try {
      work();
    } finally {
      client.run(`pragma temp_store = ${before}`);
    }
  }
}

/** The latest statement that creates an index, of the migrations that the database has; undefined if there is none. */
function creationOf(client: Database, index: string): string | undefined {
  const done = migrationsOf(client)?.done ?? [];
  return sqliteMigrations
    .filter(({ tag }) => done.includes(tag))
    .flatMap(({ statements }) => statements)
    .findLast((statement) => statement.startsWith(`CREATE INDEX \`${index}\` `));
}
