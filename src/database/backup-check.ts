import { Database, constants } from "bun:sqlite";

import { migrationsOf, sqliteMigrations } from "./sqlite-migrations.ts";

/**
 * Checks the database of a backup, which is untrusted input. SQLite opens it read-only and immutable, so it reads no
 * journal file, writes nothing, and runs no function that the schema names.
 * @returns the problem, as a predicate for the subject "its database"; undefined if this version can use the database
 */
export function problemOfBackup(path: string): string | undefined {
  const address = `${Bun.pathToFileURL(path).href}?immutable=1`;
  let client: Database | undefined;
  try {
    client = new Database(address, constants.SQLITE_OPEN_READONLY | constants.SQLITE_OPEN_URI);
    client.run("pragma trusted_schema = off");
    client.run("pragma cell_size_check = on");
    const integrity = client.query<{ integrity_check: string }, []>("pragma integrity_check(1)").get();
    if (integrity?.integrity_check !== "ok") return "is damaged";
    const migrations = migrationsOf(client);
    if (!migrations) return "is none of this service";
    if (migrations.unknown) return "was made by a newer version of this program";
    if (schemaOf(client).symmetricDifference(schemaAfter(migrations.done)).size > 0)
      return "lacks tables, columns or indexes, or has some that are none of this service";
    if (client.query("pragma foreign_key_check").get())
      return "is damaged: rows that others refer to are missing";
    return undefined;
  } catch {
    return "is damaged or no SQLite database";
  } finally {
    client?.close();
  }
}

/** Every schema object, except those that SQLite creates itself, and every column of tables and indexes. */
function schemaOf(client: Database): Set<string> {
  const rows = client.query<{ type: string; name: string; tbl_name: string }, []>(
    "select type, name, tbl_name from sqlite_master where name not like 'sqlite\\_%' escape '\\'",
  );
  const objects = rows.all();
  const columns = objects.flatMap(({ type, name }) => {
    const query = { table: columnsOfTable, index: columnsOfIndex }[type];
    return query === undefined
      ? []
      : client
          .query<object, [string]>(query)
          .all(name)
          .map((column) => JSON.stringify([name, column]));
  });
  return new Set([
    ...columns,
    ...objects.map(({ type, name, tbl_name }) => `${type} ${name} of ${tbl_name}`),
  ]);
}

/** Without their order, which depends on the migrations that a database has gone through. */
const columnsOfTable = `select name, upper(type) as type, "notnull", pk, hidden from pragma_table_xinfo(?)`;
const columnsOfIndex = `select seqno, cid < 0 as computed, name, "desc", coll from pragma_index_xinfo(?) where key`;

/** The schema objects of a database that has these migrations. */
function schemaAfter(tags: readonly string[]): Set<string> {
  const client = new Database(":memory:");
  try {
    client.run("create table migrations (tag text primary key)");
    for (const { tag, statements } of sqliteMigrations)
      if (tags.includes(tag)) for (const statement of statements) client.run(statement);
    return schemaOf(client);
  } finally {
    client.close();
  }
}
