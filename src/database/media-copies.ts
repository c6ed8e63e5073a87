import { and, asc, countDistinct, eq, gt, isNull, lte, ne, or } from "drizzle-orm";

import { step, type Connection } from "./connection.ts";
import type { Tables } from "./schema.ts";

type CopyRow = Tables["mediaCopies"]["$inferSelect"];

/** The right to work on the files of a row, while `lease` is still the lease of the row. */
export interface CopyLease {
  readonly id: string;
  readonly lease: string;
}

/** Files to delete, which their post does not refer to. */
export type UnneededCopy = CopyLease &
  Readonly<
    Pick<CopyRow, "postId" | "store" | "key" | "storeId" | "fileType" | "renditionVersion" | "attempts">
  > & {
    /** The store that the post is in; null when the post is gone. */
    readonly postStore: string | null;
  };

/** Whether a row still has this lease. */
export const holdsCopy = ({ mediaCopies: copies }: Tables, { id, lease }: CopyLease) =>
  and(eq(copies.id, id), eq(copies.lease, lease));

/** Whether nothing works on the files of a row. */
export const isFreeCopy = ({ mediaCopies: copies }: Tables, now: Date) =>
  or(isNull(copies.lease), lte(copies.leaseUntil, now));

/** The queue of copies to delete; see `mediaCopies` in the schema. */
export function mediaCopyQueries({ dialect, query, tables, write, transaction }: Connection) {
  const { mediaCopies: copies, posts } = tables;

  /** Without a write transaction, which would clear the caches of other queries on SQLite. */
  const hasDue = async (now: Date) =>
    (await query.select({ id: copies.id }).from(copies).where(lte(copies.dueAt, now)).limit(1)).length > 0;

  return {
    /** Claims up to `limit` copies that are due; rows that another node is claiming right now are skipped. */
    claimDue: async (now: Date, leaseUntil: Date, limit: number): Promise<UnneededCopy[]> => {
      if (!(await hasDue(now))) return [];
      return transaction(function* (tx) {
        const due = tx
          .select()
          .from(copies)
          .where(and(lte(copies.dueAt, now), isFreeCopy(tables, now)))
          .orderBy(asc(copies.dueAt))
          .limit(limit);
        const found = yield* step(dialect === "pg" ? due.for("update", { skipLocked: true }) : due);
        const claimed: UnneededCopy[] = [];
        for (const copy of found) {
          const lease = crypto.randomUUID();
          const attempts = copy.attempts + 1;
          yield* step(
            tx
              .update(copies)
              .set({ lease, leaseUntil, dueAt: leaseUntil, attempts })
              .where(eq(copies.id, copy.id))
              .returning({ id: copies.id }),
          );
          const [post] = yield* step(
            tx.select({ store: posts.store }).from(posts).where(eq(posts.id, copy.postId)),
          );
          claimed.push({ ...copy, lease, attempts, postStore: post?.store ?? null });
        }
        return claimed;
      });
    },

    /** Removes the row of files that are gone. */
    remove: async (lease: CopyLease): Promise<void> => {
      await write((tx) => tx.delete(copies).where(holdsCopy(tables, lease)));
    },

    /** Gives up a lease. The files are deleted when they are due. */
    release: async (lease: CopyLease, dueAt: Date): Promise<void> => {
      await write((tx) =>
        tx.update(copies).set({ lease: null, leaseUntil: null, dueAt }).where(holdsCopy(tables, lease)),
      );
    },

    /** Counts the posts that have copies in other stores than this one. */
    countOutside: async (store: string): Promise<number> => {
      const posts = countDistinct(copies.postId);
      return (await query.select({ posts }).from(copies).where(ne(copies.store, store)))[0]!.posts;
    },

    /** Makes the copies of a deleted post due now, except those that something works on. */
    expire: async (postId: string, now: Date): Promise<void> => {
      await write((tx) =>
        tx
          .update(copies)
          .set({ dueAt: now })
          .where(and(eq(copies.postId, postId), isNull(copies.lease), gt(copies.dueAt, now))),
      );
    },
  };
}

export type MediaCopyQueries = ReturnType<typeof mediaCopyQueries>;
