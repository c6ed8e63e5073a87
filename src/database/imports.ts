import { and, eq, inArray, like, or } from "drizzle-orm";

import { step, type Connection, type Query, type Steps } from "./connection.ts";
import { insertNewRows } from "./insert-rows.ts";
import type { ReservedPost, StoredFile } from "./posts.ts";
import { newJobs } from "./rendition-jobs.ts";
import { lockRows } from "./row-locks.ts";
import type { RenditionKind, Tables } from "./schema.ts";
import type { User } from "./users.ts";

type PostRow = Tables["posts"]["$inferSelect"];

/** A post whose file stays where it is. */
export type ImportedPost = Omit<ReservedPost, "uploadKey" | "reservedAt"> & StoredFile & { createdAt: Date };

/**
 * - `new`: imported now, or by an import that checks only, would be.
 * - `known`: imported earlier.
 * - `deleted`: imported earlier, and deleted since.
 * - `id taken`, `address taken`: an account that was not imported has it.
 */
export type AccountOutcome = "new" | "known" | "deleted" | "id taken" | "address taken";

/**
 * - `new`, `known`, `deleted`, `id taken`: as for accounts.
 * - `unfinished`: an interrupted import has left it, or what that has left is being deleted.
 * - `no author`: its author's account was not imported, or has been deleted.
 */
export type PostOutcome = "new" | "known" | "deleted" | "unfinished" | "id taken" | "no author";

/** Every query of imports. Outcomes are in the order of the rows. */
export function importQueries({ dialect, query, tables, transaction }: Connection) {
  const { users, posts, importedIds, renditionJobs } = tables;

  function* earlier(tx: Pick<Query, "select">, ids: readonly string[]): Steps<Set<string>> {
    const rows = yield* step(
      tx
        .select()
        .from(importedIds)
        .where(inArray(importedIds.id, [...ids])),
    );
    return new Set(rows.map(({ id }) => id));
  }

  function* remember(tx: Query, ids: Iterable<string>): Steps<void> {
    // Sorted, so that each page of the index is written only once.
    const rows = [...ids].sort().map((id) => ({ id }));
    yield* insertNewRows(dialect, tx, importedIds, rows);
  }

  function* checkAccounts(tx: Pick<Query, "select">, accounts: readonly User[]): Steps<AccountOutcome[]> {
    const ids = accounts.map(({ id }) => id);
    const known = yield* earlier(tx, ids);
    const keys = accounts.map(({ emailKey }) => emailKey);
    const found = yield* step(
      tx
        .select({ id: users.id, emailKey: users.emailKey })
        .from(users)
        .where(or(inArray(users.id, ids), inArray(users.emailKey, keys))),
    );
    const takenIds = new Set(found.map(({ id }) => id));
    const takenKeys = new Set(found.map(({ emailKey }) => emailKey));
    return accounts.map(({ id, emailKey }) => {
      if (known.has(id)) return takenIds.has(id) ? "known" : "deleted";
      if (takenIds.has(id)) return "id taken";
      return takenKeys.has(emailKey) ? "address taken" : "new";
    });
  }

  function* checkPosts(
    tx: Pick<Query, "select">,
    imported: readonly Pick<ImportedPost, "id">[],
  ): Steps<PostOutcome[]> {
    const ids = imported.map(({ id }) => id);
    const known = yield* earlier(tx, ids);
    const found = yield* step(
      tx.select({ id: posts.id, state: posts.state }).from(posts).where(inArray(posts.id, ids)),
    );
    const states = new Map(found.map(({ id, state }) => [id, state]));
    return ids.map((id) => {
      const state = states.get(id);
      const isPosted = state === "published" || state === "hidden";
      if (known.has(id)) return isPosted ? "known" : "deleted";
      if (state === undefined) return "new";
      return isPosted ? "id taken" : "unfinished";
    });
  }

  /** Locks imported accounts until the end of the transaction, and returns whether each is active. */
  function* lockAuthors(tx: Query, ids: readonly string[]): Steps<Map<string, boolean>> {
    const known = yield* earlier(tx, ids);
    const rows = yield* lockRows(
      dialect,
      tx
        .select({ id: users.id, isActive: users.isActive })
        .from(users)
        .where(inArray(users.id, [...known]))
        // In one order, so that two imports cannot block each other.
        .orderBy(users.id),
    );
    return new Map(rows.map(({ id, isActive }) => [id, isActive]));
  }

  /** The facts of files whose posts lack the store's id, which then begins with the path. */
  function* completeFacts(tx: Query, found: readonly ImportedPost[]): Steps<void> {
    if (found.length === 0) return;
    const lacking = yield* step(
      tx
        .select({ id: posts.id })
        .from(posts)
        .where(
          and(
            inArray(
              posts.id,
              found.map(({ id }) => id),
            ),
            eq(posts.store, "imagekit"),
            like(posts.storeId, "/%"),
          ),
        ),
    );
    const ids = new Set(lacking.map(({ id }) => id));
    for (const { id, storeId, bytes, width, height } of found)
      if (ids.has(id))
        yield* step(
          tx
            .update(posts)
            .set({ storeId, bytes, width, height })
            .where(and(eq(posts.id, id), like(posts.storeId, "/%")))
            .returning({ id: posts.id }),
        );
  }

  return {
    /** Says what {@link addAccounts} would do. Does not compare the accounts with each other. */
    checkAccounts: (accounts: readonly User[]): Promise<AccountOutcome[]> =>
      run(checkAccounts(query, accounts)),

    /** Says what {@link addPosts} would do, without regard to authors. */
    checkPosts: (imported: readonly Pick<ImportedPost, "id">[]): Promise<PostOutcome[]> =>
      run(checkPosts(query, imported)),

    /** Adds the accounts that are new, in one transaction. Existing accounts stay as they are. */
    addAccounts: (accounts: readonly User[]): Promise<AccountOutcome[]> =>
      transaction(function* (tx) {
        const outcomes = yield* checkAccounts(tx, accounts);
        const added = accounts.filter((_, i) => outcomes[i] === "new");
        const ids = yield* insertNewRows(dialect, tx, users, added);
        yield* remember(tx, ids);
        // A registration on another node may have been faster.
        return accounts.map(({ id }, i) =>
          outcomes[i] === "new" && !ids.has(id) ? "address taken" : outcomes[i]!,
        );
      }),

    /**
     * Publishes the new posts, each at its own time, in one transaction. A post that was imported earlier without the facts
     * about its file gets them now, if they are known.
     */
    addPosts: (imported: readonly ImportedPost[]): Promise<PostOutcome[]> =>
      transaction(function* (tx) {
        const outcomes = yield* checkPosts(tx, imported);
        const candidates = imported.filter((_, i) => outcomes[i] === "new");
        const authors = yield* lockAuthors(tx, [...new Set(candidates.map(({ userId }) => userId))]);
        const added = candidates.flatMap((post) => {
          const isActive = authors.get(post.userId);
          return isActive === undefined ? [] : [{ ...post, ...publishedNow(isActive) }];
        });
        // In the order of the largest index, so that neighbours share its pages. In the order of the random ids, each post
        // would load a page of its own.
        added.sort((a, b) => compare(a.userId, b.userId) || a.createdAt.getTime() - b.createdAt.getTime());
        const ids = yield* insertNewRows(dialect, tx, posts, added);
        yield* remember(tx, ids);
        yield* completeFacts(
          tx,
          imported.filter(({ bytes }, i) => outcomes[i] === "known" && bytes > 0),
        );
        return imported.map(({ id, userId }, i) => {
          if (outcomes[i] !== "new" || ids.has(id)) return outcomes[i]!;
          return authors.has(userId) ? "id taken" : "no author";
        });
      }),

    /**
     * Records where the file of an imported post is about to be stored, as for an upload.
     * @returns `new` if it was recorded
     */
    reserve: (post: ReservedPost): Promise<PostOutcome> =>
      transaction(function* (tx) {
        const [outcome] = yield* checkPosts(tx, [post]);
        if (outcome !== "new") return outcome!;
        const authors = yield* lockAuthors(tx, [post.userId]);
        if (!authors.has(post.userId)) return "no author";
        yield* step(
          tx
            .insert(posts)
            .values({ ...post, state: "pending" })
            .returning({ id: posts.id }),
        );
        return "new";
      }),

    /**
     * Publishes a reserved post at the time it has.
     * @param missing renditions to make after it
     * @returns false if the import was abandoned or the author's account deleted in the meantime
     */
    publish: (
      { id, userId }: Pick<ReservedPost, "id" | "userId">,
      file: StoredFile,
      createdAt: Date,
      missing: readonly RenditionKind[],
    ): Promise<boolean> =>
      transaction(function* (tx) {
        const isActive = (yield* lockAuthors(tx, [userId])).get(userId);
        if (isActive === undefined) return false;
        const processing = missing.length > 0;
        const rows = yield* step(
          tx
            .update(posts)
            .set({ ...file, state: isActive ? "published" : "hidden", createdAt, processing })
            .where(and(eq(posts.id, id), eq(posts.userId, userId), eq(posts.state, "pending")))
            .returning({ id: posts.id }),
        );
        if (rows.length === 0) return false;
        yield* remember(tx, [id]);
        if (processing)
          yield* step(
            tx
              .insert(renditionJobs)
              .values(newJobs(id, userId, 0, missing, new Date()))
              .returning({ id: renditionJobs.id }),
          );
        return true;
      }),
  };
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The columns of a post that is published without an upload. */
const publishedNow = (isActive: boolean): Pick<PostRow, "state" | "reservedAt" | "uploadKey"> => ({
  state: isActive ? "published" : "hidden",
  reservedAt: new Date(),
  uploadKey: null,
});

/** Runs steps that only read, outside a transaction. */
async function run<T>(steps: Steps<T>): Promise<T> {
  let next = steps.next();
  while (!next.done) next = steps.next(await next.value);
  return next.value;
}

export type ImportQueries = ReturnType<typeof importQueries>;
