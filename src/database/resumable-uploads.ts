import { and, count, eq, gt, inArray, isNull, lte, not, or, sum } from "drizzle-orm";

import { authorize, type Actor } from "./actors.ts";
import { step, type Connection } from "./connection.ts";
import { lockRows } from "./row-locks.ts";
import type { Tables } from "./schema.ts";

type Row = Tables["resumableUploads"]["$inferSelect"];

/** An upload that arrives in several requests. */
export type ResumableUpload = Readonly<Omit<Row, "lease" | "leaseUntil" | "leaseWanted">>;

/** An upload that begins. */
export type NewResumableUpload = Pick<
  ResumableUpload,
  "id" | "folder" | "nodeUrl" | "length" | "metadata" | "expiresAt"
>;

/** How many unfinished uploads an account may have, and how many bytes they may announce together. */
export interface UnfinishedLimits {
  readonly uploads: number;
  readonly bytes: number;
}

/** The right of one request to work on an upload: see {@link resumableUploadQueries}.acquire. */
export interface UploadLease {
  readonly uploadId: string;
  readonly lease: string;
}

const columns = (uploads: Tables["resumableUploads"]) => ({
  id: uploads.id,
  userId: uploads.userId,
  folder: uploads.folder,
  nodeUrl: uploads.nodeUrl,
  length: uploads.length,
  offset: uploads.offset,
  metadata: uploads.metadata,
  sha256: uploads.sha256,
  postId: uploads.postId,
  expiresAt: uploads.expiresAt,
});

/**
 * Every query about resumable uploads. Leases are kept on PostgreSQL only: the single process that uses a SQLite database
 * knows what its own requests do.
 */
export function resumableUploadQueries(connection: Connection) {
  const { dialect, query, tables, write, transaction } = connection;
  const { resumableUploads: uploads, users } = tables;
  const isUnfinished = isNull(uploads.postId);
  const isOwn = (userId: string, id: string, now: Date) =>
    and(eq(uploads.id, id), eq(uploads.userId, userId), gt(uploads.expiresAt, now));
  const hasLeases = dialect === "pg";
  const isHeldBy = ({ uploadId, lease }: UploadLease) =>
    and(eq(uploads.id, uploadId), hasLeases ? eq(uploads.lease, lease) : undefined);
  const find = async (userId: string, id: string, now: Date): Promise<ResumableUpload | undefined> =>
    (
      await query
        .select(columns(uploads))
        .from(uploads)
        .where(isOwn(userId, id, now))
    )[0];

  return {
    /**
     * Adds an upload of the actor.
     * @returns false when the account has too many unfinished ones
     * @throws ApiError as {@link authorize} does
     */
    add: (actor: Actor, upload: NewResumableUpload, limits: UnfinishedLimits, now: Date): Promise<boolean> =>
      transaction(function* (tx) {
        // Locks the account, so that parallel creations are counted one after the other.
        yield* authorize(connection, tx, actor);
        const [used] = yield* step(
          tx
            .select({ uploads: count(), bytes: sum(uploads.length).mapWith(Number) })
            .from(uploads)
            .where(and(eq(uploads.userId, actor.userId), isUnfinished, gt(uploads.expiresAt, now))),
        );
        if ((used?.uploads ?? 0) >= limits.uploads || (used?.bytes ?? 0) + upload.length > limits.bytes)
          return false;
        yield* step(tx.insert(uploads).values({ ...upload, userId: actor.userId }));
        return true;
      }),

    /** A user's upload that has not expired. */
    find,

    /**
     * Gives a request the right to work on a user's upload, until `until` or its release. While another request has it,
     * marks the upload as wanted.
     */
    acquire: async (
      userId: string,
      { uploadId, lease }: UploadLease,
      now: Date,
      until: Date,
    ): Promise<ResumableUpload | "held" | undefined> => {
      if (!hasLeases) return find(userId, uploadId, now);
      return transaction(function* (tx) {
        const own = tx
          .select({ ...columns(uploads), lease: uploads.lease, leaseUntil: uploads.leaseUntil })
          .from(uploads)
          .where(isOwn(userId, uploadId, now));
        const [found] = yield* lockRows(dialect, own);
        if (!found) return undefined;
        const { lease: holder, leaseUntil, ...upload } = found;
        const isHeld = holder !== null && leaseUntil !== null && leaseUntil > now;
        yield* step(
          tx
            .update(uploads)
            .set(isHeld ? { leaseWanted: true } : { lease, leaseUntil: until, leaseWanted: false })
            .where(eq(uploads.id, uploadId))
            .returning({ id: uploads.id }),
        );
        return isHeld ? "held" : upload;
      });
    },

    /**
     * Prolongs a lease.
     * @returns whether another request waits for it; undefined when it was lost, or the upload is gone
     */
    renew: async (lease: UploadLease, until: Date): Promise<boolean | undefined> => {
      if (!hasLeases) return false;
      const renewed = await write((tx) =>
        tx
          .update(uploads)
          .set({ leaseUntil: until })
          .where(isHeldBy(lease))
          .returning({ isWanted: uploads.leaseWanted }),
      );
      return renewed[0]?.isWanted;
    },

    release: async (lease: UploadLease): Promise<void> => {
      if (!hasLeases) return;
      await write((tx) => tx.update(uploads).set({ lease: null, leaseUntil: null }).where(isHeldBy(lease)));
    },

    /**
     * Records what is on disk of the actor's upload.
     * @returns false when the lease was lost, or the upload is gone
     * @throws ApiError as {@link authorize} does
     */
    advance: (
      actor: Actor,
      lease: UploadLease,
      progress: Pick<ResumableUpload, "offset" | "sha256" | "expiresAt">,
    ): Promise<boolean> =>
      transaction(function* (tx) {
        yield* authorize(connection, tx, actor);
        const rows = yield* step(
          tx
            .update(uploads)
            .set(progress)
            .where(and(isHeldBy(lease), eq(uploads.userId, actor.userId)))
            .returning({ id: uploads.id }),
        );
        return rows.length > 0;
      }),

    /** Records the post of an upload, which is finished with it. */
    finish: async (id: string, postId: string, expiresAt: Date): Promise<void> => {
      await write((tx) =>
        tx.update(uploads).set({ postId, offset: uploads.length, expiresAt }).where(eq(uploads.id, id)),
      );
    },

    /**
     * Removes the actor's upload.
     * @returns false when the lease was lost, or the upload is gone
     * @throws ApiError as {@link authorize} does
     */
    terminate: (actor: Actor, lease: UploadLease): Promise<boolean> =>
      transaction(function* (tx) {
        yield* authorize(connection, tx, actor);
        const own = and(isHeldBy(lease), eq(uploads.userId, actor.userId));
        return (yield* step(tx.delete(uploads).where(own).returning({ id: uploads.id }))).length > 0;
      }),

    /** Removes an upload that cannot become a post. */
    remove: async (id: string): Promise<void> => {
      await write((tx) => tx.delete(uploads).where(eq(uploads.id, id)));
    },

    /** Removes the uploads that have expired, and those of deactivated accounts. Returns their number. */
    removeUseless: async (now: Date): Promise<number> => {
      const deactivated = query.select({ id: users.id }).from(users).where(not(users.isActive));
      return (
        await write((tx) =>
          tx
            .delete(uploads)
            .where(or(lte(uploads.expiresAt, now), inArray(uploads.userId, deactivated)))
            .returning({ id: uploads.id }),
        )
      ).length;
    },

    /** The ids of the unfinished uploads whose bytes are in this folder. */
    unfinishedIn: async (folder: string): Promise<string[]> =>
      (
        await query
          .select({ id: uploads.id })
          .from(uploads)
          .where(and(eq(uploads.folder, folder), isUnfinished))
      ).map(({ id }) => id),

    /** Records the address of a node that reads this folder. */
    moveFolder: async (folder: string, nodeUrl: string): Promise<void> => {
      await write((tx) => tx.update(uploads).set({ nodeUrl }).where(eq(uploads.folder, folder)));
    },

    countUnfinished: async (): Promise<number> =>
      (await query.select({ uploads: count() }).from(uploads).where(isUnfinished))[0]?.uploads ?? 0,
  };
}

export type ResumableUploadQueries = ReturnType<typeof resumableUploadQueries>;
