import { existsSync } from "node:fs";
import { join } from "node:path";

import { isPostgresUrl, readConfig } from "../config.ts";
import { moveDatabase, MovingProblem } from "../database/moving.ts";
import { CommandError } from "./command.ts";
import { takeDataFolder } from "./data-folder.ts";
import { cannotUse } from "./start-problems.ts";

/**
 * Copies the SQLite database of the data folder to PostgreSQL, whole or not at all. The service must be stopped.
 * @throws CommandError with one plain sentence
 */
export async function moveDatabaseTo(url: string): Promise<void> {
  if (!isPostgresUrl(url))
    throw new CommandError(
      "Give the address of a PostgreSQL database: postgres://user:password@host:5432/database.",
    );
  const { dataDir, jwtSecret } = readConfig();
  const path = join(dataDir, "image-sharing.db");
  if (!existsSync(path)) throw new CommandError(`There is no database ${path}.`);
  const letGo = takeDataFolder({ dataDir });
  try {
    for (const { table, rows } of await moveDatabase(path, url))
      process.stdout.write(`${table}: ${rows} rows, the same on both sides\n`);
  } catch (error) {
    throw error instanceof MovingProblem
      ? new CommandError(`${error.message}. Nothing was moved.`)
      : cannotUse({ dataDir, database: { url, poolSize: 1 } }, error);
  } finally {
    letGo();
  }
  process.stdout.write(
    `Set DATABASE_URL to this address and start again. The file in ${dataDir} stays as it was: serve from it no more.\n`,
  );
  if (jwtSecret === undefined)
    process.stdout.write(
      `Set JWT_SECRET_KEY to what ${join(dataDir, "jwt-secret")} holds on every machine, or everybody has to log in again.\n`,
    );
}
