import { and, asc, eq, getTableColumns } from "drizzle-orm";

import { authorize, type Actor } from "./actors.ts";
import { step, type Connection, type Query, type Steps } from "./connection.ts";
import { useInvitation } from "./invitations.ts";
import { lockRows } from "./row-locks.ts";
import type { Tables } from "./schema.ts";
import type { User } from "./users.ts";

/** An account at an OpenID Connect provider that is linked to one here, as stored. */
export type Identity = Tables["identities"]["$inferSelect"];

/** An identity that a provider has just confirmed. */
export type ConfirmedIdentity = Pick<Identity, "issuer" | "subject" | "email">;

/** Ends a registration, and with it the use of its invitation. */
class Rejected extends Error {
  constructor(readonly outcome: "email taken" | "identity taken") {
    super(outcome);
  }
}

/** Every query about identities. */
export function identityQueries(connection: Connection) {
  const { dialect, query, tables, transaction } = connection;
  const { identities, users } = tables;
  const { tokensValidFrom: _unused, ...account } = getTableColumns(users);
  const isIdentity = ({ issuer, subject }: ConfirmedIdentity) =>
    and(eq(identities.issuer, issuer), eq(identities.subject, subject));

  /** One step of a transaction: links an identity. @returns false when it is linked to an account already */
  function* insert(tx: Query, userId: string, identity: ConfirmedIdentity, now: Date): Steps<boolean> {
    const { issuer, subject, email } = identity;
    const row = { id: crypto.randomUUID(), userId, issuer, subject, email, createdAt: now, lastUsedAt: now };
    const added = tx.insert(identities).values(row).onConflictDoNothing().returning({ id: identities.id });
    return (yield* step(added)).length > 0;
  }

  return {
    /**
     * Finds the account of an identity and records the use.
     * @returns the account, which may be deactivated; undefined when the identity is linked to none
     */
    use: (identity: ConfirmedIdentity, now: Date): Promise<User | undefined> =>
      // The lock on the identity holds up a password reset that removes it. A later read could find the account as it is
      // after the reset, and a session that begins with that would survive it.
      transaction(function* (tx) {
        const changes = { lastUsedAt: now, email: identity.email };
        const update = tx.update(identities).set(changes).where(isIdentity(identity));
        const [used] = yield* step(update.returning({ userId: identities.userId }));
        if (!used) return undefined;
        return (yield* step(tx.select(account).from(users).where(eq(users.id, used.userId))))[0];
      }),

    /**
     * Adds an account with its identity, and counts one use of its invitation, in one transaction.
     * @param invitation the invitation's id; undefined for none
     */
    register: async (
      user: User,
      identity: ConfirmedIdentity,
      invitation: string | undefined,
    ): Promise<"registered" | "email taken" | "identity taken" | "bad invitation"> => {
      const now = user.createdAt;
      try {
        return await transaction(function* (tx) {
          if (invitation !== undefined && !(yield* useInvitation(tables, tx, invitation, user.emailKey, now)))
            return "bad invitation";
          const added = tx.insert(users).values(user).onConflictDoNothing().returning({ id: users.id });
          if ((yield* step(added)).length === 0) throw new Rejected("email taken");
          if (!(yield* insert(tx, user.id, identity, now))) throw new Rejected("identity taken");
          return "registered";
        });
      } catch (error) {
        if (error instanceof Rejected) return error.outcome;
        throw error;
      }
    },

    /**
     * Links an identity to the account that has its verified address.
     * @param user the account as it was read
     * @returns false when the account has changed in the meantime, or the identity is linked already
     */
    linkByAddress: (user: User, identity: ConfirmedIdentity, now: Date): Promise<boolean> =>
      transaction(function* (tx) {
        const { email, isActive, isVerified } = users;
        const current = tx.select({ email, isActive, isVerified }).from(users).where(eq(users.id, user.id));
        const [found] = yield* lockRows(dialect, current);
        if (!found?.isActive || !found.isVerified || found.email !== user.email) return false;
        return yield* insert(tx, user.id, identity, now);
      }),

    /**
     * Links an identity to the actor's account.
     * @returns `already` when it is linked to this account, `taken` when it is linked to another one
     * @throws ApiError as {@link authorize} does
     */
    link: (actor: Actor, identity: ConfirmedIdentity, now: Date): Promise<"linked" | "already" | "taken"> =>
      transaction(function* (tx) {
        yield* authorize(connection, tx, actor);
        if (yield* insert(tx, actor.userId, identity, now)) return "linked";
        const { userId } = identities;
        const [found] = yield* step(tx.select({ userId }).from(identities).where(isIdentity(identity)));
        return found?.userId === actor.userId ? "already" : "taken";
      }),

    /** The identities of an account, the oldest first. */
    list: async (userId: string): Promise<Identity[]> =>
      query
        .select()
        .from(identities)
        .where(eq(identities.userId, userId))
        .orderBy(asc(identities.createdAt), asc(identities.id)),

    /**
     * Unlinks one of the actor's identities.
     * @param check receives the account and the identities that remain; throws to reject the change
     * @returns false when the account has no such identity
     * @throws ApiError as {@link authorize} does; the errors of `check`
     */
    unlink: (
      actor: Actor,
      id: string,
      check: (user: Pick<User, "hashedPassword">, remaining: readonly Identity[]) => void,
    ): Promise<boolean> =>
      transaction(function* (tx) {
        // Locks the account, so that of two identities that are unlinked at the same time one remains.
        yield* authorize(connection, tx, actor);
        const own = yield* step(tx.select().from(identities).where(eq(identities.userId, actor.userId)));
        if (!own.some((identity) => identity.id === id)) return false;
        const { hashedPassword } = users;
        const [user] = yield* step(
          tx.select({ hashedPassword }).from(users).where(eq(users.id, actor.userId)),
        );
        check(
          user!,
          own.filter((identity) => identity.id !== id),
        );
        yield* step(tx.delete(identities).where(eq(identities.id, id)));
        return true;
      }),
  };
}

export type IdentityQueries = ReturnType<typeof identityQueries>;
