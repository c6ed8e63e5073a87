import { and, count, eq, exists, gt, inArray, lte, max, ne, or, sql } from "drizzle-orm";

import { step, type Connection, type Query, type Steps } from "./connection.ts";
import { lockRows } from "./row-locks.ts";
import type { RenditionJobState, RenditionKind, Tables } from "./schema.ts";

type NewJob = Tables["renditionJobs"]["$inferInsert"];
type PostRow = Tables["posts"]["$inferSelect"];

/** The rows of new jobs, due now. */
export const newJobs = (
  postId: string,
  userId: string,
  version: number,
  kinds: readonly RenditionKind[],
  now: Date,
): NewJob[] =>
  kinds.map((kind) => ({
    id: Bun.randomUUIDv7(),
    ...{ postId, userId, kind, version },
    state: "waiting",
    dueAt: now,
  }));

/** An attempt at a job. It may write a result only while `lease` is still the lease of the job. */
export interface Lease {
  readonly id: string;
  readonly postId: string;
  readonly lease: string;
}

/** A job that was claimed, with its post. */
export type ClaimedJob = Lease &
  Readonly<
    Pick<
      PostRow,
      | "store"
      | "key"
      | "contentType"
      | "fileName"
      | "bytes"
      | "thumbnailUrl"
      | "displayUrl"
      | "durationSeconds"
    >
  > & {
    readonly kind: RenditionKind;
    readonly userId: string;
    readonly version: number;
    /** The number of this attempt, starting at 1. */
    readonly attempts: number;
    readonly url: string;
  };

/** The columns of its post that a job changes; omitted ones stay as they are. */
export type RenditionChanges = Partial<
  Pick<PostRow, "thumbnailUrl" | "displayUrl" | "placeholder" | "durationSeconds">
>;

/** Jobs by kind and state, without those that have none. */
export type RenditionJobCount = { kind: RenditionKind; state: RenditionJobState; jobs: number };

/** A literal, because with a bound parameter the planner cannot use the partial index on unfinished jobs. */
const isUnfinished = ({ renditionJobs }: Tables) => sql`${renditionJobs.state} <> 'failed'`;

/** Whether a post may get renditions: it is acknowledged, and not being deleted. */
export const mayHaveRenditions = ({ posts }: Tables) => inArray(posts.state, ["published", "hidden"]);

/**
 * Sets `processing` of a post to whether any of its jobs waits or runs. The post must be locked.
 * @param changes other columns to set
 */
function* updateProcessing(
  tables: Tables,
  tx: Query,
  postId: string,
  changes: RenditionChanges = {},
): Steps<void> {
  const { posts, renditionJobs: jobs } = tables;
  const [unfinished] = yield* step(
    tx
      .select({ id: jobs.id })
      .from(jobs)
      .where(and(eq(jobs.postId, postId), isUnfinished(tables)))
      .limit(1),
  );
  yield* step(
    tx
      .update(posts)
      .set({ ...changes, processing: unfinished !== undefined })
      .where(eq(posts.id, postId))
      .returning({ id: posts.id }),
  );
}

/** The queries of the queue of renditions to make. */
export function renditionJobQueries(connection: Connection) {
  const { dialect, query, tables, write, transaction } = connection;
  const { posts, renditionJobs: jobs } = tables;
  const unfinished = isUnfinished(tables);
  const eligible = mayHaveRenditions(tables);
  const isHeld = ({ id, lease }: Lease) => and(eq(jobs.id, id), eq(jobs.lease, lease));

  /**
   * Locks the post of a job, as every other writer of posts does. The order, posts before jobs, keeps two transactions from
   * waiting for each other.
   * @returns whether it still gets renditions
   */
  function* lockPost(tx: Query, postId: string): Steps<boolean> {
    const post = tx
      .select({ id: posts.id })
      .from(posts)
      .where(and(eq(posts.id, postId), eligible));
    return (yield* lockRows(dialect, post)).length > 0;
  }

  /** Without a write transaction, which would clear the caches of other queries on SQLite. */
  const hasDue = async (kind: RenditionKind, now: Date) =>
    (
      await query
        .select({ id: jobs.id })
        .from(jobs)
        .where(and(eq(jobs.kind, kind), unfinished, lte(jobs.dueAt, now)))
        .limit(1)
    ).length > 0;

  return {
    /**
     * Claims a due job, including one whose lease has ended. Accounts take turns. Jobs that another node is claiming right
     * now are skipped.
     * @param lastUserId the account that was served last; an empty string at first
     */
    claim: async (
      kind: RenditionKind,
      lastUserId: string,
      now: Date,
      leaseEnd: Date,
    ): Promise<ClaimedJob | undefined> => {
      if (!(await hasDue(kind, now))) return undefined;
      return transaction(function* (tx) {
        for (const turn of [gt(jobs.userId, lastUserId), lte(jobs.userId, lastUserId)]) {
          const due = tx
            .select({
              ...{ id: jobs.id, kind: jobs.kind, userId: jobs.userId, version: jobs.version },
              ...{ attempts: jobs.attempts, postId: posts.id, store: posts.store, key: posts.key },
              ...{ contentType: posts.contentType, fileName: posts.fileName, bytes: posts.bytes },
              url: sql<string>`${posts.url}`,
              ...{ thumbnailUrl: posts.thumbnailUrl, displayUrl: posts.displayUrl },
              durationSeconds: posts.durationSeconds,
            })
            .from(jobs)
            .innerJoin(posts, eq(posts.id, jobs.postId))
            .where(and(eq(jobs.kind, kind), unfinished, turn, lte(jobs.dueAt, now), eligible))
            .orderBy(jobs.userId, jobs.dueAt)
            .limit(1);
          const [job] = yield* step(
            dialect === "pg" ? due.for("update", { of: jobs, skipLocked: true }) : due,
          );
          if (!job) continue;
          const attempt = { lease: crypto.randomUUID(), attempts: job.attempts + 1 };
          yield* step(
            tx
              .update(jobs)
              .set({ ...attempt, state: "running", dueAt: leaseEnd })
              .where(eq(jobs.id, job.id))
              .returning({ id: jobs.id }),
          );
          return { ...job, ...attempt };
        }
        return undefined;
      });
    },

    /** Extends a lease. Returns false when it was lost, or the post is being deleted. */
    renew: async (lease: Lease, leaseEnd: Date): Promise<boolean> => {
      const post = query
        .select({ id: posts.id })
        .from(posts)
        .where(and(eq(posts.id, lease.postId), eligible));
      const renewed = await write((tx) =>
        tx
          .update(jobs)
          .set({ dueAt: leaseEnd })
          .where(and(isHeld(lease), exists(post)))
          .returning({ id: jobs.id }),
      );
      return renewed.length > 0;
    },

    /**
     * Writes the result of a job and removes it.
     * @returns false, and writes nothing, when the lease was lost or the post is being deleted
     */
    finish: (lease: Lease, changes: RenditionChanges): Promise<boolean> =>
      transaction(function* (tx) {
        if (!(yield* lockPost(tx, lease.postId))) return false;
        const done = yield* step(tx.delete(jobs).where(isHeld(lease)).returning({ id: jobs.id }));
        if (done.length === 0) return false;
        yield* updateProcessing(tables, tx, lease.postId, changes);
        return true;
      }),

    /**
     * Ends an attempt so that another one follows.
     * @param attempts how many of the attempts so far count
     */
    giveBack: async (lease: Lease, dueAt: Date, attempts: number): Promise<void> => {
      await write((tx) =>
        tx.update(jobs).set({ state: "waiting", lease: null, dueAt, attempts }).where(isHeld(lease)),
      );
    },

    /**
     * Ends a job for good. It stays in the table, for `image-sharing renditions` to repeat it.
     * @param changes columns of the post to set
     * @returns false, and writes nothing, when the lease was lost or the post is being deleted
     */
    fail: (lease: Lease, changes: RenditionChanges): Promise<boolean> =>
      transaction(function* (tx) {
        if (!(yield* lockPost(tx, lease.postId))) return false;
        const failed = yield* step(
          tx
            .update(jobs)
            .set({ state: "failed", lease: null })
            .where(isHeld(lease))
            .returning({ id: jobs.id }),
        );
        if (failed.length === 0) return false;
        yield* updateProcessing(tables, tx, lease.postId, changes);
        return true;
      }),

    /** Makes every running job due now. Only for a single process, when it starts: no attempt can still be running. */
    releaseLeases: async (now: Date): Promise<void> => {
      await write((tx) =>
        tx
          .update(jobs)
          .set({ state: "waiting", lease: null, dueAt: now })
          .where(and(unfinished, eq(jobs.state, "running"))),
      );
    },

    /**
     * Ends all jobs of these kinds for good, because no process can run them. They stay in the table, like those of
     * `fail`.
     */
    failAll: async (kinds: readonly RenditionKind[]): Promise<void> => {
      await transaction(function* (tx) {
        const ended = yield* step(
          tx
            .update(jobs)
            .set({ state: "failed", lease: null })
            .where(and(inArray(jobs.kind, [...kinds]), unfinished))
            .returning({ postId: jobs.postId }),
        );
        for (const { postId } of ended) yield* updateProcessing(tables, tx, postId);
      });
    },

    /**
     * Removes the jobs of a post that is being deleted, except running attempts.
     * @returns when the last of their leases ends; until then an attempt may still store a file
     */
    cancel: async (postId: string, now: Date): Promise<Date | undefined> => {
      await write((tx) =>
        tx
          .delete(jobs)
          .where(and(eq(jobs.postId, postId), or(ne(jobs.state, "running"), lte(jobs.dueAt, now)))),
      );
      const [running] = await query
        .select({ leaseEnd: max(jobs.dueAt) })
        .from(jobs)
        .where(eq(jobs.postId, postId));
      return running?.leaseEnd ?? undefined;
    },

    /**
     * Returns the renditions that a post refers to, and the version of its unfinished job of this kind; undefined when the
     * post is gone or being deleted.
     */
    inUse: async (
      postId: string,
      kind: RenditionKind,
    ): Promise<(Pick<PostRow, "thumbnailUrl" | "displayUrl"> & { jobVersion: number | null }) | undefined> =>
      (
        await query
          .select({
            thumbnailUrl: posts.thumbnailUrl,
            displayUrl: posts.displayUrl,
            jobVersion: jobs.version,
          })
          .from(posts)
          .leftJoin(jobs, and(eq(jobs.postId, posts.id), eq(jobs.kind, kind), unfinished))
          .where(and(eq(posts.id, postId), eligible))
      )[0],

    /** Reads the whole table, which has a row for each unfinished and each failed job. */
    counts: async (): Promise<RenditionJobCount[]> =>
      query
        .select({ kind: jobs.kind, state: jobs.state, jobs: count() })
        .from(jobs)
        .groupBy(jobs.kind, jobs.state),
  };
}

export type RenditionJobQueries = ReturnType<typeof renditionJobQueries>;
