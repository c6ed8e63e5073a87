import type { Connection } from "./connection.ts";

/** A select, as far as is needed here. */
interface Select<Row> {
  prepare(name: string): { execute(values: Values): PromiseLike<Row[]> };
}

/** By placeholder. */
type Values = Record<string, unknown>;

/** What the SQLite driver makes of a select. */
interface SqliteQuery {
  /** A column decodes itself, SQL has a decoder. */
  readonly fields: { readonly path: string[]; readonly field: Decoder | { decoder: Decoder } }[];
  /** Placeholders, plain or with what encodes their value. */
  readonly query: { readonly params: ({ name: string } | { value: { name: string }; encoder: Encoder })[] };
  readonly stmt: { values(...parameters: unknown[]): unknown[][] };
}

interface Decoder {
  mapFromDriverValue(value: unknown): unknown;
}

interface Encoder {
  mapToDriverValue(value: unknown): unknown;
}

/**
 * Prepares a select of columns, none of them nested, whose every value is a placeholder, that is run very often.
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
  const columns = fields.map(({ path, field }) => ({
    name: path[0]!,
    decoder: "decoder" in field ? field.decoder : field,
  }));
  const parameters = query.params.map((parameter) =>
    "encoder" in parameter
      ? (values: Values) => parameter.encoder.mapToDriverValue(values[parameter.value.name])
      : (values: Values) => values[parameter.name],
  );
  return async (values) =>
    stmt.values(...parameters.map((valueOf) => valueOf(values))).map((row) => {
      const made: Values = {};
      for (let i = 0; i < columns.length; i++) {
        const { name, decoder } = columns[i]!;
        const value = row[i];
        made[name] = value === null ? null : decoder.mapFromDriverValue(value);
      }
      return made as Row;
    });
}
