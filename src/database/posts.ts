import { and, count, desc, eq, gt, inArray, lt, lte, notInArray, sql } from "drizzle-orm";

import { authorize, type Actor } from "./actors.ts";
import { isConflict, step, type Connection } from "./connection.ts";
import { publishLock } from "./locks.ts";
import { queryCache } from "./query-cache.ts";
import type { Tables } from "./schema.ts";

type PostRow = Tables["posts"]["$inferSelect"];

/** What is known of a post before its bytes move. */
export type ReservedPost = Pick<
  PostRow,
  | "id"
  | "caption"
  | "fileType"
  | "fileName"
  | "store"
  | "key"
  | "contentType"
  | "bytes"
  | "width"
  | "height"
  | "sha256"
  | "uploadKey"
> & { userId: string; reservedAt: Date };

/** What the store told about the bytes. */
export type PublishedFacts = Pick<PostRow, "storeId" | "thumbnailUrl"> & { url: string };

/** A visible post with its author's present address. */
export interface PublishedPost {
  id: string;
  userId: string;
  email: string;
  caption: string;
  url: string;
  thumbnailUrl: string | null;
  fileType: "image" | "video";
  fileName: string;
  contentType: string;
  bytes: number;
  width: number | null;
  height: number | null;
  createdAt: Date;
}

/** The bytes that a post to be deleted leaves behind. */
export type OrphanedMedia = Pick<
  PostRow,
  "id" | "store" | "key" | "storeId" | "url" | "bytes" | "reservedAt" | "attempts"
>;

/** Selects {@link OrphanedMedia}. */
const orphanedMedia = ({ id, store, key, storeId, url, bytes, reservedAt, attempts }: Tables["posts"]) => ({
  id,
  store,
  key,
  storeId,
  url,
  bytes,
  reservedAt,
  attempts,
});

/** A place in the feed: the last post of the page before. */
export type FeedPosition = {
  createdAt: Date;
  id: string;
};

/** Before the first post of any feed. Ids are hexadecimal, so "~" sorts behind them all. */
const feedTop: FeedPosition = { createdAt: new Date(Date.UTC(9999, 0)), id: "~" };

/** A page of the feed as drizzle prepares it for SQLite: `values` returns the columns of each row as they are stored. */
interface SqlitePreparedPage {
  values(placeholders: FeedPosition & { limit: number }): StoredPost[];
}

/** The columns of a {@link PublishedPost} in the order in which they are selected. */
type StoredPost = [
  id: string,
  userId: string,
  email: string,
  caption: string,
  url: string,
  thumbnailUrl: string | null,
  fileType: "image" | "video",
  fileName: string,
  contentType: string,
  bytes: number,
  width: number | null,
  height: number | null,
  createdAtMs: number,
];

/**
 * Drizzle would look up the decoder of every value, which takes as long as the query itself: pages that are not cached
 * would reach 0.63 of the bare baseline (`bun run bench feed`) instead of 0.83.
 */
const toPublishedPost = (row: StoredPost): PublishedPost => ({
  id: row[0],
  userId: row[1],
  email: row[2],
  caption: row[3],
  url: row[4],
  thumbnailUrl: row[5],
  fileType: row[6],
  fileName: row[7],
  contentType: row[8],
  bytes: row[9],
  width: row[10],
  height: row[11],
  createdAt: new Date(row[12]),
});

/** Posts on cached pages of the feed: some 2 MB, 20 MB where every post has the longest caption. */
const maxCachedPosts = 2_000;

/** Every query about posts. */
export function postQueries(connection: Connection) {
  const { dialect, query, tables, write, transaction } = connection;
  const { posts, users } = tables;
  // Written out, not bound: only then does the planner see that the partial index holds every published post.
  const published = sql`${posts.state} = 'published'`;
  /** In the order of {@link StoredPost}. */
  const selectPublished = () =>
    query
      .select({
        id: posts.id,
        userId: users.id,
        email: users.email,
        caption: posts.caption,
        url: sql<string>`${posts.url}`,
        thumbnailUrl: posts.thumbnailUrl,
        fileType: posts.fileType,
        fileName: posts.fileName,
        contentType: posts.contentType,
        bytes: posts.bytes,
        width: posts.width,
        height: posts.height,
        createdAt: sql<Date>`${posts.createdAt}`.mapWith(posts.createdAt),
      })
      .from(posts)
      .innerJoin(users, eq(users.id, posts.userId));
  const newestFirst = [desc(posts.createdAt), desc(posts.id)];

  const byId = selectPublished()
    .where(and(eq(posts.id, sql.placeholder("id")), published))
    .prepare("published_post");
  const page = selectPublished()
    .where(
      and(
        published,
        // Row values, so that the whole condition is one range of the index.
        sql`(${posts.createdAt}, ${posts.id}) < (${sql.param(sql.placeholder("createdAt"), posts.createdAt)}, ${sql.placeholder("id")})`,
      ),
    )
    .orderBy(...newestFirst)
    .limit(sql.placeholder("limit"))
    .prepare("feed_page");
  const cachedPage = queryCache<FeedPosition & { limit: number }, readonly PublishedPost[]>(
    connection,
    // An empty page has a size too.
    { maxSize: maxCachedPosts, sizeCalculation: (found) => found.length + 1 },
    ({ limit, createdAt, id }) => `${limit} ${createdAt.getTime()} ${id}`,
    async (values) =>
      dialect === "pg"
        ? page.execute(values)
        : (page as unknown as SqlitePreparedPage).values(values).map(toPublishedPost),
  );
  return {
    byId: async (id: string): Promise<PublishedPost | undefined> => (await byId.execute({ id }))[0],

    /** A page of the feed, newest first: at most `limit` posts behind `after`. */
    page: (limit: number, after: FeedPosition = feedTop): Promise<readonly PublishedPost[]> =>
      cachedPage({ limit, ...after }),

    /** The unfinished or published post that this user's upload key stands for. */
    byUploadKey: async (
      userId: string,
      uploadKey: string,
    ): Promise<{ id: string; sha256: string; caption: string } | undefined> =>
      (
        await query
          .select({ id: posts.id, sha256: posts.sha256, caption: posts.caption })
          .from(posts)
          .where(and(eq(posts.userId, userId), eq(posts.uploadKey, uploadKey)))
      )[0],

    /**
     * Notes where the bytes of the actor's upload are about to go, unless the upload key is taken already.
     * @throws ApiError as {@link authorize} does
     */
    reserve: async (actor: Actor, post: ReservedPost): Promise<"reserved" | "upload key taken"> => {
      try {
        await transaction(function* (tx) {
          yield* authorize(connection, tx, actor);
          yield* step(tx.insert(posts).values({ ...post, state: "pending" }));
        });
        return "reserved";
      } catch (error) {
        if (post.uploadKey !== null && isConflict(error)) return "upload key taken";
        throw error;
      }
    },

    /**
     * Makes the actor's pending post visible as the newest of all, whatever the clocks of several nodes say: no post
     * ever appears behind a cursor that was handed out.
     * @returns when it was published; undefined when it was given up meanwhile
     * @throws ApiError as {@link authorize} does
     */
    publish: (actor: Actor, id: string, facts: PublishedFacts, now: Date): Promise<Date | undefined> =>
      transaction(function* (tx) {
        // Before the lock that all nodes share: an account locked by a frozen node must not keep the others waiting.
        yield* authorize(connection, tx, actor);
        // In the order of their commits: SQLite has one writer anyway.
        if (dialect === "pg") yield* step(tx.execute(sql`select pg_advisory_xact_lock(${publishLock})`));
        const [newest] = yield* step(
          tx
            .select({ createdAt: posts.createdAt })
            .from(posts)
            .where(published)
            .orderBy(...newestFirst)
            .limit(1),
        );
        const earliest = newest?.createdAt ? newest.createdAt.getTime() + 1 : 0;
        const createdAt = new Date(Math.max(now.getTime(), earliest));
        const rows = yield* step(
          tx
            .update(posts)
            .set({ ...facts, state: "published", createdAt })
            .where(and(eq(posts.id, id), eq(posts.userId, actor.userId), eq(posts.state, "pending")))
            .returning({ id: posts.id }),
        );
        return rows.length > 0 ? createdAt : undefined;
      }),

    /**
     * Hides the actor's own post at once; of several calls at once only one gets it.
     * @throws ApiError as {@link authorize} does
     */
    startDeleting: (actor: Actor, id: string, now: Date): Promise<OrphanedMedia | undefined> =>
      transaction(function* (tx) {
        yield* authorize(connection, tx, actor);
        const [hidden] = yield* step(
          tx
            .update(posts)
            .set({ state: "deleting", retryAt: now, uploadKey: null })
            .where(and(eq(posts.id, id), eq(posts.userId, actor.userId), eq(posts.state, "published")))
            .returning(orphanedMedia(posts)),
        );
        return hidden;
      }),

    /** Gives up an upload that did not get through; what the store may hold is deleted like any other post's bytes. */
    abandon: async (id: string, now: Date): Promise<OrphanedMedia | undefined> =>
      (
        await write((tx) =>
          tx
            .update(posts)
            .set({ state: "deleting", retryAt: now, uploadKey: null })
            .where(and(eq(posts.id, id), inArray(posts.state, ["pending", "deleting"])))
            .returning(orphanedMedia(posts)),
        )
      )[0],

    /** Gives up every upload reserved before `cutoff`, except those still running in this process. */
    abandonOlderThan: async (cutoff: Date, running: string[], now: Date): Promise<number> =>
      (
        await write((tx) =>
          tx
            .update(posts)
            .set({ state: "deleting", retryAt: now, uploadKey: null })
            .where(
              and(eq(posts.state, "pending"), lte(posts.reservedAt, cutoff), notInArray(posts.id, running)),
            )
            .returning({ id: posts.id }),
        )
      ).length,

    /**
     * Takes up to `limit` posts whose bytes are due to be deleted, and keeps others from taking them until `leaseUntil`.
     * Rows that another node is taking are skipped.
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
      // An array, so that PostgreSQL takes its locks once; a joined subquery may be run again.
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

    /** Makes due now whatever is to be deleted, also what somebody has claimed. */
    releaseClaims: async (now: Date): Promise<void> => {
      await write((tx) =>
        tx
          .update(posts)
          .set({ retryAt: now })
          .where(and(eq(posts.state, "deleting"), gt(posts.retryAt, now))),
      );
    },

    /** When a post's bytes could not be deleted: when to try again. */
    postpone: async (id: string, retryAt: Date): Promise<void> => {
      await write((tx) => tx.update(posts).set({ retryAt }).where(eq(posts.id, id)));
    },

    /** Forgets a post whose bytes are gone. */
    remove: async (id: string): Promise<void> => {
      await write((tx) => tx.delete(posts).where(and(eq(posts.id, id), eq(posts.state, "deleting"))));
    },

    /** By state; cheap however many posts there are. */
    countUnfinished: async (): Promise<{ pending: number; deleting: number }> => {
      const rows = await query
        .select({ state: posts.state, posts: count() })
        .from(posts)
        .where(sql`${posts.state} <> 'published'`)
        .groupBy(posts.state);
      const of = (state: string) => rows.find((row) => row.state === state)?.posts ?? 0;
      return { pending: of("pending"), deleting: of("deleting") };
    },

    /** Walks an index: tens of milliseconds for a million, in which SQLite does nothing else. */
    countPublished: async (): Promise<number> =>
      (await query.select({ posts: count() }).from(posts).where(published))[0]?.posts ?? 0,

    /** Ends the validity of upload keys older than `cutoff`. */
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
