import { and, asc, count, desc, eq, exists, gt, inArray, ne, sql } from "drizzle-orm";

import { step, type Connection, type Query, type Steps } from "./connection.ts";
import { holdsCopy, isFreeCopy, type CopyLease } from "./media-copies.ts";
import { newJobs } from "./rendition-jobs.ts";
import { lockRows } from "./row-locks.ts";
import type { RenditionKind, Tables } from "./schema.ts";

type PostRow = Tables["posts"]["$inferSelect"];

/** The columns of a post that a move reads. */
const movedColumns = (posts: Tables["posts"]) => ({
  ...{ id: posts.id, userId: posts.userId, fileType: posts.fileType },
  ...{ fileName: posts.fileName, store: posts.store, key: posts.key, storeId: posts.storeId },
  ...{ url: sql<string>`${posts.url}`, thumbnailUrl: posts.thumbnailUrl, displayUrl: posts.displayUrl },
  ...{ placeholder: posts.placeholder, renditionVersion: posts.renditionVersion },
  ...{ contentType: posts.contentType, bytes: posts.bytes, width: posts.width, height: posts.height },
});

/** A post whose files are being copied to another store. */
export type MovingPost = Readonly<Pick<PostRow, Exclude<keyof ReturnType<typeof movedColumns>, "url">>> & {
  readonly url: string;
  readonly to: Destination;
  /** The lease of the copy. */
  readonly copy: CopyLease;
  /** Whether files of an earlier move may be in the target. */
  readonly isTakenOver: boolean;
};

/** The store that posts are moved to. */
export interface Destination {
  readonly name: string;
  /** Posts of deactivated accounts stay out of a public store, where they could be read again. */
  readonly isPublic: boolean;
}

/** What a post refers to after a move. */
export interface MovedMedia {
  readonly media: Pick<PostRow, "storeId" | "url" | "bytes" | "thumbnailUrl" | "displayUrl">;
  /** Renditions to make there; null where the store makes them itself. */
  readonly missing: readonly RenditionKind[] | null;
}

type Comparison = "same" | "changed" | "gone";

type CopiedFiles = Pick<MovingPost, "store" | (typeof copiedColumns)[number]>;

/** If one of these columns changes while the files are copied, the copy is out of date. */
const copiedColumns = ["key", "url", "thumbnailUrl", "displayUrl", "renditionVersion"] as const;

function comparison(post: CopiedFiles | undefined, moving: CopiedFiles): Comparison {
  if (post?.store !== moving.store) return "gone";
  return copiedColumns.every((name) => post[name] === moving[name]) ? "same" : "changed";
}

/** The queries of a move of posts between stores. */
export function mediaMoveQueries({ dialect, query, tables, write, transaction }: Connection) {
  const { posts, mediaCopies: copies, renditionJobs: jobs } = tables;
  /** Whether a post may be in this store after the move. */
  const mayBeIn = ({ isPublic }: Destination) =>
    inArray(posts.state, isPublic ? ["published"] : ["published", "hidden"]);
  const isElsewhere = (to: Destination) => and(ne(posts.store, to.name), mayBeIn(to));

  function* lockPost(tx: Query, id: string, to: Destination) {
    const post = tx
      .select(movedColumns(posts))
      .from(posts)
      .where(and(eq(posts.id, id), mayBeIn(to)));
    return (yield* lockRows(dialect, post))[0];
  }

  /** Hands unfinished jobs to an attempt that reads the new store, and adds those that are missing. */
  function* moveJobs(
    tx: Query,
    { id, userId, renditionVersion: version }: MovingPost,
    missing: readonly RenditionKind[] | null,
    now: Date,
  ): Steps<void> {
    const ofPost = eq(jobs.postId, id);
    if (missing === null) {
      yield* step(tx.delete(jobs).where(ofPost).returning({ id: jobs.id }));
      return;
    }
    // A running attempt would link files in the old store.
    yield* step(
      tx
        .update(jobs)
        .set({ state: "waiting", lease: null, dueAt: now, attempts: sql`${jobs.attempts} - 1` })
        .where(and(ofPost, eq(jobs.state, "running")))
        .returning({ id: jobs.id }),
    );
    if (missing.length === 0 || userId === null) return;
    yield* step(
      tx
        .insert(jobs)
        .values(newJobs(id, userId, version, missing, now))
        .onConflictDoUpdate({
          target: [jobs.postId, jobs.kind],
          set: { version, state: "waiting", dueAt: now, attempts: 0, lease: null },
        })
        .returning({ id: jobs.id }),
    );
  }

  return {
    /** Counts the posts to move, by store. Reads the whole table. */
    totals: async (to: Destination): Promise<{ store: string; posts: number }[]> =>
      query
        .select({ store: posts.store, posts: count() })
        .from(posts)
        .where(isElsewhere(to))
        .groupBy(posts.store),

    /** Returns the keys of the latest published posts in a store. */
    sampleOf: async (store: string, limit: number): Promise<string[]> => {
      const found = await query
        .select({ key: posts.key })
        .from(posts)
        .where(and(eq(posts.store, store), eq(posts.state, "published")))
        .orderBy(desc(posts.createdAt))
        .limit(limit);
      return found.map(({ key }) => key);
    },

    /** Counts the posts that are neither in the store nor to be moved there, because they are hidden. */
    countHidden: async ({ name, isPublic }: Destination): Promise<number> =>
      isPublic
        ? query.$count(
            posts,
            // The second condition on the state is that of the index `posts_unfinished`, without which the whole table is read.
            and(ne(posts.store, name), sql`${posts.state} = 'hidden' and ${posts.state} <> 'published'`),
          )
        : 0,

    /** Returns a page of posts to move, in the order of their ids. */
    page: async (
      to: Destination,
      after: string,
      limit: number,
    ): Promise<Readonly<Pick<PostRow, "id" | "bytes">>[]> =>
      query
        .select({ id: posts.id, bytes: posts.bytes })
        .from(posts)
        .where(and(gt(posts.id, after), isElsewhere(to)))
        .orderBy(asc(posts.id))
        .limit(limit),

    /** Compares a post with what is being copied of it. `gone`: it has moved, or is being deleted. */
    compare: async (moving: MovingPost): Promise<Comparison> => {
      const [post] = await query
        .select(movedColumns(posts))
        .from(posts)
        .where(and(eq(posts.id, moving.id), mayBeIn(moving.to)));
      return comparison(post, moving);
    },

    /**
     * Records that files of a post are about to be copied to a store.
     * @param dueAt when they are to be deleted unless the lease is renewed
     * @returns "busy" while something else works on such files; undefined when there is nothing to move
     */
    begin: (
      postId: string,
      to: Destination,
      now: Date,
      leaseUntil: Date,
      dueAt: Date,
    ): Promise<MovingPost | "busy" | undefined> =>
      transaction(function* (tx) {
        const post = yield* lockPost(tx, postId, to);
        if (!post || post.store === to.name) return undefined;
        const { key, fileType, renditionVersion } = post;
        const id = Bun.randomUUIDv7();
        const held = { lease: crypto.randomUUID(), leaseUntil, dueAt, key, fileType, renditionVersion };
        const [copy] = yield* step(
          tx
            .insert(copies)
            .values({ ...held, id, postId, store: to.name })
            .onConflictDoUpdate({
              target: [copies.postId, copies.store],
              set: { ...held, attempts: 0 },
              setWhere: isFreeCopy(tables, now)!,
            })
            .returning({ id: copies.id }),
        );
        if (!copy) return "busy";
        return { ...post, to, copy: { id: copy.id, lease: held.lease }, isTakenOver: copy.id !== id };
      }),

    /** Extends a lease. Returns false when it was lost, or the post is being deleted or hidden or has moved. */
    renew: async ({ id, store, to, copy }: MovingPost, leaseUntil: Date, dueAt: Date): Promise<boolean> => {
      const post = query
        .select({ id: posts.id })
        .from(posts)
        .where(and(eq(posts.id, id), eq(posts.store, store), mayBeIn(to)));
      const renewed = await write((tx) =>
        tx
          .update(copies)
          .set({ leaseUntil, dueAt })
          .where(and(holdsCopy(tables, copy), exists(post)))
          .returning({ id: copies.id }),
      );
      return renewed.length > 0;
    },

    /**
     * Makes the copy the post's own, and its files in the old store due for deletion. Running attempts at its renditions
     * lose their leases, because they would link files in the old store.
     * @param leftoverDueAt when the old files are to be deleted
     * @returns as `compare`; also "gone" when the lease was lost. Nothing is written unless it is "moved".
     */
    finish: (
      moving: MovingPost,
      { media, missing }: MovedMedia,
      now: Date,
      leftoverDueAt: Date,
    ): Promise<"moved" | "changed" | "gone"> =>
      transaction(function* (tx) {
        const post = yield* lockPost(tx, moving.id, moving.to);
        const compared = comparison(post, moving);
        if (!post || compared !== "same") return compared === "changed" ? "changed" : "gone";
        const { id, store, key, storeId, renditionVersion } = post;
        const leftover = { store, key, storeId, renditionVersion, dueAt: leftoverDueAt, attempts: 0 };
        const held = yield* step(
          tx
            .update(copies)
            .set({ ...leftover, lease: null, leaseUntil: null })
            .where(holdsCopy(tables, moving.copy))
            .returning({ id: copies.id }),
        );
        if (held.length === 0) return "gone";
        yield* moveJobs(tx, moving, missing, now);
        yield* step(
          tx
            .update(posts)
            .set({
              ...media,
              store: moving.to.name,
              // Renditions that are made after a later move get new keys, because the bytes of a key never change.
              renditionVersion: renditionVersion + (missing === null ? 1 : 0),
              ...(missing === null && { processing: false }),
              ...(missing !== null && missing.length > 0 && { processing: true }),
            })
            .where(eq(posts.id, id))
            .returning({ id: posts.id }),
        );
        return "moved";
      }),
  };
}

export type MediaMoveQueries = ReturnType<typeof mediaMoveQueries>;
