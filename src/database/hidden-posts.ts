import { and, eq, exists, inArray, not, sql } from "drizzle-orm";

import type { PagePosition } from "../http/page-request.ts";
import { step, type Connection } from "./connection.ts";
import { isAfter, newestFirst } from "./newest-first.ts";
import { feedTop, isPublished } from "./published-posts.ts";
import { lockRows } from "./row-locks.ts";

/** Limit on the posts that one transaction changes, which blocks SQLite for about 10 ms. */
const maxSyncBatch = 1_000;

/** The queries that hide the posts of deactivated accounts, and show them again. */
export function hiddenPostQueries({ dialect, query, tables, transaction }: Connection) {
  const { posts, users } = tables;
  const published = isPublished(tables);

  /**
   * Moves one batch of the posts after `after`, newest first, that are in the wrong state for their account.
   * @returns the last one; undefined when no more are left
   */
  const syncBatch = (userId: string, after: PagePosition): Promise<PagePosition | undefined> =>
    transaction(function* (tx) {
      const account = tx.select({ isActive: users.isActive }).from(users).where(eq(users.id, userId));
      // Locked, so that the account keeps its state until the commit.
      const [author] = yield* lockRows(dialect, account);
      if (!author) return undefined;
      const [from, to] = author.isActive
        ? (["hidden", "published"] as const)
        : (["published", "hidden"] as const);
      const batch = yield* step(
        tx
          .select({ id: posts.id, createdAt: sql<Date>`${posts.createdAt}`.mapWith(posts.createdAt) })
          .from(posts)
          .where(and(eq(posts.userId, userId), eq(posts.state, from), isAfter(posts, after)))
          .orderBy(...newestFirst(posts))
          .limit(maxSyncBatch),
      );
      const ids = batch.map(({ id }) => id);
      yield* step(
        tx
          .update(posts)
          .set({ state: to })
          .where(and(inArray(posts.id, ids), eq(posts.state, from)))
          .returning({ id: posts.id }),
      );
      return batch.at(-1);
    });

  return {
    /**
     * Brings the states of an account's posts in line with the account: `hidden` after a deactivation, so that they leave
     * the feed's indexes, and `published` after a reactivation. Readers also check the account, so a deactivation takes
     * effect before this starts.
     */
    syncPostStates: async (userId: string): Promise<void> => {
      for (let last = await syncBatch(userId, feedTop); last; last = await syncBatch(userId, last))
        // Lets requests run between two batches.
        await new Promise((resolve) => setImmediate(resolve));
    },

    /** The accounts that have posts in the wrong state. Reads every account and every hidden post. */
    authorsToSync: async (): Promise<string[]> => {
      const deactivated = await query
        .select({ id: users.id })
        .from(users)
        .where(
          and(
            not(users.isActive),
            exists(
              query
                .select({ one: sql`1` })
                .from(posts)
                .where(and(eq(posts.userId, users.id), published)),
            ),
          ),
        );
      const reactivated = await query
        .select({ id: users.id })
        .from(posts)
        .innerJoin(users, eq(users.id, posts.userId))
        .where(and(sql`${posts.state} = 'hidden' and ${posts.state} <> 'published'`, users.isActive))
        .groupBy(users.id);
      return [...deactivated, ...reactivated].map(({ id }) => id);
    },
  };
}
