import { asc, getTableColumns, gt, sql, type SQL } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";

import { step, type Query, type Steps } from "./connection.ts";
import { openPostgres } from "./postgres.ts";
import type { Tables } from "./schema.ts";
import type { SqliteSource } from "./sqlite-source.ts";

/** Rows read and written at once: what bounds the memory. */
const pageSize = 1000;

/** Nothing was moved, and why not. */
export class NotMoved extends Error {
  override readonly name = "NotMoved";
}

/** In the order in which rows refer to each other, with the words of the operator. */
const moved = [
  { name: "users", key: "id", one: "account", words: "accounts" },
  { name: "revokedTokens", key: "tokenId", one: "ended token", words: "ended tokens" },
  { name: "posts", key: "id", one: "post", words: "posts" },
  { name: "sessions", key: "id", one: "session", words: "sessions" },
  { name: "invitations", key: "id", one: "invitation", words: "invitations" },
  { name: "reports", key: "id", one: "report", words: "reports" },
] as const;

/** How many rows there were of each kind. */
export type MovedCounts = Record<(typeof moved)[number]["words"], number>;

/** Told after every page, of the copy and then of the comparison. */
export type Progress = (what: string, rows: number, of: number) => void;

/**
 * Copies every row of the source into the empty PostgreSQL database at `url`, in one transaction; reads the copy back and
 * compares counts and checksums before it commits. Whoever ends it in the middle leaves an empty database.
 * @throws NotMoved where the target is not empty, cannot hold a text, or has something else afterwards
 * @throws PostgresError where the target cannot be reached or used
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
  // Nobody writes to them meanwhile: neither a service that was started too early nor a second move.
  yield* step(target.query.execute(sql`set local lock_timeout = '10s'`));
  yield* step(target.query.execute(sql`lock table ${all} in exclusive mode`));
  for (const { name } of moved)
    if ((yield* step(target.query.$count(target.tables[name]))) > 0)
      throw new NotMoved("The database holds accounts or posts already: give the address of an empty one");

  const counts = Object.fromEntries(moved.map(({ words }) => [words, 0])) as MovedCounts;
  const checksums: string[] = [];
  for (const { name, key, one, words } of moved) {
    counts[words] = yield* step(source.query.$count(source.tables[name]));
    const checksum = yield* eachPage(source, name, key, function* (rows, read) {
      for (const row of rows) refuseUnfit(row, `${one} ${String(row[key])}`);
      yield* step(target.query.execute(insertAll(target.tables[name], rows)));
      progress(`copied ${words}`, read, counts[words]);
    });
    checksums.push(checksum);
  }
  // Without it the next queries, and the service's first ones, would be planned for empty tables.
  yield* step(target.query.execute(sql`analyze ${all}`));
  for (const [i, { name, key, words }] of moved.entries()) {
    const found = yield* step(target.query.$count(target.tables[name]));
    const checksum = yield* eachPage(target, name, key, function* (_, read) {
      progress(`compared ${words}`, read, counts[words]);
    });
    if (found !== counts[words] || checksum !== checksums[i])
      throw new NotMoved(`What PostgreSQL gives back is not what was copied (${words})`);
  }
  return counts;
}

/**
 * Reads a table in the order of its primary key, whatever that order is, and gives a checksum of its rows in which it
 * plays no part: PostgreSQL sorts the ids of tokens like its locale.
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

/** One value for all rows: with one for each field of each row copying takes twice as long, and 65,535 are the most. */
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

/** PostgreSQL's texts hold every character but one. */
function refuseUnfit(row: Row, where: string): void {
  for (const [name, value] of Object.entries(row))
    if (typeof value === "string" && value.includes("\0"))
      throw new NotMoved(`The ${name} of ${where} holds a NUL character, which PostgreSQL cannot keep`);
}
