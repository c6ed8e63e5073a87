import { lt } from "drizzle-orm";

import { authorize, type Actor, type Credential } from "./actors.ts";
import { step, type Connection } from "./connection.ts";

/** All queries about revoked access tokens. */
export function revokedTokenQueries(connection: Connection) {
  const { tables, write, transaction } = connection;
  const { revokedTokens } = tables;
  return {
    /**
     * Revokes the actor's token.
     * @throws ApiError as {@link authorize} does, including for a token that is revoked already
     */
    add: (actor: Actor, token: Extract<Credential, { kind: "token" }>): Promise<void> =>
      transaction(function* (tx) {
        yield* authorize(connection, tx, actor);
        const { id: tokenId, expiresAt } = token;
        yield* step(tx.insert(revokedTokens).values({ tokenId, expiresAt }).onConflictDoNothing());
      }),

    /**
     * Marks a one-time token as used.
     * @returns true for the first call with this id, on any node; false for every other one
     */
    spend: async (tokenId: string, expiresAt: Date): Promise<boolean> => {
      const added = await write((tx) =>
        tx
          .insert(revokedTokens)
          .values({ tokenId, expiresAt })
          .onConflictDoNothing()
          .returning({ tokenId: revokedTokens.tokenId }),
      );
      return added.length > 0;
    },

    /** Deletes the rows of tokens that expired before `cutoff`. */
    removeExpired: async (cutoff: Date): Promise<void> => {
      await write((tx) => tx.delete(revokedTokens).where(lt(revokedTokens.expiresAt, cutoff)));
    },
  };
}

export type RevokedTokenQueries = ReturnType<typeof revokedTokenQueries>;
