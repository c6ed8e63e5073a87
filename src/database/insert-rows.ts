import { getTableColumns, sql, type SQL } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";

import type { Connection, Query } from "./connection.ts";

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
  const values = rows.map((row) =>
    columns.map(([name, column]) => {
      const given = (row as Record<string, unknown>)[name];
      const value = given === undefined ? (column.default ?? column.defaultFn?.()) : given;
      return value == null ? null : column.mapToDriverValue(value);
    }),
  );
  return query.insert(table).select(dialect === "pg" ? pgRows(table, values) : sqliteRows(values));
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
