import { existsSync, readSync, openSync, closeSync, statSync } from "node:fs";

import { constants, Database, type SQLQueryBindings } from "bun:sqlite";

/** The file cannot be imported. The message is a predicate for the file, such as "is damaged". */
export class UnusableOriginal extends Error {
  override readonly name = "UnusableOriginal";
}

/** A row as it is stored. A value that is too long to be valid is {@link tooLong}. */
export interface OriginalRow {
  /** The row's number, for messages. */
  readonly row: string;
  readonly [column: string]: unknown;
}

/** The original program's database, opened for reading. Its values are untrusted, whatever the columns' types. */
export interface OriginalDatabase {
  countAccounts(): number;
  countPosts(): number;
  /** Yields pages of all accounts. */
  accounts(): Generator<OriginalRow[]>;
  /** Yields pages of all posts. */
  posts(): Generator<OriginalRow[]>;
  close(): void;
}

/**
 * Rows that are read at a time. It limits the memory and the time for which a transaction of their import blocks other
 * writers; smaller transactions would write the same pages of indexes more often.
 */
export const pageSize = 1500;

/** Limits on the bytes of a value; SQLite does not load the value to check its length. */
const maxValueBytes = 4096;
const maxCaptionBytes = 65_536;

/** Stands for a value beyond its limit; no column has it as a valid value. */
const tooLong = -1;

/** Milliseconds to wait while the original program writes. */
const lockTimeoutMs = 10_000;

const accountColumns = ["id", "email", "hashed_password", "is_active", "is_superuser", "is_verified"];
const postColumns = ["id", "user_id", "caption", "url", "file_type", "file_name", "created_at"];

/**
 * Opens the SQLite file of the original program. Never writes to it, and locks it only while a page is read, so that the
 * original program may be running.
 * @throws UnusableOriginal
 */
export function openOriginalDatabase(path: string): OriginalDatabase {
  const client = openReadOnly(path);
  const guarded = <T>(read: () => T): T => {
    try {
      return read();
    } catch (error) {
      throw unusable(error);
    }
  };
  try {
    return guarded(() => {
      client.run("pragma trusted_schema = off");
      client.run("pragma cell_size_check = on");
      client.run(`pragma busy_timeout = ${lockTimeoutMs}`);
      if (isTable(client, "revoked_tokens"))
        throw new UnusableOriginal(
          "is a database of this service, and not of the original program. Use backup and restore, or move-database",
        );
      // FastAPI Users calls the table "user" by default.
      const users = ["users", "user"].find((name) => isTable(client, name));
      if (users === undefined) throw new UnusableOriginal("has no table of users");
      if (!isTable(client, "posts")) throw new UnusableOriginal("has no table posts");
      requireColumns(client, users, accountColumns);
      requireColumns(client, "posts", postColumns);
      const count = (table: string) => () =>
        guarded(
          () =>
            client.query<{ rows: number }, []>(`select count(*) as rows from "${table}"`).get()?.rows ?? 0,
        );
      return {
        countAccounts: count(users),
        countPosts: count("posts"),
        accounts: () => pages(client, users, accountColumns, guarded),
        posts: () => pages(client, "posts", postColumns, guarded),
        close: () => client.close(),
      };
    });
  } catch (error) {
    client.close();
    throw error;
  }
}

/** Bytes 18 and 19 of a SQLite file are 2 if it has a write-ahead log. */
const versionsAt = 18;
const withLog = 2;

/**
 * A file with a write-ahead log, which only exists while a program has it open, is opened as immutable if there is no log
 * beside it. Otherwise SQLite would create one.
 */
function openReadOnly(path: string): Database {
  try {
    for (const each of [path, `${path}-journal`, `${path}-wal`])
      if (isSpecial(each)) throw new UnusableOriginal("or its journal is no ordinary file");
    const isClosed = hasLogFormat(path) && !(existsSync(`${path}-wal`) && statSync(`${path}-wal`).size > 0);
    const address = `${Bun.pathToFileURL(path).href}?mode=ro${isClosed ? "&immutable=1" : ""}`;
    return new Database(address, constants.SQLITE_OPEN_READONLY | constants.SQLITE_OPEN_URI);
  } catch (error) {
    throw unusable(error);
  }
}

/** Whether it is a pipe or a device. Opening a pipe would wait for its other end, and no signal would end the command. */
function isSpecial(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found !== undefined && !found.isFile() && !found.isDirectory();
}

function hasLogFormat(path: string): boolean {
  const file = openSync(path, "r");
  try {
    const header = Buffer.alloc(2);
    readSync(file, header, 0, header.length, versionsAt);
    return header.includes(withLog);
  } finally {
    closeSync(file);
  }
}

/** Whether it is an ordinary table, and no view or virtual table, which could run functions. */
function isTable(client: Database, name: string): boolean {
  const found = client.query<{ type: string; wr: number }, [string]>(
    "select type, wr from pragma_table_list where schema = 'main' and name = ?",
  );
  const table = found.get(name);
  return table?.type === "table" && table.wr === 0;
}

/** @throws UnusableOriginal if a column is missing or generated, or another has the name of the row's number */
function requireColumns(client: Database, table: string, columns: readonly string[]): void {
  const found = client
    .query<{ name: string; hidden: number }, [string]>("select name, hidden from pragma_table_xinfo(?)")
    .all(table);
  const missing = columns.filter((name) => !found.some((column) => column.name === name && !column.hidden));
  if (missing.length > 0)
    throw new UnusableOriginal(
      `is no database of the original program: ${table} lacks ${missing.join(", ")}`,
    );
  if (found.some(({ name }) => name.toLowerCase() === "_rowid_"))
    throw new UnusableOriginal(`is no database of the original program: ${table} has a column _rowid_`);
}

/**
 * Reads a table page by page, so that the file is not locked between two pages. The order of ids lets the indexes of ids
 * grow at their end; in another order, an import of a million posts would write several times as much to the disk.
 */
function* pages(
  client: Database,
  table: string,
  columns: readonly string[],
  guarded: <T>(read: () => T) => T,
): Generator<OriginalRow[]> {
  const values = columns.map((name) => {
    const limit = name === "caption" ? maxCaptionBytes : maxValueBytes;
    return `case when octet_length("${name}") > ${limit} then ${tooLong} else "${name}" end as "${name}"`;
  });
  const isKey = `typeof("id") in ('text', 'blob') and octet_length("id") <= ${maxValueBytes}`;
  const read = (position: string, condition: string, order: string, after: SQLQueryBindings) =>
    guarded(() =>
      client
        .query<OriginalRow, [SQLQueryBindings]>(
          `select cast(_rowid_ as text) as "row", ${position} as "position", ${values.join(", ")} from "${table}"
           where ${condition} order by ${order} limit ${pageSize}`,
        )
        .all(after),
    );
  // Row numbers are passed as text, because they may exceed the integers that a number can hold.
  const withoutKey = (row: string) =>
    read("null", `not (${isKey}) and _rowid_ > cast(? as integer)`, "_rowid_", row);
  yield* ascending(
    withoutKey(minRow),
    ({ row }) => row,
    withoutKey,
    (a, b) => BigInt(a) < BigInt(b),
  );
  // Ids are passed as bytes: passed as a text, an id that is not valid Unicode would become another one.
  // Without the table's name, the order would be that of the result's column, and every page would sort all rows after it.
  const withKey = (condition: string) => (id: Uint8Array) =>
    read('cast("id" as blob)', `${isKey} and ${condition}`, `"${table}"."id"`, id);
  const idOf = (row: OriginalRow) => row["position"] as Uint8Array;
  const isBefore = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) < 0;
  const empty = new Uint8Array();
  // In SQLite's order, blobs follow texts.
  const texts = (operator: string) => withKey(`"id" ${operator} cast(? as text) and "id" < x''`);
  yield* ascending(texts(">=")(empty), idOf, texts(">"), isBefore);
  const blobs = (operator: string) => withKey(`"id" ${operator} ?`);
  yield* ascending(blobs(">=")(empty), idOf, blobs(">"), isBefore);
}

/**
 * Yields pages, each from the position at which the one before ended.
 * @throws UnusableOriginal if positions do not ascend, as in a forged index, in which a search could go round in circles
 */
function* ascending<Position>(
  first: OriginalRow[],
  endOf: (row: OriginalRow) => Position,
  next: (after: Position) => OriginalRow[],
  isBefore: (a: Position, b: Position) => boolean,
): Generator<OriginalRow[]> {
  let rows = first;
  for (let last: Position | undefined; rows.length > 0;) {
    const end = endOf(rows.at(-1)!);
    if (last !== undefined && !isBefore(last, end))
      throw new UnusableOriginal("is damaged or no SQLite database");
    yield rows;
    last = end;
    rows = next(end);
  }
}

/** Before the first row. */
const minRow = "-9223372036854775808";

function unusable(error: unknown): Error {
  if (error instanceof UnusableOriginal) return error;
  const { code = "" } = error as { code?: string };
  if (code === "ENOENT") return new UnusableOriginal("does not exist");
  if (code === "EISDIR") return new UnusableOriginal("is a folder");
  if (code === "EACCES" || code === "EPERM") return new UnusableOriginal(`may not be read (${code})`);
  if (/^SQLITE_(?:CORRUPT|NOTADB|FORMAT)/.test(code))
    return new UnusableOriginal("is damaged or no SQLite database");
  if (/^SQLITE_(?:BUSY|LOCKED)/.test(code))
    return new UnusableOriginal("is locked by another program. Stop the original program");
  if (/^SQLITE_(?:READONLY|CANTOPEN)/.test(code))
    return new UnusableOriginal(
      `cannot be opened for reading only (${code}), perhaps because its program was killed while it wrote. Start and stop the original program once, which repairs the file`,
    );
  return new UnusableOriginal(`cannot be read (${code || String(error)})`);
}
