import { SQL } from "bun";
import { Database } from "bun:sqlite";

import { getTableColumns, getTableName } from "drizzle-orm";

import { pg } from "./kit.ts";
import { openPostgres } from "./postgres.ts";
import { createTables } from "./schema.ts";
import { openSqlite } from "./sqlite.ts";

/** Rows of one statement: PostgreSQL binds 65,535 values at most. */
const batch = 1000;

export interface MovedTable {
  readonly table: string;
  readonly rows: number;
}

/** Why nothing was moved. */
export class MovingProblem extends Error {
  override readonly name = "MovingProblem";
}

type Row = Record<string, unknown>;

/** Parents before children; the first column of each is its key, by which both sides are read. */
const tables = (({ users, revokedTokens, posts }) => [users, revokedTokens, posts])(createTables(pg)).map(
  (table) => ({
    name: getTableName(table),
    columns: Object.values(getTableColumns(table)).map(({ name, dataType }) => ({ name, dataType })),
  }),
);
type Table = (typeof tables)[number];

/**
 * Copies every row of a SQLite database to an empty PostgreSQL database, in one transaction, which is committed only
 * when each table has the same number of rows with the same SHA-256 on both sides. Nobody can write to either meanwhile.
 * @param path of the SQLite file
 * @param url of the PostgreSQL database; its tables are made when missing
 * @throws MovingProblem; an error of either database, as {@link openSqlite} and {@link openPostgres} do
 */
export async function moveDatabase(path: string, url: string): Promise<MovedTable[]> {
  // Both at the schema of this version.
  await (await openSqlite(path)).close();
  await (await openPostgres({ url, poolSize: 1 })).close();

  using source = new Database(path, { readwrite: true });
  source.run("pragma busy_timeout = 5000");
  source.run("begin immediate");
  await using target = new SQL(url, { max: 1, connectionTimeout: 10 });
  return await target.begin(async (to) => {
    await to.unsafe(`lock table ${tables.map(({ name }) => name).join(", ")} in exclusive mode`);
    for (const { name } of tables)
      if ((await to.unsafe(`select 1 from ${name} limit 1`)).length > 0)
        throw new MovingProblem("The PostgreSQL database holds rows already; give an empty one");
    const moved: MovedTable[] = [];
    for (const table of tables) {
      const sent = checksum(table);
      for (const rows of read(source, table)) {
        rows.forEach((row) => sent.add(row));
        await to`insert into ${to(table.name)} ${to(rows)}`;
      }
      const arrived = checksum(table);
      for await (const rows of readBack(to, table)) rows.forEach((row) => arrived.add(row));
      if (sent.rows !== arrived.rows || sent.digest() !== arrived.digest())
        throw new MovingProblem(`${table.name} differs: ${sent.rows} rows went, ${arrived.rows} arrived`);
      moved.push({ table: table.name, rows: sent.rows });
    }
    return moved;
  });
}

/** All rows by their key, in batches. */
function* read(source: Database, table: Table): Generator<Row[]> {
  const key = keyOf(table);
  const query = source.query<Row, [string]>(
    `select * from ${table.name} where ${key} > ? order by ${key} limit ${batch}`,
  );
  for (let last = ""; ;) {
    const rows = query.all(last).map((row) => portable(row, table));
    if (rows.length === 0) return;
    yield rows;
    last = String(rows.at(-1)?.[key]);
  }
}

/** The same of what arrived, compared byte by byte as SQLite does, whatever the server's locale. */
async function* readBack(to: SQL, table: Table): AsyncGenerator<Row[]> {
  const key = keyOf(table);
  for (let last = ""; ;) {
    const rows: Row[] = await to.unsafe(
      `select * from ${table.name} where ${key} collate "C" > $1 order by ${key} collate "C" limit ${batch}`,
      [last],
    );
    if (rows.length === 0) return;
    yield rows.map((row) => portable(row, table));
    last = String(rows.at(-1)?.[key]);
  }
}

const keyOf = ({ columns }: Table): string => columns[0]?.name ?? "";

/** A row as both sides tell it: times as Date, flags as boolean, large numbers as number. */
function portable(row: Row, table: Table): Row {
  const told = table.columns.map(({ name, dataType }) => {
    const value = row[name] ?? null;
    if (value === null) return [name, null];
    if (dataType === "date") return [name, value instanceof Date ? value : new Date(Number(value))];
    if (dataType === "boolean") return [name, Boolean(value)];
    if (dataType === "number") return [name, Number(value)];
    if (String(value).includes("\0"))
      throw new MovingProblem(
        `${table.name} has a NUL character, which PostgreSQL takes in no text, in ${name} of ${row[keyOf(table)]}`,
      );
    return [name, value];
  });
  return Object.fromEntries(told) as Row;
}

function checksum({ columns }: Table) {
  const hash = new Bun.CryptoHasher("sha256");
  return {
    rows: 0,
    add(row: Row) {
      hash.update(`${JSON.stringify(columns.map(({ name }) => row[name]))}\n`);
      this.rows += 1;
    },
    digest: () => hash.digest("hex"),
  };
}
