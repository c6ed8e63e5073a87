import { and, count, eq, lt, ne, or, sql } from "drizzle-orm";

import { authorize, type Actor, type Operator } from "./actors.ts";
import { isConflict, step, type Connection } from "./connection.ts";
import { hiddenPostQueries } from "./hidden-posts.ts";
import { publishLock } from "./locks.ts";
import { newestFirst } from "./newest-first.ts";
import { postDeletionQueries } from "./post-deletions.ts";
import { isPublished, isVisible, pageReaders, selectPosts, type PublishedPost } from "./published-posts.ts";
import { newJobs } from "./rendition-jobs.ts";
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

/** Every query about posts. */
export function postQueries(connection: Connection) {
  const { dialect, query, tables, write, transaction } = connection;
  const { posts } = tables;
  const published = isPublished(tables);

  const byId = selectPosts(query, tables)
    .where(and(eq(posts.id, sql.placeholder("id")), isVisible(tables)))
    .prepare("published_post");

  return {
    byId: async (id: string): Promise<PublishedPost | undefined> => (await byId.execute({ id }))[0],

    ...pageReaders(connection),
    ...hiddenPostQueries(connection),
    ...postDeletionQueries(connection),

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
     * The posts of a user whose uploaded file has this hash, with the unfinished ones. Those being deleted do not count.
     * @param sha256 in hex
     */
    ofFile: async (
      userId: string,
      sha256: string,
    ): Promise<Pick<PostRow, "id" | "state" | "uploadKey" | "reservedAt">[]> =>
      query
        .select({
          id: posts.id,
          state: posts.state,
          uploadKey: posts.uploadKey,
          reservedAt: posts.reservedAt,
        })
        .from(posts)
        .where(
          and(
            eq(posts.userId, userId),
            eq(posts.sha256, sha256),
            // A literal, because the planner cannot tell from a parameter that the partial index holds the posts.
            sql`${posts.sha256} <> ''`,
            ne(posts.state, "deleting"),
          ),
        ),

    /**
     * Records where the bytes of the actor's upload are about to go, unless the upload key is taken.
     * @param quota bytes that the actor's posts may have; undefined for no limit
     * @throws ApiError as {@link authorize} does; QUOTA_EXCEEDED
     */
    reserve: async (
      actor: Actor | Operator,
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
      actor: Actor | Operator,
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
     * @returns the post as it is now; undefined when it is no longer published, or not the actor's
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
