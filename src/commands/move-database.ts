import { existsSync } from "node:fs";
import { join } from "node:path";

import { readConfig, type Config } from "../config/config.ts";
import { isPostgresUrl } from "../config/postgres-url.ts";
import { databaseFile, mediaFolder, secretFile } from "../data-dir.ts";
import { causes } from "../database/connection.ts";
import type { RowCounts } from "../database/copy-tables.ts";
import { moveDatabase as copyDatabase } from "../database/moving.ts";
import { UnsupportedSource } from "../database/sqlite-migrations.ts";
import { openSqliteSource } from "../database/sqlite-source.ts";
import { CommandError } from "./command-error.ts";
import { counted } from "./counted.ts";
import { accessDataFolderAsOwner } from "./data-folder-access.ts";
import { databaseError } from "./database-errors.ts";
import { createProgress } from "./progress.ts";
import { dataFolderError } from "./startup-errors.ts";

const expectedAddress = "an address like postgres://user:password@host:5432/database";

/**
 * Replaces this process with `DATABASE_URL=url move-database`, because other users can see the arguments of a process
 * (`ps`) but not its environment. Where a process cannot be replaced (Windows), runs the command in this one.
 * @throws CommandError
 */
export async function moveDatabaseTo(url: string): Promise<void> {
  if (!isPostgresUrl(url)) throw new CommandError(`The place to move to must be ${expectedAddress}.`);
  const program = Bun.isStandaloneExecutable ? [] : [Bun.main];
  // The new process gets the whole environment, not only the settings.
  const environment = { ...process.env, DATABASE_URL: url };
  process.execve?.(process.execPath, [process.execPath, ...program, "move-database"], environment);
  await moveDatabase(readConfig(environment));
}

/**
 * Copies the SQLite database of the data folder into the empty PostgreSQL database at `DATABASE_URL`, completely or not at
 * all, and prints the next steps. The SQLite file is not modified.
 * @throws CommandError
 */
export async function moveDatabase({ dataDir, database }: Config = readConfig()): Promise<void> {
  if (!database) throw new CommandError(`Set DATABASE_URL to the place to move to: ${expectedAddress}.`);
  const { url } = database;
  const path = join(dataDir, databaseFile);
  if (!existsSync(path))
    throw new CommandError(`There is no database ${path} to move. Set DATA_DIR to the folder that has one.`);
  const progress = createProgress();
  try {
    const source = await accessDataFolderAsOwner(dataDir).sqlite(() => openSqliteSource(path));
    try {
      const counts = await copyDatabase(source, url, progress.update);
      process.stdout.write(nextSteps(dataDir, counts));
    } finally {
      source.close();
    }
  } catch (error) {
    throw explain(error, url, dataDir);
  } finally {
    progress.end();
  }
}

function explain(error: unknown, url: string, dataDir: string): unknown {
  if (error instanceof UnsupportedSource)
    return new CommandError(`${join(dataDir, databaseFile)} is ${error.message}. Nothing was moved.`);
  const ofSqlite = causes(error).find(({ code }) => /^SQLITE_/.test(String(code)));
  if (ofSqlite?.code === "SQLITE_BUSY")
    return new CommandError(
      `A service or another program uses the database in ${dataDir}. Stop it first: changes it makes during the move would be lost.`,
    );
  if (ofSqlite) return dataFolderError({ dataDir }, ofSqlite);
  const explained = databaseError(error, url, "Nothing was moved", "the address");
  return explained instanceof CommandError
    ? explained
    : dataFolderError({ dataDir }, causes(error).at(-1) ?? error);
}

function nextSteps(dataDir: string, counts: RowCounts): string {
  const rows = Object.entries(counts).map(([kind, count]) => counted(count, kind));
  const secret = join(dataDir, secretFile);
  const keptSecret = existsSync(secret) ? `, or, if it is not set, to the contents of ${secret}` : "";
  return `Moved ${rows.join(", ")}. All rows were read back and compared.

Next, on every machine that runs the service:
  set DATABASE_URL to that address
  set JWT_SECRET_KEY to its present value${keptSecret}; with another value all users must log in again
  if media are stored on disk, use the same DATA_DIR or share ${join(dataDir, mediaFolder)}
Keep ${join(dataDir, databaseFile)} until you are satisfied with the result. It was not changed, and the service no longer uses it.
`;
}
