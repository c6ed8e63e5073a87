import { and, asc, desc, eq, gt, inArray, lt, lte, ne, sql } from "drizzle-orm";

import { authorize, type Actor } from "./actors.ts";
import { step, type Connection } from "./connection.ts";
import { queryCache } from "./query-cache.ts";
import { lockRows } from "./row-locks.ts";
import { viewerColumns, type Viewer } from "./users.ts";

/** A device that stays signed in, as its user sees it. */
export interface Session {
  readonly id: string;
  readonly createdAt: Date;
  readonly lastUsedAt: Date;
  readonly expiresAt: Date;
  readonly userAgent: string | null;
}

/** A session that begins. */
export interface NewSession extends Omit<Session, "lastUsedAt"> {
  readonly userId: string;
  /** SHA-256 of the token, in hex. */
  readonly tokenHash: string;
  /** The account's `token_version`, as read together with the verified password hash. */
  readonly tokenVersion: number;
}

/** The session that a token belongs to, and its account. It may have expired. */
export interface FoundSession {
  readonly session: Omit<Session, "userAgent"> & { readonly tokenVersion: number };
  readonly viewer: Viewer;
}

/**
 * Sessions of one account. A further one ends the one that was used least recently, so that a client that signs in again
 * and again does not fill the table or the list.
 */
const maxSessionsPerAccount = 1000;

/** Every query about sessions. */
export function sessionQueries(connection: Connection) {
  const { dialect, query, tables, write, transaction } = connection;
  const { users, sessions } = tables;
  const { id, createdAt, lastUsedAt, expiresAt, userAgent, tokenVersion } = sessions;
  const isGood = and(users.isActive, lte(users.minAccessVersion, tokenVersion));
  const byTokenHash = query
    .select({
      session: { id, createdAt, lastUsedAt, expiresAt, tokenVersion },
      viewer: viewerColumns(users),
    })
    .from(sessions)
    .innerJoin(users, eq(users.id, sessions.userId))
    .where(and(eq(sessions.tokenHash, sql.placeholder("tokenHash")), isGood))
    .prepare("session_by_token_hash");
  const find = queryCache(
    connection,
    { max: 5_000 },
    (tokenHash: string) => tokenHash,
    async (tokenHash): Promise<readonly FoundSession[]> => byTokenHash.execute({ tokenHash }),
  );

  return {
    /** The session of an active account that this token belongs to, unless it was ended. It may have expired. */
    find: async (tokenHash: string): Promise<FoundSession | undefined> => (await find(tokenHash))[0],

    /** The account's sessions that have not expired at `now`; the most recently used first. */
    list: async (userId: string, now: Date): Promise<Session[]> =>
      query
        .select({ id, createdAt, lastUsedAt, expiresAt, userAgent })
        .from(sessions)
        .innerJoin(users, eq(users.id, sessions.userId))
        .where(and(eq(sessions.userId, userId), gt(expiresAt, now), isGood))
        .orderBy(desc(lastUsedAt), desc(createdAt), asc(id)),

    /**
     * Adds a session.
     * @returns false when the account is gone or inactive, or has another password since its `tokenVersion` was read
     */
    add: (session: NewSession): Promise<boolean> =>
      transaction(function* (tx) {
        const { isActive, minAccessVersion } = users;
        const account = tx
          .select({ isActive, minAccessVersion })
          .from(users)
          .where(eq(users.id, session.userId));
        const [found] = yield* lockRows(dialect, account);
        if (!found?.isActive || found.minAccessVersion > session.tokenVersion) return false;
        const surplus = tx
          .select({ id })
          .from(sessions)
          .where(eq(sessions.userId, session.userId))
          .orderBy(desc(lastUsedAt), desc(createdAt), asc(id))
          .limit(1)
          .offset(maxSessionsPerAccount - 1);
        yield* step(tx.delete(sessions).where(inArray(id, surplus)));
        yield* step(tx.insert(sessions).values({ ...session, lastUsedAt: session.createdAt }));
        return true;
      }),

    /** Records a use, unless another request has recorded one after `unusedSince`. */
    extend: async (
      session: Pick<Session, "id" | "lastUsedAt" | "expiresAt">,
      unusedSince: Date,
    ): Promise<void> => {
      await write((tx) =>
        tx
          .update(sessions)
          .set({ lastUsedAt: session.lastUsedAt, expiresAt: session.expiresAt })
          .where(and(eq(id, session.id), lte(lastUsedAt, unusedSince))),
      );
    },

    /**
     * Ends one of the actor's own sessions.
     * @returns false when the account has no such session
     * @throws ApiError as {@link authorize} does
     */
    end: (actor: Actor, sessionId: string): Promise<boolean> =>
      transaction(function* (tx) {
        yield* authorize(connection, tx, actor);
        const own = and(eq(id, sessionId), eq(sessions.userId, actor.userId));
        return (yield* step(tx.delete(sessions).where(own).returning({ id }))).length > 0;
      }),

    /**
     * Ends the actor's sessions except for the one that the actor signed in with.
     * @throws ApiError as {@link authorize} does
     */
    endOthers: (actor: Actor): Promise<void> =>
      transaction(function* (tx) {
        yield* authorize(connection, tx, actor);
        const { kind, id: current } = actor.credential;
        const others = kind === "session" ? ne(id, current) : undefined;
        yield* step(tx.delete(sessions).where(and(eq(sessions.userId, actor.userId), others)));
      }),

    /** Removes the sessions that expired before `cutoff`. */
    removeExpired: async (cutoff: Date): Promise<void> => {
      await write((tx) => tx.delete(sessions).where(lt(expiresAt, cutoff)));
    },
  };
}

export type SessionQueries = ReturnType<typeof sessionQueries>;
