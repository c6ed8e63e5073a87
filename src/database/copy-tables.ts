import { asc, getTableColumns, gt } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";

import { step, type Query, type Steps } from "./connection.ts";
import type { Tables } from "./schema.ts";

/** Rows read and written at a time, which limits the memory. */
const pageSize = 1000;

/** The copy differs from the original, or cannot be made. The message says why. */
export class CopyError extends Error {
  override readonly name = "CopyError";
}

/** The tables, ordered so that rows are copied after those they refer to, with their names for the operator. */
const copied = [
  { name: "users", key: "id", one: "account", words: "accounts" },
  { name: "revokedTokens", key: "tokenId", one: "ended token", words: "ended tokens" },
  { name: "posts", key: "id", one: "post", words: "posts" },
  { name: "sessions", key: "id", one: "session", words: "sessions" },
  { name: "identities", key: "id", one: "identity link", words: "identity links" },
  { name: "invitations", key: "id", one: "invitation", words: "invitations" },
  { name: "reports", key: "id", one: "report", words: "reports" },
  { name: "renditionJobs", key: "id", one: "rendition job", words: "rendition jobs" },
  { name: "resumableUploads", key: "id", one: "unfinished upload", words: "unfinished uploads" },
  { name: "mediaCopies", key: "id", one: "media leftover", words: "media leftovers" },
  { name: "importedIds", key: "id", one: "imported id", words: "imported ids" },
] as const;

export const copiedTables = copied.map(({ name }) => name);

/** Numbers of rows, by table. */
export type RowCounts = Record<(typeof copied)[number]["words"], number>;

/** Called after every page, of the copy and then of the comparison. */
export type CopyProgress = (what: string, rows: number, of: number) => void;

/** One of two databases, within a transaction. */
export interface CopySource {
  readonly query: Pick<Query, "select" | "$count">;
  readonly tables: Tables;
}

export type Row = Record<string, unknown>;

export interface CopyTarget extends CopySource {
  /** @throws CopyError if it cannot store them */
  insert(table: keyof Tables, rows: Row[], nameOf: (row: Row) => string): PromiseLike<unknown>;
  /** Called between the copy and the comparison. */
  filled(): PromiseLike<unknown>;
}

/**
 * Copies every row into empty tables, reads the copy back, and compares counts and checksums. Each of the databases must be in
 * a transaction that sees no changes of others.
 * @throws CopyError
 */
export function* copyTables(
  source: CopySource,
  target: CopyTarget,
  progress: CopyProgress,
): Steps<RowCounts> {
  const counts = Object.fromEntries(copied.map(({ words }) => [words, 0])) as RowCounts;
  const checksums: string[] = [];
  for (const { name, key, one, words } of copied) {
    counts[words] = yield* step(source.query.$count(source.tables[name]));
    const checksum = yield* eachPage(source, name, key, function* (rows, read) {
      yield* step(target.insert(name, rows, (row) => `${one} ${String(row[key])}`));
      progress(`copied ${words}`, read, counts[words]);
    });
    checksums.push(checksum);
  }
  yield* step(target.filled());
  for (const [i, { name, key, words }] of copied.entries()) {
    const found = yield* step(target.query.$count(target.tables[name]));
    const checksum = yield* eachPage(target, name, key, function* (_, read) {
      progress(`compared ${words}`, read, counts[words]);
    });
    if (found !== counts[words] || checksum !== checksums[i])
      throw new CopyError(`The database returned other data than were copied (${words})`);
  }
  return counts;
}

/**
 * Reads a table page by page in the order of its primary key. Returns a checksum of its rows that does not depend on their
 * order, because PostgreSQL sorts token ids by its locale.
 */
function* eachPage(
  { query, tables }: CopySource,
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
