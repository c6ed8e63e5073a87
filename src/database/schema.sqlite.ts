import { sqlite } from "./kit.ts";
import { createTables } from "./schema.ts";

/** For drizzle-kit, which wants tables as exports. */
export const { users, revokedTokens, posts, sessions, invitations, reports } = createTables(sqlite);
