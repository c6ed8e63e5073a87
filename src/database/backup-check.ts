import { Database, constants } from "bun:sqlite";

import { migrationsOf } from "./sqlite-source.ts";

/**
 * Checks the database of a backup, which may hold anything. SQLite opens it read-only and as immutable: it looks for no
 * journal beside it, writes nothing, and runs no function that the schema names.
 * @returns what is wrong, in words that continue "its database"; undefined where this version can serve it
 */
export function problemOfBackup(path: string): string | undefined {
  const address = `${Bun.pathToFileURL(path).href}?immutable=1`;
  let client: Database | undefined;
  try {
    client = new Database(address, constants.SQLITE_OPEN_READONLY | constants.SQLITE_OPEN_URI);
    client.run("pragma trusted_schema = off");
    client.run("pragma cell_size_check = on");
    const integrity = client.query<{ integrity_check: string }, []>("pragma integrity_check(1)").get();
    if (integrity?.integrity_check !== "ok") return "is damaged";
    const migrations = migrationsOf(client);
    if (!migrations) return "is none of this service";
    if (migrations.unknown) return "was made by a newer version of this program";
    if (client.query("pragma foreign_key_check").get())
      return "is damaged: rows that others refer to are missing";
    return undefined;
  } catch {
    return "is damaged or no SQLite database";
  } finally {
    client?.close();
  }
}
