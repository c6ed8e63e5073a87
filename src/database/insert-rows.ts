import { getTableColumns, sql, type SQL } from "drizzle-orm";
import type { PgColumn, PgTable } from "drizzle-orm/pg-core";

import { step, type Connection, type Query, type Steps } from "./connection.ts";

/**
 * Inserts many rows with one JSON parameter; add conflict handling and `returning` to the result. One parameter per field
 * would double the time, and a statement takes at most 65,535 on PostgreSQL and 32,766 on SQLite.
 * @param rows with the names of the schema; columns that a row lacks get their defaults of the schema, or null
 */
export function insertRows<Table extends PgTable>(
  dialect: Connection["dialect"],
  query: Pick<Query, "insert">,
  table: Table,
  rows: readonly object[],
) {
  const columns = Object.entries(getTableColumns(table));
  const values = rows.map((row) => Object.values(storedValues(columns, row)));
  return query.insert(table).select(dialect === "pg" ? pgRows(table, values) : sqliteRows(values));
}

/**
 * Inserts rows, except those that violate a unique constraint.
 * @param rows as for {@link insertRows}
 * @returns the ids of the inserted rows
 */
export function* insertNewRows(
  dialect: Connection["dialect"],
  tx: Pick<Query, "insert">,
  table: PgTable & { id: PgColumn },
  rows: readonly object[],
): Steps<Set<string>> {
  if (rows.length === 0) return new Set();
  const id = sql<string>`${table.id}`;
  if (dialect === "pg") {
    const inserted = insertRows(dialect, tx, table, rows).onConflictDoNothing().returning({ id });
    return new Set((yield* step(inserted)).map(({ id }) => id));
  }
  // An insert of many rows would need a statement journal (https://www.sqlite.org/tempfiles.html), which adds half as
  // much again to the bytes written to the disk.
  const columns = Object.entries(getTableColumns(table));
  const placeholders = Object.fromEntries(columns.map(([name]) => [name, sql`${sql.placeholder(name)}`]));
  const insert = tx
    .insert(table)
    .values(placeholders)
    .onConflictDoNothing()
    .returning({ id })
    .prepare("insert_new_row");
  const ids = new Set<string>();
  for (const row of rows)
    for (const { id } of yield* step(insert.execute(storedValues(columns, row)))) ids.add(id);
  return ids;
}

/** The values of a row as the driver stores them, by the columns' names in the schema. */
function storedValues(columns: readonly [string, PgColumn][], row: object): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const [name, column] of columns) {
    const given = (row as Record<string, unknown>)[name];
    const value = given === undefined ? (column.default ?? column.defaultFn?.()) : given;
    values[name] = value == null ? null : column.mapToDriverValue(value);
  }
  return values;
}

function pgRows(table: PgTable, values: readonly unknown[][]): SQL {
  const names = Object.values(getTableColumns(table)).map(({ name }) => name);
  const objects = values.map((row) => Object.fromEntries(names.map((name, i) => [name, row[i]])));
  const columns = sql.join(
    names.map((name) => sql.identifier(name)),
    sql`, `,
  );
  return sql`select ${columns} from json_populate_recordset(null::${table}, ${JSON.stringify(objects)}::text::json)`;
}

/** Arrays, which SQLite reads faster than objects. */
function sqliteRows(values: readonly unknown[][]): SQL {
  const columns = sql.raw((values[0] ?? []).map((_, i) => `value ->> ${i}`).join(", "));
  // The condition separates the source from a conflict clause, as SQLite's grammar requires.
  return sql`select ${columns} from json_each(${JSON.stringify(values)}) where true`;
}
