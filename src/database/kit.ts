// Column builders with the same names and JavaScript types for both dialects; only the SQL types differ.
import * as p from "drizzle-orm/pg-core";
import * as s from "drizzle-orm/sqlite-core";

/** Compares ids and keys byte by byte, as SQLite does, so that page order does not depend on the server's locale. */
const pgId = p.customType<{ data: string }>({ dataType: () => `text collate "C"` });

export const pg = {
  table: p.pgTable,
  index: p.index,
  uniqueIndex: p.uniqueIndex,
  primaryKey: p.primaryKey,
  id: (name: string) => pgId(name),
  text: (name: string) => p.text(name),
  int: (name: string) => p.integer(name),
  big: (name: string) => p.bigint(name, { mode: "number" }),
  real: (name: string) => p.doublePrecision(name),
  bool: (name: string) => p.boolean(name),
  time: (name: string) => p.timestamp(name, { withTimezone: true, precision: 3, mode: "date" }),
};

export type Kit = typeof pg;

/** The same builders for SQLite, cast to PostgreSQL's types so that schema and queries are written only once. */
export const sqlite = {
  table: s.sqliteTable,
  index: s.index,
  uniqueIndex: s.uniqueIndex,
  primaryKey: s.primaryKey,
  id: (name: string) => s.text(name),
  text: (name: string) => s.text(name),
  int: (name: string) => s.integer(name),
  big: (name: string) => s.integer(name),
  real: (name: string) => s.real(name),
  bool: (name: string) => s.integer(name, { mode: "boolean" }),
  time: (name: string) => s.integer(name, { mode: "timestamp_ms" }),
} satisfies Record<keyof Kit, unknown> as unknown as Kit;
