import { and, count, eq, exists, gt, inArray, lt, lte, ne, not, notInArray, or, sql } from "drizzle-orm";

import type { PagePosition } from "../http/page-request.ts";
import { authorize, type Actor } from "./actors.ts";
import { isConflict, step, type Connection } from "./connection.ts";
import { publishLock } from "./locks.ts";
import { isAfter, newestFirst } from "./newest-first.ts";
import {
  feedTop,
  isPublished,
  isVisible,
  pageReaders,
  selectPosts,
  type PublishedPost,
} from "./published-posts.ts";
import { newJobs } from "./rendition-jobs.ts";
import { lockRows } from "./row-locks.ts";
import type { RenditionKind, Tables } from "./schema.ts";
import { requireQuota } from "./usage.ts";

type PostRow = Tables["posts"]["$inferSelect"];

/** The columns of a post that are set before its file is stored. */
export type ReservedPost = Pick<
  PostRow,
  | "id"
  | "caption"
  | "alt"
  | "fileType"
  | "fileName"
  | "store"
  | "key"
  | "contentType"
  | "bytes"
  | "width"
  | "height"
  | "durationSeconds"
  | "sha256"
  | "uploadKey"
> & { userId: string; reservedAt: Date };

/**
 * Where the store has put the file of a post: its id in the store, the addresses of the file and its renditions, and the
 * placeholder.
 */
export type StoredFile = Pick<PostRow, "storeId" | "thumbnailUrl" | "displayUrl" | "placeholder"> & {
  url: string;
};

/** The texts of a post that its author may change. */
export type PostTexts = Pick<PostRow, "caption" | "alt">;

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

/** Posts that {@link postQueries}.syncPostStates moves in one transaction: which blocks SQLite for about 10 ms. */
const maxSyncBatch = 1_000;

/** Every query about posts. */
export function postQueries(connection: Connection) {
  const { dialect, query, tables, write, transaction } = connection;
  const { posts, users } = tables;
  const published = isPublished(tables);

  const byId = selectPosts(query, tables)
    .where(and(eq(posts.id, sql.placeholder("id")), isVisible(tables)))
    .prepare("published_post");
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
    byId: async (id: string): Promise<PublishedPost | undefined> => (await byId.execute({ id }))[0],

    ...pageReaders(connection),

    /** The unfinished or published post that this user's upload key stands for. */
    byUploadKey: async (
      userId: string,
      uploadKey: string,
    ): Promise<Pick<PostRow, "id" | "sha256" | "caption" | "alt" | "editedAt"> | undefined> =>
      (
        await query
          .select({
            id: posts.id,
            sha256: posts.sha256,
            caption: posts.caption,
            alt: posts.alt,
            editedAt: posts.editedAt,
          })
          .from(posts)
          .where(and(eq(posts.userId, userId), eq(posts.uploadKey, uploadKey)))
      )[0],

    /**
     * Records where the bytes of the actor's upload are about to go, unless the upload key is taken.
     * @param quota bytes that the actor's posts may have; undefined for no limit
     * @throws ApiError as {@link authorize} does; QUOTA_EXCEEDED
     */
    reserve: async (
      actor: Actor,
      post: ReservedPost,
      quota?: number,
    ): Promise<"reserved" | "upload key taken"> => {
      try {
        await transaction(function* (tx) {
          yield* authorize(connection, tx, actor);
          yield* requireQuota(tables, tx, post, quota);
          yield* step(tx.insert(posts).values({ ...post, state: "pending" }));
        });
        return "reserved";
      } catch (error) {
        if (post.uploadKey !== null && isConflict(error)) return "upload key taken";
        throw error;
      }
    },

    /**
     * Publishes the actor's pending post. Its `createdAt` is later than that of every published post, even if the clocks
     * of several nodes differ, so that no post appears behind a cursor that a client already has.
     * @param missing renditions to make after it
     * @returns the post's `createdAt`; undefined when the upload was abandoned in the meantime
     * @throws ApiError as {@link authorize} does
     */
    publish: (
      actor: Actor,
      id: string,
      file: StoredFile,
      now: Date,
      missing: readonly RenditionKind[] = [],
    ): Promise<Date | undefined> =>
      transaction(function* (tx) {
        // Before the lock that all nodes share: an account that a frozen node has locked must not block the others.
        yield* authorize(connection, tx, actor);
        // Serializes publishing in commit order. SQLite has one writer anyway.
        if (dialect === "pg") yield* step(tx.execute(sql`select pg_advisory_xact_lock(${publishLock})`));
        const [newest] = yield* step(
          tx
            .select({ createdAt: posts.createdAt })
            .from(posts)
            .where(published)
            .orderBy(...newestFirst(posts))
            .limit(1),
        );
        const earliest = newest?.createdAt ? newest.createdAt.getTime() + 1 : 0;
        const createdAt = new Date(Math.max(now.getTime(), earliest));
        const rows = yield* step(
          tx
            .update(posts)
            .set({ ...file, state: "published", createdAt, processing: missing.length > 0 })
            .where(and(eq(posts.id, id), eq(posts.userId, actor.userId), eq(posts.state, "pending")))
            .returning({ id: posts.id }),
        );
        if (rows.length === 0) return undefined;
        if (missing.length > 0)
          yield* step(tx.insert(tables.renditionJobs).values(newJobs(id, actor.userId, 0, missing, now)));
        return createdAt;
      }),

    /**
     * Changes texts of the actor's own post. Sets `editedAt` only if a text is different.
     * @returns the post as it is now; undefined when it is not published any more, or not the actor's
     * @throws ApiError as {@link authorize} does
     */
    edit: (
      actor: Actor,
      id: string,
      { caption, alt }: Partial<PostTexts>,
      now: Date,
    ): Promise<PublishedPost | undefined> =>
      transaction(function* (tx) {
        yield* authorize(connection, tx, actor);
        const own = and(eq(posts.id, id), eq(posts.userId, actor.userId), published);
        const differs = [
          ...(caption === undefined ? [] : [ne(posts.caption, caption)]),
          ...(alt === undefined ? [] : [ne(posts.alt, alt)]),
        ];
        if (differs.length > 0)
          yield* step(
            tx
              .update(posts)
              .set({
                ...(caption !== undefined && { caption }),
                ...(alt !== undefined && { alt }),
                editedAt: now,
              })
              .where(and(own, or(...differs)))
              .returning({ id: posts.id }),
          );
        const [post] = yield* step(selectPosts(tx, tables).where(and(own, isVisible(tables))));
        return post;
      }),

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

    /** Counts pending and deleting posts. The cost does not depend on the number of published posts. */
    countUnfinished: async (): Promise<{ pending: number; deleting: number }> => {
      // The first condition repeats that of the partial index, which the planner uses only then.
      const rows = await query
        .select({ state: posts.state, posts: count() })
        .from(posts)
        .where(sql`${posts.state} <> 'published' and ${posts.state} in ('pending', 'deleting')`)
        .groupBy(posts.state);
      const of = (state: string) => rows.find((row) => row.state === state)?.posts ?? 0;
      return { pending: of("pending"), deleting: of("deleting") };
    },

    /** Scans an index, which blocks SQLite for tens of milliseconds per million posts. */
    countPublished: async (): Promise<number> =>
      (await query.select({ posts: count() }).from(posts).where(published))[0]?.posts ?? 0,

    /** Clears upload keys reserved before `cutoff`, so that they can be used again. */
    expireUploadKeys: async (cutoff: Date): Promise<void> => {
      await write((tx) =>
        tx
          .update(posts)
          .set({ uploadKey: null })
          .where(and(sql`${posts.uploadKey} is not null`, lt(posts.reservedAt, cutoff))),
      );
    },
  };
}

export type PostQueries = ReturnType<typeof postQueries>;
