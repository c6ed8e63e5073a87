import { and, eq, getTableColumns, isNull, lte, notExists, sql } from "drizzle-orm";

import type { PagePosition } from "../http/page-request.ts";
import { authorize, type Actor } from "./actors.ts";
import { isConflict, step, type Connection } from "./connection.ts";
import { isAfter, newestFirst } from "./newest-first.ts";
import { queryCache } from "./query-cache.ts";
import { lockRows } from "./row-locks.ts";
import type { Tables } from "./schema.ts";
import { containsText } from "./text-search.ts";

/** An account as stored. */
export interface User {
  id: string;
  email: string;
  emailKey: string;
  hashedPassword: string;
  /** The display name; null until the user chooses one. */
  name: string | null;
  isActive: boolean;
  isSuperuser: boolean;
  isVerified: boolean;
  createdAt: Date;
  /** Incremented by everything that ends tokens, and by a new address. */
  tokenVersion: number;
  /** Access tokens of an earlier version have been ended. */
  minAccessVersion: number;
}

/** The account of a signed-in user, as far as requests need it. */
export type Viewer = Readonly<
  Pick<User, "id" | "email" | "name" | "isActive" | "isSuperuser" | "isVerified">
>;

/** An account in the list for superusers. */
export type ListedUser = Viewer & Readonly<Pick<User, "createdAt">>;

/** The columns of a {@link Viewer}. */
export const viewerColumns = ({ id, email, name, isActive, isSuperuser, isVerified }: Tables["users"]) => ({
  id,
  email,
  name,
  isActive,
  isSuperuser,
  isVerified,
});

/** Identifies an access token: the id of its account, the account's version when it was issued, and its own id. */
type ViewerKey = { id: string; tokenVersion: number; tokenId: string };

/** The columns of an account that can be changed. A new address needs its key. */
export type UserChanges = Partial<
  Pick<User, "hashedPassword" | "name" | "isActive" | "isSuperuser" | "isVerified">
> &
  (Pick<User, "email" | "emailKey"> | { email?: never; emailKey?: never });

/**
 * What authorizes a change of an account: a signed-in actor; a mailed token, which the change's `check` validates; or
 * access to the machine (`operator`).
 */
export type ChangeAuthority = Actor | "mailed token" | "operator";

/** Every query about users. */
export function userQueries(connection: Connection) {
  const { dialect, query, tables, write, transaction } = connection;
  const { users, posts, revokedTokens, sessions, identities, resumableUploads } = tables;
  const { tokensValidFrom: _unused, ...account } = getTableColumns(users);
  const byId = query
    .select(account)
    .from(users)
    .where(eq(users.id, sql.placeholder("id")))
    .prepare("user_by_id");
  const byEmailKey = query
    .select(account)
    .from(users)
    .where(eq(users.emailKey, sql.placeholder("emailKey")))
    .prepare("user_by_email_key");
  const viewer = query
    .select(viewerColumns(users))
    .from(users)
    .where(
      and(
        eq(users.id, sql.placeholder("id")),
        users.isActive,
        lte(users.minAccessVersion, sql.placeholder("tokenVersion")),
        notExists(
          query
            .select({ one: sql`1` })
            .from(revokedTokens)
            .where(eq(revokedTokens.tokenId, sql.placeholder("tokenId"))),
        ),
      ),
    )
    .prepare("viewer");
  const findViewer = queryCache(
    connection,
    { max: 5_000 },
    ({ id, tokenVersion, tokenId }: ViewerKey) => `${tokenId} ${id} ${tokenVersion}`,
    async (asked): Promise<readonly Viewer[]> => viewer.execute(asked),
  );

  return {
    byId: async (id: string): Promise<User | undefined> => (await byId.execute({ id }))[0],

    byEmailKey: async (emailKey: string): Promise<User | undefined> =>
      (await byEmailKey.execute({ emailKey }))[0],

    /** The active user that a token of this version belongs to, unless that token was ended. */
    viewer: async (id: string, tokenVersion: number, tokenId: string): Promise<Viewer | undefined> =>
      (await findViewer({ id, tokenVersion, tokenId }))[0],

    /**
     * Returns a page of all accounts, newest first.
     * @param search only accounts whose address or name contains this text, in any case; without NUL
     */
    page: async (limit: number, after: PagePosition | undefined, search: string): Promise<ListedUser[]> => {
      const { email, name, createdAt } = users;
      return query
        .select({ ...viewerColumns(users), createdAt })
        .from(users)
        .where(
          and(
            after && isAfter(users, after),
            search === "" ? undefined : containsText(connection, [email, name], search),
          ),
        )
        .orderBy(...newestFirst(users))
        .limit(limit);
    },

    /** Adds an account; false when the address is taken. */
    add: async (user: User): Promise<boolean> =>
      (await write((tx) => tx.insert(users).values(user).onConflictDoNothing().returning({ id: users.id })))
        .length > 0,

    /**
     * Changes an account in one transaction, which first checks the conditions of the change again. A new password and a
     * deactivation end every session; a deactivation also removes unfinished uploads. A password that somebody other than
     * the account's user sets also removes the linked identities, if the address was not verified.
     * @param user the account as it was read before the change
     * @param check receives the account as the transaction reads it; throws to reject the change
     * @returns the changed account; undefined when it has been deleted; "email taken" when another account has the new
     * address
     * @throws ApiError as {@link authorize} does; the errors of `check`
     */
    change: async (
      authority: ChangeAuthority,
      user: Pick<User, "id" | "email">,
      changes: UserChanges,
      check: (current: User) => void = () => {},
    ): Promise<User | undefined | "email taken"> => {
      try {
        return await transaction(function* (tx) {
          if (typeof authority === "object") yield* authorize(connection, tx, authority, [user.id]);
          const current = tx.select(account).from(users).where(eq(users.id, user.id));
          const [found] = yield* lockRows(dialect, current);
          if (!found) return undefined;
          check(found);
          const update = tx.update(users).set(assignments(users, user, changes));
          const [changed] = yield* step(update.where(eq(users.id, user.id)).returning(account));
          if (changes.hashedPassword !== undefined || changes.isActive === false)
            yield* step(tx.delete(sessions).where(eq(sessions.userId, user.id)));
          // A stranger may have made the account for somebody else's address, with an identity of their own.
          const isOwnChange = typeof authority === "object" && authority.userId === user.id;
          if (changes.hashedPassword !== undefined && !found.isVerified && !isOwnChange)
            yield* step(tx.delete(identities).where(eq(identities.userId, user.id)));
          if (changes.isActive === false)
            yield* step(tx.delete(resumableUploads).where(eq(resumableUploads.userId, user.id)));
          return changed;
        });
      } catch (error) {
        if (isConflict(error)) return "email taken";
        throw error;
      }
    },

    /** Replaces the hash of a password with a new hash of the same password, unless the password has been changed. */
    rehash: async (id: string, oldHash: string, hashedPassword: string): Promise<void> => {
      await write((tx) =>
        tx
          .update(users)
          .set({ hashedPassword })
          .where(and(eq(users.id, id), eq(users.hashedPassword, oldHash))),
      );
    },

    /**
     * Marks an account's address as verified.
     * @param email the account's address when the mailed token was issued
     * @param tokenVersion the account's version when the mailed token was issued
     * @returns the account; undefined when its address or version has changed, or it is inactive or deleted
     */
    markVerified: async (id: string, email: string, tokenVersion: number): Promise<User | undefined> =>
      (
        await write((tx) =>
          tx
            .update(users)
            .set({ isVerified: true })
            .where(
              and(
                eq(users.id, id),
                eq(users.email, email),
                eq(users.tokenVersion, tokenVersion),
                users.isActive,
              ),
            )
            .returning(account),
        )
      )[0],

    /**
     * Deletes an account and marks its posts as `deleting`, in one transaction. The sweeper deletes their files.
     * @param uploadsEnd the time by which every upload that is running now has ended; the files of pending posts are
     * deleted after it
     * @returns false when there is no such account
     * @throws ApiError as {@link authorize} does
     */
    remove: (actor: Actor, id: string, now: Date, uploadsEnd: Date): Promise<boolean> =>
      transaction(function* (tx) {
        yield* authorize(connection, tx, actor, [id]);
        // The account comes first, so that no upload adds a post to it afterwards. The foreign key sets `user_id` of its
        // posts to null.
        const removed = yield* step(tx.delete(users).where(eq(users.id, id)).returning({ id: users.id }));
        for (const [state, retryAt] of [
          ["published", now],
          ["hidden", now],
          ["pending", uploadsEnd],
        ] as const)
          yield* step(
            tx
              .update(posts)
              .set({ state: "deleting", retryAt })
              .where(and(isNull(posts.userId), eq(posts.state, state)))
              .returning({ id: posts.id }),
          );
        return removed.length > 0;
      }),
  };
}

export type UserQueries = ReturnType<typeof userQueries>;

/**
 * Returns the assignments of the UPDATE. Those that depend on the current row are SQL expressions:
 * - An address stays verified only if the new one is exactly the same. Addresses that merely share the unique key
 *   (`admin@…` and `admın@…`) are different mailboxes. `isVerified` in the same change overrides this; true without
 *   an address applies only if the account still has the address of `user`.
 * - A new password and a deactivation end all tokens. A new address ends mailed tokens only: clients of FastAPI Users
 *   continue with their access token.
 */
function assignments(users: Tables["users"], user: Pick<User, "email">, changes: UserChanges) {
  const { email, hashedPassword, isActive, isVerified } = changes;
  const nextVersion = sql`${users.tokenVersion} + 1`;
  const sameAddress = sql`${users.email} = ${email ?? user.email}`;
  return {
    ...changes,
    ...(isVerified === true &&
      email === undefined && { isVerified: sql`${users.isVerified} or ${sameAddress}` }),
    ...(isVerified === undefined &&
      email !== undefined && { isVerified: sql`${users.isVerified} and ${sameAddress}` }),
    ...(email !== undefined && {
      tokenVersion: sql`case when ${sameAddress} then ${users.tokenVersion} else ${nextVersion} end`,
    }),
    ...((hashedPassword !== undefined || isActive === false) && {
      tokenVersion: nextVersion,
      minAccessVersion: nextVersion,
    }),
  };
}
