import { sql } from "drizzle-orm";

import { postQueries, type PostQueries } from "./posts.ts";
import { revokedTokenQueries, type RevokedTokenQueries } from "./revoked-tokens.ts";
import { openSqlite } from "./sqlite.ts";
import { userQueries, type UserQueries } from "./users.ts";

/** All the service knows of its database: functions that take values and give promises. */
export interface Database {
  readonly users: UserQueries;
  readonly posts: PostQueries;
  readonly revokedTokens: RevokedTokenQueries;
  /** Rejects when the database cannot answer. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens the database and brings its schema up to date.
 * @param path of the SQLite file, made when there is none.
 */
export async function openDatabase(path: string): Promise<Database> {
  const connection = await openSqlite(path);
  const ping = connection.query
    .select({ one: sql`1` })
    .from(connection.tables.users)
    .limit(1)
    .prepare("ping");
  return {
    users: userQueries(connection),
    posts: postQueries(connection),
    revokedTokens: revokedTokenQueries(connection),
    ping: async () => void (await ping.execute()),
    close: connection.close,
  };
}
