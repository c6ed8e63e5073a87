import type { Connection } from "./connection.ts";

/** A select, as far as is needed here. */
interface Select<Row> {
  prepare(name: string): { execute(values: Record<string, unknown>): PromiseLike<Row[]> };
}

/** Reads a value as the driver gives it. */
interface Decoder {
  mapFromDriverValue(value: unknown): unknown;
}

/** What the SQLite driver makes of a select. A column decodes itself, SQL has a decoder. */
interface SqliteStatement {
  readonly fields: { readonly path: string[]; readonly field: Decoder | { decoder: Decoder } }[];
  values(values: Record<string, unknown>): unknown[][];
}

/**
 * Prepares a select of columns, none of them nested, that is run very often.
 *
 * On SQLite its rows are made here: the query builder finds out anew for every value how to read it, which takes as
 * long as the query itself.
 * @returns runs it with these values for its placeholders
 */
export function prepared<Row>(
  { dialect }: Connection,
  name: string,
  select: Select<Row>,
): (values: Record<string, unknown>) => Promise<Row[]> {
  const query = select.prepare(name);
  if (dialect === "pg") return async (values) => query.execute(values);
  const statement = query as unknown as SqliteStatement;
  const fields = statement.fields.map(({ path, field }) => ({
    name: path[0]!,
    decoder: "decoder" in field ? field.decoder : field,
  }));
  return async (values) =>
    statement.values(values).map((row) => {
      const made: Record<string, unknown> = {};
      for (let i = 0; i < fields.length; i++) {
        const { name, decoder } = fields[i]!;
        const value = row[i];
        made[name] = value === null ? null : decoder.mapFromDriverValue(value);
      }
      return made as Row;
    });
}
