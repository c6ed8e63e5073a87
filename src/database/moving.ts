import { asc, getTableColumns, gt, sql, type SQL } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";

import { step, type Query, type Steps } from "./connection.ts";
import { openPostgres } from "./postgres.ts";
import type { Tables } from "./schema.ts";
import type { SqliteSource } from "./sqlite-source.ts";

/** Rows read and written at a time, which limits the memory. */
const pageSize = 1000;

/** The move was rolled back; the message says why. */
export class MoveError extends Error {
  override readonly name = "MoveError";
}

/** The tables, ordered so that rows are copied after those they refer to, with their names for the operator. */
const moved = [
  { name: "users", key: "id", one: "account", words: "accounts" },
  { name: "revokedTokens", key: "tokenId", one: "ended token", words: "ended tokens" },
  { name: "posts", key: "id", one: "post", words: "posts" },
  { name: "sessions", key: "id", one: "session", words: "sessions" },
  { name: "invitations", key: "id", one: "invitation", words: "invitations" },
  { name: "reports", key: "id", one: "report", words: "reports" },
  { name: "renditionJobs", key: "id", one: "rendition job", words: "rendition jobs" },
  { name: "resumableUploads", key: "id", one: "unfinished upload", words: "unfinished uploads" },
] as const;

/** Numbers of rows, by table. */
export type MovedCounts = Record<(typeof moved)[number]["words"], number>;

/** Called after every page, of the copy and then of the comparison. */
export type Progress = (what: string, rows: number, of: number) => void;

/**
 * Copies every row of the source into the empty PostgreSQL database at `url` in one transaction, reads the copy back, and
 * compares counts and checksums before the commit. An interrupted move leaves the target empty.
 * @throws MoveError if the target is not empty, cannot store a text, or returns other data than were copied
 * @throws PostgresError if the target cannot be reached or used
 */
export async function moveDatabase(
  source: SqliteSource,
  url: string,
  progress: Progress,
): Promise<MovedCounts> {
  const target = await openPostgres({ url, poolSize: 1 });
  try {
    return await target.transaction((query) => move(source, { query, tables: target.tables }, progress));
  } finally {
    await target.close();
  }
}

/** One of the two databases. */
interface Side {
  readonly query: Query;
  readonly tables: Tables;
}

type Row = Record<string, unknown>;

function* move(source: Side, target: Side, progress: Progress): Steps<MovedCounts> {
  const all = sql.join(
    moved.map(({ name }) => sql`${target.tables[name]}`),
    sql`, `,
  );
  // Keeps out other writers, such as a service that was started too early or a second move.
  yield* step(target.query.execute(sql`set local lock_timeout = '10s'`));
  yield* step(target.query.execute(sql`lock table ${all} in exclusive mode`));
  for (const { name } of moved)
    if ((yield* step(target.query.$count(target.tables[name]))) > 0)
      throw new MoveError("The database holds accounts or posts already: give the address of an empty one");

  const counts = Object.fromEntries(moved.map(({ words }) => [words, 0])) as MovedCounts;
  const checksums: string[] = [];
  for (const { name, key, one, words } of moved) {
    counts[words] = yield* step(source.query.$count(source.tables[name]));
    const checksum = yield* eachPage(source, name, key, function* (rows, read) {
      for (const row of rows) requireStorable(row, `${one} ${String(row[key])}`);
      yield* step(target.query.execute(insertAll(target.tables[name], rows)));
      progress(`copied ${words}`, read, counts[words]);
    });
    checksums.push(checksum);
  }
  // Without statistics, the comparison and the service's first queries would be planned for empty tables.
  yield* step(target.query.execute(sql`analyze ${all}`));
  for (const [i, { name, key, words }] of moved.entries()) {
    const found = yield* step(target.query.$count(target.tables[name]));
    const checksum = yield* eachPage(target, name, key, function* (_, read) {
      progress(`compared ${words}`, read, counts[words]);
    });
    if (found !== counts[words] || checksum !== checksums[i])
      throw new MoveError(`PostgreSQL returned other data than were copied (${words})`);
  }
  return counts;
}

/**
 * Reads a table page by page in the order of its primary key. Returns a checksum of its rows that does not depend on their
 * order, because PostgreSQL sorts token ids by its locale.
 */
function* eachPage(
  { query, tables }: Side,
  name: keyof Tables,
  key: string,
  use: (rows: Row[], read: number) => Steps<void>,
): Steps<string> {
  const table: PgTable = tables[name];
  const column = getTableColumns(table)[key]!;
  const checksum = new Uint8Array(32);
  let last: unknown;
  for (let read = 0; ;) {
    const rows: Row[] = yield* step(
      query
        .select()
        .from(table)
        .where(last === undefined ? undefined : gt(column, last))
        .orderBy(asc(column))
        .limit(pageSize),
    );
    read += rows.length;
    for (const row of rows) {
      const hash = new Bun.CryptoHasher("sha256").update(JSON.stringify(row)).digest();
      for (let i = 0; i < hash.length; i++) checksum[i]! ^= hash[i]!;
    }
    if (rows.length > 0) yield* use(rows, read);
    if (rows.length < pageSize) return checksum.toHex();
    last = rows.at(-1)?.[key];
  }
}

/**
 * Passes all rows as one JSON parameter. One parameter per field would double the time, and a statement takes at most
 * 65,535.
 */
function insertAll(table: PgTable, rows: Row[]): SQL {
  const columns = Object.entries(getTableColumns(table));
  const values = rows.map((row) =>
    Object.fromEntries(
      columns.map(([name, column]) => [
        column.name,
        row[name] === null ? null : column.mapToDriverValue(row[name]),
      ]),
    ),
  );
  return sql`insert into ${table} select * from json_populate_recordset(null::${table}, ${JSON.stringify(values)}::text::json)`;
}

/** @throws MoveError for a text with a NUL character, the only one that PostgreSQL cannot store */
function requireStorable(row: Row, where: string): void {
  for (const [name, value] of Object.entries(row))
    if (typeof value === "string" && value.includes("\0"))
      throw new MoveError(`The ${name} of ${where} holds a NUL character, which PostgreSQL cannot store`);
}
