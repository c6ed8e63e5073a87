import { and, count, eq, inArray, ne, sum } from "drizzle-orm";

import { ApiError } from "../errors.ts";
import { step, type Connection, type Query, type Steps } from "./connection.ts";
import type { Tables } from "./schema.ts";

/** The space that an account's posts take up, including those whose uploads are still running. */
export interface Usage {
  readonly posts: number;
  /** Bytes of the stored files, without thumbnails. */
  readonly bytes: number;
}

/** The usage of an account without posts. */
export const noUsage: Usage = { posts: 0, bytes: 0 };

const usageColumns = (posts: Tables["posts"]) => ({
  posts: count(),
  // PostgreSQL returns sums of 64-bit integers as text.
  bytes: sum(posts.bytes).mapWith(Number),
});

/** Whether a post counts: from the start of its upload until its deletion. */
const takesUpSpace = (posts: Tables["posts"]) => ne(posts.state, "deleting");

/** Every query about the space that accounts take up. */
export function usageQueries({ query, tables }: Connection) {
  const { posts } = tables;
  /** Returns the usage of each of these accounts that has posts, by its id. */
  async function ofAll(userIds: readonly string[]): Promise<Map<string, Usage>> {
    const rows = await query
      .select({ userId: posts.userId, ...usageColumns(posts) })
      .from(posts)
      .where(and(inArray(posts.userId, [...userIds]), takesUpSpace(posts)))
      .groupBy(posts.userId);
    return new Map(rows.map(({ userId, ...usage }) => [userId ?? "", usage]));
  }
  return {
    ofAll,
    /** Returns the usage of one account. */
    of: async (userId: string): Promise<Usage> => (await ofAll([userId])).get(userId) ?? noUsage,
  };
}

export type UsageQueries = ReturnType<typeof usageQueries>;

/**
 * Checks in a transaction that an upload fits into an account's quota. The account must be locked, so that parallel
 * uploads are checked one after the other.
 * @param quota the account's limit in bytes; undefined for none
 * @throws ApiError QUOTA_EXCEEDED
 */
export function* requireQuota(
  { posts }: Tables,
  tx: Query,
  { userId, bytes }: { userId: string; bytes: number },
  quota: number | undefined,
): Steps<void> {
  if (quota === undefined) return;
  const [used = noUsage] = yield* step(
    tx
      .select(usageColumns(posts))
      .from(posts)
      .where(and(eq(posts.userId, userId), takesUpSpace(posts))),
  );
  if ((used.bytes ?? 0) + bytes > quota) throw new ApiError("QUOTA_EXCEEDED");
}
