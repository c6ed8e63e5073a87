import type { Database } from "bun:sqlite";

import { codeOf } from "../disk-errors.ts";
import { migrationsOf, sqliteMigrations } from "./sqlite-migrations.ts";

/** The indexes that {@link deferIndexes} drops. */
const deferredIndexes = ["posts_feed", "posts_author_feed"];

/**
 * Drops the large indexes of posts in a database without posts, for a process that is about to insert many in the order of
 * their random ids: into these indexes, almost every row would change a page of its own. Until they are created again,
 * reading the feed takes as long as reading all posts. They stay while another process writes, such as another import.
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
 * Creates those indexes that are missing, because they were deferred by this process, or by one that was killed. Each is a
 * transaction of its own, so that other writers wait as briefly as possible.
 */
export function createMissingIndexes(client: Database): void {
  const exists = client.query("select 1 from sqlite_master where type = 'index' and name = ?");
  for (const name of deferredIndexes) {
    if (exists.get(name)) continue;
    client
      .transaction(() => {
        // Another process may have been faster.
        const statement = exists.get(name) ? undefined : creationOf(client, name);
        if (statement !== undefined) client.run(statement);
      })
      .immediate();
  }
}

/** The statement that has created an index last; undefined if no migration of the database has. */
function creationOf(client: Database, index: string): string | undefined {
  const done = migrationsOf(client)?.done ?? [];
  return sqliteMigrations
    .filter(({ tag }) => done.includes(tag))
    .flatMap(({ statements }) => statements)
    .findLast((statement) => statement.startsWith(`CREATE INDEX \`${index}\` `));
}
