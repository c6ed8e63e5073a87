import { and, eq, isNull, lte, notExists, sql } from "drizzle-orm";

import { isConflict, step, type Connection } from "./connection.ts";
import { named, prepared } from "./prepared.ts";
import { rememberedUntilCommit } from "./remembered.ts";

/** An account as stored. */
export interface User {
  id: string;
  email: string;
  emailKey: string;
  hashedPassword: string;
  isActive: boolean;
  isSuperuser: boolean;
  isVerified: boolean;
  createdAt: Date;
  tokensValidFrom: Date;
}

/** The signed-in user, as much of him as a request needs. */
export type Viewer = Readonly<Pick<User, "id" | "email" | "isActive" | "isSuperuser" | "isVerified">>;

/** Whom a token speaks for, when it was issued, and its own name. */
type ViewerAsked = { id: string; issuedAt: Date; tokenId: string };

/** What may change about an account. */
export type UserChanges = Partial<Omit<User, "id" | "createdAt">>;

/** Every query about users. */
export function userQueries(connection: Connection) {
  const { query, tables, transaction } = connection;
  const { users, posts, revokedTokens } = tables;
  const byId = query
    .select()
    .from(users)
    .where(eq(users.id, sql.placeholder("id")))
    .prepare("user_by_id");
  const byEmailKey = query
    .select()
    .from(users)
    .where(eq(users.emailKey, sql.placeholder("emailKey")))
    .prepare("user_by_email_key");
  const viewer = rememberedUntilCommit(
    connection,
    5_000,
    ({ id, issuedAt, tokenId }: ViewerAsked) => `${tokenId} ${id} ${issuedAt.getTime()}`,
    prepared<Viewer>(
      connection,
      "viewer",
      query
        .select(
          named({
            id: users.id,
            email: users.email,
            isActive: users.isActive,
            isSuperuser: users.isSuperuser,
            isVerified: users.isVerified,
          }),
        )
        .from(users)
        .where(
          and(
            eq(users.id, sql.placeholder("id")),
            users.isActive,
            lte(users.tokensValidFrom, sql.param(sql.placeholder("issuedAt"), users.tokensValidFrom)),
            notExists(
              query
                .select({ one: sql`1` })
                .from(revokedTokens)
                .where(eq(revokedTokens.tokenId, sql.placeholder("tokenId"))),
            ),
          ),
        ),
    ),
  );

  return {
    byId: async (id: string): Promise<User | undefined> => (await byId.execute({ id }))[0],

    byEmailKey: async (emailKey: string): Promise<User | undefined> =>
      (await byEmailKey.execute({ emailKey }))[0],

    /** The active user whom a token issued then speaks for, unless that token was ended since. */
    viewer: async (id: string, issuedAt: Date, tokenId: string): Promise<Viewer | undefined> =>
      (await viewer({ id, issuedAt, tokenId }))[0],

    /** Adds an account; false when the address is taken. */
    add: async (user: User): Promise<boolean> =>
      (await query.insert(users).values(user).onConflictDoNothing().returning({ id: users.id })).length > 0,

    /**
     * Changes an account and gives it back; undefined when there is none, or when `expectedHash` is given and the
     * password has changed meanwhile; "email taken" when the new address is somebody else's.
     */
    change: async (
      id: string,
      changes: UserChanges,
      expectedHash?: string,
    ): Promise<User | undefined | "email taken"> => {
      const condition = and(
        eq(users.id, id),
        expectedHash === undefined ? undefined : eq(users.hashedPassword, expectedHash),
      );
      try {
        return (await query.update(users).set(changes).where(condition).returning())[0];
      } catch (error) {
        if (isConflict(error)) return "email taken";
        throw error;
      }
    },

    /** Notes that this address was proved; undefined when the account has another one by now. */
    markVerified: async (id: string, email: string): Promise<User | undefined> =>
      (
        await query
          .update(users)
          .set({ isVerified: true })
          .where(and(eq(users.id, id), eq(users.email, email), users.isActive))
          .returning()
      )[0],

    /**
     * Removes an account; its posts leave the feed in the same moment, their bytes wait for the sweeper.
     * Those of uploads that may still be running anywhere wait until `uploadsEnd`. False when there is no such account.
     */
    remove: (id: string, now: Date, uploadsEnd: Date): Promise<boolean> =>
      transaction(function* (tx) {
        // The account first: from here on nobody can add a post of it, and all it had belong to nobody.
        const removed = yield* step(tx.delete(users).where(eq(users.id, id)).returning({ id: users.id }));
        for (const [state, retryAt] of [
          ["published", now],
          ["pending", uploadsEnd],
        ] as const)
          yield* step(
            tx
              .update(posts)
              .set({ state: "deleting", retryAt })
              .where(and(isNull(posts.userId), eq(posts.state, state)))
              .returning({ id: posts.id }),
          );
        return removed.length > 0;
      }),
  };
}

export type UserQueries = ReturnType<typeof userQueries>;
