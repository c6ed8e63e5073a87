import { existsSync } from "node:fs";
import { join } from "node:path";

import { isPostgresUrl, readConfig, type Config } from "../config.ts";
import { databaseFile, mediaFolder, secretFile } from "../data-dir.ts";
import { causes } from "../database/connection.ts";
import {
  moveDatabase as copyDatabase,
  NotMoved,
  type MovedCounts,
  type Progress,
} from "../database/moving.ts";
import { openSqliteSource, UnfitSource } from "../database/sqlite-source.ts";
import { CommandError } from "./command.ts";
import { accessDataFolderAsOwner } from "./enter-data-folder.ts";
import { dataFolderError, postgresError, isPostgresError } from "./start-problems.ts";

const addressExpected = "an address like postgres://user:password@host:5432/database";

/** Rows after which progress is printed. */
const printedEvery = 50_000;

/**
 * Does the same as `DATABASE_URL=url move-database`, which the program becomes: other users see the arguments of every
 * process (`ps`), its environment they do not. Where a process cannot be replaced (Windows), it goes on as it is.
 * @throws CommandError
 */
export async function moveDatabaseTo(url: string): Promise<void> {
  if (!isPostgresUrl(url)) throw new CommandError(`The place to move to must be ${addressExpected}.`);
  const program = Bun.isStandaloneExecutable ? [] : [Bun.main];
  const environment = { ...process.env, DATABASE_URL: url };
  process.execve?.(process.execPath, [process.execPath, ...program, "move-database"], environment);
  await moveDatabase(readConfig(environment));
}

/**
 * Copies the SQLite database of the data folder into the empty PostgreSQL database at `DATABASE_URL`, whole or not at
 * all, and says what to do next. The SQLite file stays as it is.
 * @throws CommandError
 */
export async function moveDatabase({ dataDir, database }: Config = readConfig()): Promise<void> {
  if (!database) throw new CommandError(`Set DATABASE_URL to the place to move to: ${addressExpected}.`);
  const { url } = database;
  const path = join(dataDir, databaseFile);
  if (!existsSync(path))
    throw new CommandError(`There is no database ${path} to move. Set DATA_DIR to the folder that has one.`);
  try {
    const source = await accessDataFolderAsOwner(dataDir).sqlite(() => openSqliteSource(path));
    try {
      const counts = await copyDatabase(source, url, print);
      process.stdout.write(nextSteps(dataDir, counts));
    } finally {
      source.close();
    }
  } catch (error) {
    throw explained(error, url, dataDir);
  }
}

const print: Progress = (what, rows, of) => {
  if (rows % printedEvery === 0 || rows === of) process.stdout.write(`${what}: ${rows} of ${of}\n`);
};

/** Never the error's own message where that could show a row: query builders put the values into it. */
function explained(error: unknown, url: string, dataDir: string): Error {
  if (error instanceof NotMoved) return new CommandError(`${error.message}. Nothing was moved.`);
  if (error instanceof UnfitSource)
    return new CommandError(`${join(dataDir, databaseFile)} is ${error.message}. Nothing was moved.`);
  const known = causes(error).find(({ code }) => /^(ERR_POSTGRES|SQLITE)_/.test(String(code)));
  if (known?.code === "SQLITE_BUSY")
    return new CommandError(
      `A service or another program uses the database in ${dataDir}. Stop it first: what it wrote meanwhile would be lost.`,
    );
  if (known?.errno === "55P03")
    return new CommandError("Another program uses the tables of the PostgreSQL database. Stop it first.");
  const innermost = known ?? causes(error).at(-1) ?? error;
  return isPostgresError(innermost)
    ? postgresError(url, innermost, "the address")
    : dataFolderError({ dataDir }, innermost);
}

function nextSteps(dataDir: string, counts: MovedCounts): string {
  const rows = Object.entries(counts).map(([words, count]) => `${count} ${words}`);
  const secret = join(dataDir, secretFile);
  const keptSecret = existsSync(secret) ? `, or to what ${secret} holds where it is not set` : "";
  return `Moved ${rows.join(", ")}: all read back and found the same.

Next, on every machine that is to serve:
  DATABASE_URL set to that address
  JWT_SECRET_KEY set to what it is now${keptSecret}; with another one everybody has to log in again
  ${join(dataDir, mediaFolder)}, where media are kept on this machine's disk: the same DATA_DIR, or the folder shared
Keep ${join(dataDir, databaseFile)} until you are satisfied. It is as it was; nothing writes to it any more.
`;
}
