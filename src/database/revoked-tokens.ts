import { lt } from "drizzle-orm";

import type { Connection } from "./connection.ts";

/** Every query about access tokens ended before their time. */
export function revokedTokenQueries({ query, tables: { revokedTokens } }: Connection) {
  return {
    /** Ends one token; doing so twice is fine. */
    add: async (tokenId: string, expiresAt: Date): Promise<void> => {
      await query.insert(revokedTokens).values({ tokenId, expiresAt }).onConflictDoNothing();
    },

    /** Forgets the tokens that would be dead by now anyway. */
    removeExpired: async (now: Date): Promise<void> => {
      await query.delete(revokedTokens).where(lt(revokedTokens.expiresAt, now));
    },
  };
}

export type RevokedTokenQueries = ReturnType<typeof revokedTokenQueries>;
