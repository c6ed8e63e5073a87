import { Column, is, noopDecoder, type SQL, sql } from "drizzle-orm";

import type { Connection } from "./connection.ts";

/** A select, as far as is needed here. */
interface Select<Row> {
  prepare(name: string): { execute(values: Values): PromiseLike<Row[]> };
}

/** By placeholder. */
type Values = Record<string, unknown>;

/** What the SQLite driver makes of a select of {@link named} fields. */
interface SqliteQuery {
  readonly fields: { readonly path: string[]; readonly field: { sql: { decoder: Decoder } } }[];
  /** Placeholders, plain or with what encodes their value. */
  readonly query: { readonly params: ({ name: string } | { value: { name: string }; encoder: Encoder })[] };
  readonly stmt: { all(...parameters: unknown[]): Values[] };
}

interface Decoder {
  mapFromDriverValue(value: unknown): unknown;
}

interface Encoder {
  mapToDriverValue(value: unknown): unknown;
}

/**
 * The same fields, under their names in the query too, so that nobody has to make a driver's rows anew. Typed as what they
 * stand for, so that rows have their types; for a select only.
 */
export const named = <Fields extends Record<string, Column | SQL>>(fields: Fields): Fields =>
  Object.fromEntries(
    Object.entries(fields).map(([name, field]) => {
      const decoder = is(field, Column) ? field : (field as unknown as { decoder: Decoder }).decoder;
      return [name, sql`${field}`.mapWith(decoder).as(name)];
    }),
  ) as unknown as Fields;

/** Decoders that change nothing. */
const plain = new Set<unknown>([Column.prototype.mapFromDriverValue, noopDecoder.mapFromDriverValue]);

/**
 * Prepares a select of {@link named} fields, whose every value is a placeholder, that is run very often.
 *
 * On SQLite values and rows are read and written here: the query builder finds out anew for each how that is done,
 * which takes as long as the query itself.
 * @returns runs it with these values for its placeholders
 */
export function prepared<Row>(
  { dialect }: Connection,
  name: string,
  select: Select<Row>,
): (values: Values) => Promise<Row[]> {
  const preparedQuery = select.prepare(name);
  if (dialect === "pg") return async (values) => preparedQuery.execute(values);
  const { fields, query, stmt } = preparedQuery as unknown as SqliteQuery;
  const coded = fields
    .map(({ path, field }) => ({ name: path[0]!, decoder: field.sql.decoder }))
    .filter(({ decoder }) => !plain.has(decoder.mapFromDriverValue));
  const parameters = query.params.map((parameter) =>
    "encoder" in parameter
      ? (values: Values) => parameter.encoder.mapToDriverValue(values[parameter.value.name])
      : (values: Values) => values[parameter.name],
  );
  return async (values) => {
    const rows = stmt.all(...parameters.map((valueOf) => valueOf(values)));
    for (const row of rows)
      for (const { name, decoder } of coded)
        if (row[name] !== null) row[name] = decoder.mapFromDriverValue(row[name]);
    return rows as Row[];
  };
}
