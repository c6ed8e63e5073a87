import { and, eq, gt, inArray, lte, notInArray, sql } from "drizzle-orm";

import { authorize, type Actor } from "./actors.ts";
import { step, type Connection } from "./connection.ts";
import type { Tables } from "./schema.ts";

type PostRow = Tables["posts"]["$inferSelect"];

/** The stored bytes of a post that is being deleted. */
export type OrphanedMedia = Pick<
  PostRow,
  | "id"
  | "fileType"
  | "store"
  | "key"
  | "storeId"
  | "url"
  | "bytes"
  | "renditionVersion"
  | "reservedAt"
  | "attempts"
>;

/** Selects {@link OrphanedMedia}. */
const orphanedMedia = (posts: Tables["posts"]) => ({
  id: posts.id,
  fileType: posts.fileType,
  store: posts.store,
  key: posts.key,
  storeId: posts.storeId,
  url: posts.url,
  bytes: posts.bytes,
  renditionVersion: posts.renditionVersion,
  reservedAt: posts.reservedAt,
  attempts: posts.attempts,
});

/** Assignments that hide a post, free its upload key and make the deletion of its bytes due at `retryAt`. */
const startOfDeletion = (retryAt: Date) => ({ state: "deleting", retryAt, uploadKey: null }) as const;

/** The queries that delete posts, and the queue of posts whose bytes are to be deleted. */
export function postDeletionQueries(connection: Connection) {
  const { dialect, query, tables, write, transaction } = connection;
  const { posts } = tables;

  return {
    /**
     * Hides a post at once; exactly one of several concurrent calls succeeds.
     * @param actor the author, or any superuser where `mustBeSuperuser` is set
     * @throws ApiError as {@link authorize} does
     */
    startDeleting: (actor: Actor, id: string, now: Date): Promise<OrphanedMedia | undefined> =>
      transaction(function* (tx) {
        yield* authorize(connection, tx, actor);
        const [hidden] = yield* step(
          tx
            .update(posts)
            .set(startOfDeletion(now))
            .where(
              and(
                eq(posts.id, id),
                actor.mustBeSuperuser ? undefined : eq(posts.userId, actor.userId),
                eq(posts.state, "published"),
              ),
            )
            .returning(orphanedMedia(posts)),
        );
        return hidden;
      }),

    /** Abandons an upload that failed. The bytes that the store may hold are deleted like those of any other post. */
    abandon: async (id: string, now: Date): Promise<OrphanedMedia | undefined> =>
      (
        await write((tx) =>
          tx
            .update(posts)
            .set(startOfDeletion(now))
            .where(and(eq(posts.id, id), inArray(posts.state, ["pending", "deleting"])))
            .returning(orphanedMedia(posts)),
        )
      )[0],

    /** Abandons every upload reserved before `cutoff`, except those still running in this process. */
    abandonOlderThan: async (cutoff: Date, running: string[], now: Date): Promise<number> =>
      (
        await write((tx) =>
          tx
            .update(posts)
            .set(startOfDeletion(now))
            .where(
              and(eq(posts.state, "pending"), lte(posts.reservedAt, cutoff), notInArray(posts.id, running)),
            )
            .returning({ id: posts.id }),
        )
      ).length,

    /**
     * Claims up to `limit` posts whose bytes are due to be deleted; no other node claims them before `leaseUntil`. Rows
     * that another node is claiming right now are skipped.
     */
    claimDeleting: (
      now: Date,
      leaseUntil: Date,
      running: string[],
      limit: number,
    ): Promise<OrphanedMedia[]> => {
      const due = query
        .select({ id: posts.id })
        .from(posts)
        .where(and(eq(posts.state, "deleting"), lte(posts.retryAt, now), notInArray(posts.id, running)))
        .orderBy(posts.retryAt)
        .limit(limit);
      // An array, so that PostgreSQL takes the locks once; it may run a joined subquery again.
      const claimed =
        dialect === "pg"
          ? sql`${posts.id} = any(array(${due.for("update", { skipLocked: true })}))`
          : inArray(posts.id, due);
      return write((tx) =>
        tx
          .update(posts)
          .set({ retryAt: leaseUntil, attempts: sql`${posts.attempts} + 1` })
          .where(claimed)
          .returning(orphanedMedia(posts)),
      );
    },

    /** Makes every pending deletion due now, including claimed ones. */
    releaseClaims: async (now: Date): Promise<void> => {
      await write((tx) =>
        tx
          .update(posts)
          .set({ retryAt: now })
          .where(and(eq(posts.state, "deleting"), gt(posts.retryAt, now))),
      );
    },

    /** Sets when to retry the deletion of a post's bytes. */
    postpone: async (id: string, retryAt: Date): Promise<void> => {
      await write((tx) => tx.update(posts).set({ retryAt }).where(eq(posts.id, id)));
    },

    /** Removes the row of a post whose bytes are gone. */
    remove: async (id: string): Promise<void> => {
      await write((tx) => tx.delete(posts).where(and(eq(posts.id, id), eq(posts.state, "deleting"))));
    },
  };
}
