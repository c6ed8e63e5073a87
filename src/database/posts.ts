import {
  and,
  count,
  desc,
  eq,
  exists,
  gt,
  inArray,
  lt,
  lte,
  ne,
  not,
  notInArray,
  or,
  sql,
} from "drizzle-orm";

import type { PagePosition } from "../http/page-request.ts";
import { authorize, type Actor } from "./actors.ts";
import { isConflict, step, type Connection, type Query } from "./connection.ts";
import { publishLock } from "./locks.ts";
import { queryCache } from "./query-cache.ts";
import type { Tables } from "./schema.ts";
import { requireQuota } from "./usage.ts";

type PostRow = Tables["posts"]["$inferSelect"];

/** What is known about a post before its bytes move. */
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
  | "sha256"
  | "uploadKey"
> & { userId: string; reservedAt: Date };

/** What the store reported about the bytes. */
export type PublishedFacts = Pick<PostRow, "storeId" | "thumbnailUrl"> & { url: string };

/** A published post of an active account, with the author's current name and address. */
export interface PublishedPost {
  id: string;
  userId: string;
  authorName: string | null;
  email: string;
  caption: string;
  alt: string;
  url: string;
  thumbnailUrl: string | null;
  fileType: "image" | "video";
  fileName: string;
  contentType: string;
  bytes: number;
  width: number | null;
  height: number | null;
  createdAt: Date;
  editedAt: Date | null;
}

/** The texts of a post that its author may change. */
export type PostTexts = Pick<PostRow, "caption" | "alt">;

/** The stored bytes of a post that is being deleted. */
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

/** Selects a {@link PublishedPost}, in the order of {@link StoredPost}. */
export const publishedPost = ({ posts, users }: Tables) => ({
  id: posts.id,
  userId: users.id,
  authorName: users.name,
  email: users.email,
  caption: posts.caption,
  alt: posts.alt,
  url: sql<string>`${posts.url}`,
  thumbnailUrl: posts.thumbnailUrl,
  fileType: posts.fileType,
  fileName: posts.fileName,
  contentType: posts.contentType,
  bytes: posts.bytes,
  width: posts.width,
  height: posts.height,
  createdAt: sql<Date>`${posts.createdAt}`.mapWith(posts.createdAt),
  editedAt: posts.editedAt,
});

/**
 * Selects posts and their authors; {@link isVisible} has the condition of the join. A cross join makes SQLite read the
 * posts first (https://www.sqlite.org/optoverview.html#crossjoin). Otherwise it may read a page of the feed by sorting the
 * posts of all authors.
 */
const selectPosts = (from: Pick<Query, "select">, tables: Tables) =>
  from.select(publishedPost(tables)).from(tables.posts).crossJoin(tables.users);

/** Written out, not bound: only then does the planner see that the partial indexes hold every published post. */
const isPublished = ({ posts }: Tables) => sql`${posts.state} = 'published'`;

/**
 * Joins a post with its author, and says whether anybody may see it: it is published, and the author's account is active.
 * The one rule for the feed, single posts, media and reports.
 */
export const isVisible = (tables: Tables) => {
  const { posts, users } = tables;
  return and(
    isPublished(tables),
    eq(users.id, posts.userId),
    // Every published post has the time. For a condition on the account alone, SQLite would read all accounts into a
    // Bloom filter before each page.
    sql`case when ${posts.createdAt} is not null then ${users.isActive} end`,
  );
};

/** Before the first post of any feed. Ids are hexadecimal, so "~" sorts after all of them. */
const feedTop: PagePosition = { createdAt: new Date(Date.UTC(9999, 0)), id: "~" };

type PageValues = PagePosition & { limit: number };
type AuthorPageValues = PageValues & { author: string };

/** The queries for pages of the feed and of one author's posts. Each is one range of an index, without a sort. */
export function pageQueries({ query, tables }: Pick<Connection, "query" | "tables">) {
  const { posts, users } = tables;
  // Row values, so that the whole condition is one range of an index.
  const place = sql`${sql.param(sql.placeholder("createdAt"), posts.createdAt)}, ${sql.placeholder("id")}`;
  const newestFirst = [desc(posts.createdAt), desc(posts.id)];
  const isAuthor = and(eq(users.id, sql.placeholder("author")), users.isActive);
  // No row for a deactivated author, so that none of their posts is read.
  const active = sql`(${query.select({ id: users.id }).from(users).where(isAuthor)})`;
  return {
    everybody: selectPosts(query, tables)
      .where(and(isVisible(tables), sql`(${posts.createdAt}, ${posts.id}) < (${place})`))
      .orderBy(...newestFirst)
      .limit(sql.placeholder("limit")),
    // Equality with the author would let PostgreSQL expect few posts, and sort all of them where there are many.
    ofAuthor: selectPosts(query, tables)
      .where(
        and(
          isAuthor,
          isPublished(tables),
          sql`${posts.userId} >= ${active}`,
          sql`(${posts.userId}, ${posts.createdAt}, ${posts.id}) < (${active}, ${place})`,
        ),
      )
      .orderBy(desc(posts.userId), ...newestFirst)
      .limit(sql.placeholder("limit")),
  };
}

/** A page as drizzle prepares it for SQLite: `values` returns the columns of each row as they are stored. */
interface SqlitePreparedPage {
  values(placeholders: PageValues): StoredPost[];
}

/** The columns of a {@link PublishedPost} in the order in which they are selected. */
type StoredPost = [
  id: string,
  userId: string,
  authorName: string | null,
  email: string,
  caption: string,
  alt: string,
  url: string,
  thumbnailUrl: string | null,
  fileType: "image" | "video",
  fileName: string,
  contentType: string,
  bytes: number,
  width: number | null,
  height: number | null,
  createdAtMs: number,
  editedAtMs: number | null,
];

/**
 * Drizzle would look up the decoder of every value, which takes as long as the query itself: pages that are not cached
 * would reach 0.63 of the bare baseline (`bun run bench feed`) instead of 0.83.
 */
const toPublishedPost = (row: StoredPost): PublishedPost => ({
  id: row[0],
  userId: row[1],
  authorName: row[2],
  email: row[3],
  caption: row[4],
  alt: row[5],
  url: row[6],
  thumbnailUrl: row[7],
  fileType: row[8],
  fileName: row[9],
  contentType: row[10],
  bytes: row[11],
  width: row[12],
  height: row[13],
  createdAt: new Date(row[14]),
  editedAt: row[15] === null ? null : new Date(row[15]),
});

/** Posts on cached pages of the feed: some 2 MB, 30 MB where every post has the longest texts. */
const maxCachedPosts = 2_000;

/** Posts on cached pages of single authors. */
const maxCachedAuthorPosts = 500;

/** Posts that {@link postQueries}.followAuthor moves in one transaction: some 10 ms in which SQLite does nothing else. */
const followBatch = 1_000;

/** Every query about posts. */
export function postQueries(connection: Connection) {
  const { dialect, query, tables, write, transaction } = connection;
  const { posts, users } = tables;
  const published = isPublished(tables);
  const newestFirst = [desc(posts.createdAt), desc(posts.id)];
  const isBefore = ({ createdAt, id }: PagePosition) =>
    sql`(${posts.createdAt}, ${posts.id}) < (${sql.param(createdAt, posts.createdAt)}, ${id})`;

  const byId = selectPosts(query, tables)
    .where(and(eq(posts.id, sql.placeholder("id")), isVisible(tables)))
    .prepare("published_post");
  const pages = pageQueries(connection);
  const feedPage = pages.everybody.prepare("feed_page");
  const authorPage = pages.ofAuthor.prepare("author_page");
  const cachedPage = <Values extends PageValues>(
    page: typeof feedPage,
    maxPosts: number,
    keyOf: (values: Values) => string,
  ) =>
    queryCache<Values, readonly PublishedPost[]>(
      connection,
      // An empty page has a size too.
      { maxSize: maxPosts, sizeCalculation: (found) => found.length + 1 },
      keyOf,
      async (values) =>
        dialect === "pg"
          ? page.execute(values)
          : (page as unknown as SqlitePreparedPage).values(values).map(toPublishedPost),
    );
  const keyOfPage = ({ limit, createdAt, id }: PageValues) => `${limit} ${createdAt.getTime()} ${id}`;
  const cachedFeedPage = cachedPage<PageValues>(feedPage, maxCachedPosts, keyOfPage);
  const cachedAuthorPage = cachedPage<AuthorPageValues>(
    authorPage,
    maxCachedAuthorPosts,
    (values) => `${values.author} ${keyOfPage(values)}`,
  );

  /**
   * Moves one batch of the posts after `after`, newest first, that are in the wrong state for their account.
   * @returns the last one; undefined when no more are left
   */
  const followOnce = (userId: string, after: PagePosition): Promise<PagePosition | undefined> =>
    transaction(function* (tx) {
      const account = tx.select({ isActive: users.isActive }).from(users).where(eq(users.id, userId));
      // Locked, so that the account keeps its state until the commit.
      const [author] = yield* step(dialect === "pg" ? account.for("no key update") : account);
      if (!author) return undefined;
      const [from, to] = author.isActive
        ? (["hidden", "published"] as const)
        : (["published", "hidden"] as const);
      const batch = yield* step(
        tx
          .select({ id: posts.id, createdAt: sql<Date>`${posts.createdAt}`.mapWith(posts.createdAt) })
          .from(posts)
          .where(and(eq(posts.userId, userId), eq(posts.state, from), isBefore(after)))
          .orderBy(...newestFirst)
          .limit(followBatch),
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

    /** A page of the feed, newest first: at most `limit` posts after `after`. */
    page: (limit: number, after: PagePosition = feedTop): Promise<readonly PublishedPost[]> =>
      cachedFeedPage({ limit, ...after }),

    /** A page of one author's posts, like `page`; empty for an unknown author. */
    pageOf: (
      author: string,
      limit: number,
      after: PagePosition = feedTop,
    ): Promise<readonly PublishedPost[]> => cachedAuthorPage({ author, limit, ...after }),

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
     * Publishes the actor's pending post as the newest of all, whatever the clocks of several nodes say, so that no post
     * appears behind a cursor that a client already has.
     * @returns when it was published; undefined when it was abandoned in the meantime
     * @throws ApiError as {@link authorize} does
     */
    publish: (actor: Actor, id: string, facts: PublishedFacts, now: Date): Promise<Date | undefined> =>
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
            .set({ state: "deleting", retryAt: now, uploadKey: null })
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
     * Moves the posts of an account to the state that {@link PostState} gives them: after a deactivation out of the
     * indexes of the feed, after a reactivation back. Readers look at the account too, so a deactivation takes effect
     * before this begins.
     */
    followAuthor: async (userId: string): Promise<void> => {
      for (let last = await followOnce(userId, feedTop); last; last = await followOnce(userId, last))
        // Lets requests run between two batches.
        await new Promise((resolve) => setImmediate(resolve));
    },

    /** The accounts for which `followAuthor` has something to do. Reads every account and every hidden post. */
    authorsToFollow: async (): Promise<string[]> => {
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
            .set({ state: "deleting", retryAt: now, uploadKey: null })
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
            .set({ state: "deleting", retryAt: now, uploadKey: null })
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

    /** Makes every post to be deleted due now, claimed ones included. */
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

    /** Counts by state; cheap however many posts there are. */
    countUnfinished: async (): Promise<{ pending: number; deleting: number }> => {
      const rows = await query
        .select({ state: posts.state, posts: count() })
        .from(posts)
        .where(sql`${posts.state} <> 'published' and ${posts.state} in ('pending', 'deleting')`)
        .groupBy(posts.state);
      const of = (state: string) => rows.find((row) => row.state === state)?.posts ?? 0;
      return { pending: of("pending"), deleting: of("deleting") };
    },

    /** Scans an index: tens of milliseconds for a million posts, in which SQLite does nothing else. */
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
