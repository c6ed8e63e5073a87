import { and, eq, gt, isNull, lte, or, sql } from "drizzle-orm";

import type { PagePosition } from "../http/page-request.ts";
import { authorize, type Actor } from "./actors.ts";
import { step, type Connection, type Query, type Steps } from "./connection.ts";
import { isAfter, newestFirst } from "./newest-first.ts";
import type { Tables } from "./schema.ts";
import type { User } from "./users.ts";

/** An invitation to register, as stored. */
export type Invitation = Tables["invitations"]["$inferSelect"];

/** Ends a registration whose address is taken, and with it the use of the invitation. */
class EmailTaken extends Error {}

/** Every query about invitations. */
export function invitationQueries(connection: Connection) {
  const { query, tables, write, transaction } = connection;
  const { invitations, users } = tables;

  return {
    /**
     * Adds an invitation.
     * @param authority a signed-in superuser, or access to the machine (`operator`)
     * @throws ApiError as {@link authorize} does
     */
    add: (authority: Actor | "operator", invitation: Invitation): Promise<void> =>
      transaction(function* (tx) {
        if (authority !== "operator") yield* authorize(connection, tx, authority);
        yield* step(tx.insert(invitations).values(invitation));
      }),

    /** Reports whether an address may register with an invitation now. */
    isUsable: async (id: string, emailKey: string, now: Date): Promise<boolean> =>
      (
        await query
          .select({ id: invitations.id })
          .from(invitations)
          .where(isUsable(tables, id, emailKey, now))
      ).length > 0,

    /**
     * Adds an account and counts one use of its invitation, in one transaction. Of concurrent registrations exactly as many
     * succeed as the invitation has uses left.
     */
    register: async (
      id: string,
      user: User,
      now: Date,
    ): Promise<"registered" | "email taken" | "bad invitation"> => {
      try {
        return await transaction(function* (tx) {
          if (!(yield* useInvitation(tables, tx, id, user.emailKey, now))) return "bad invitation";
          const added = yield* step(
            tx.insert(users).values(user).onConflictDoNothing().returning({ id: users.id }),
          );
          if (added.length === 0) throw new EmailTaken();
          return "registered";
        });
      } catch (error) {
        if (error instanceof EmailTaken) return "email taken";
        throw error;
      }
    },

    /** Returns a page of the invitations that have not expired, newest first. */
    page: async (limit: number, after: PagePosition | undefined, now: Date): Promise<Invitation[]> =>
      query
        .select()
        .from(invitations)
        .where(and(gt(invitations.expiresAt, now), after && isAfter(invitations, after)))
        .orderBy(...newestFirst(invitations))
        .limit(limit),

    /**
     * Deletes an invitation; false when there is none.
     * @throws ApiError as {@link authorize} does
     */
    remove: (actor: Actor, id: string): Promise<boolean> =>
      transaction(function* (tx) {
        yield* authorize(connection, tx, actor);
        const removed = yield* step(
          tx.delete(invitations).where(eq(invitations.id, id)).returning({ id: invitations.id }),
        );
        return removed.length > 0;
      }),

    /** Deletes the invitations that expired before `cutoff`. */
    removeExpired: async (cutoff: Date): Promise<void> => {
      await write((tx) => tx.delete(invitations).where(lte(invitations.expiresAt, cutoff)));
    },
  };
}

export type InvitationQueries = ReturnType<typeof invitationQueries>;

/** Whether this address may register with the invitation now. */
const isUsable = ({ invitations }: Tables, id: string, emailKey: string, now: Date) =>
  and(
    eq(invitations.id, id),
    gt(invitations.usesLeft, 0),
    gt(invitations.expiresAt, now),
    or(isNull(invitations.emailKey), eq(invitations.emailKey, emailKey)),
  );

/**
 * One step of a registration's transaction: counts one use of its invitation.
 * @returns false when this address may not register with it now
 */
export function* useInvitation(
  tables: Tables,
  tx: Query,
  id: string,
  emailKey: string,
  now: Date,
): Steps<boolean> {
  const { invitations } = tables;
  const used = yield* step(
    tx
      .update(invitations)
      .set({ usesLeft: sql`${invitations.usesLeft} - 1` })
      .where(isUsable(tables, id, emailKey, now))
      .returning({ id: invitations.id }),
  );
  return used.length > 0;
}
