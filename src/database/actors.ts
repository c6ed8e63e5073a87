import { asc, eq, inArray } from "drizzle-orm";

import { ApiError } from "../errors.ts";
import { step, type Connection, type Query, type Steps } from "./connection.ts";

/**
 * The account and token that let a request in. Every write takes the actor and repeats, inside its own transaction, the
 * checks that let the request in, because the request may have waited for a hash, a body or a store since then.
 */
export interface Actor {
  readonly userId: string;
  /** Identifies this one token. */
  readonly tokenId: string;
  /** The `token_version` that the token was issued under. */
  readonly tokenVersion: number;
  readonly tokenExpiresAt: Date;
  /** The account's address must be verified (`REQUIRE_VERIFIED_EMAIL`). */
  readonly mustBeVerified: boolean;
  /** The account must be a superuser's: the route is for superusers. */
  readonly mustBeSuperuser: boolean;
}

/**
 * Milliseconds for which a request may go on after its token has expired: a slow upload may outlast an hour. Revoked
 * tokens are remembered for as long.
 */
export const longestRequestMs = 24 * 3_600_000;

/**
 * Locks the actor's account, and `others` that the transaction changes, until the transaction ends, and checks that the
 * actor may still write. A change that revokes this right locks the same row, so it takes effect either before this
 * check or after the commit. Accounts are locked in the order of their ids, so that two transactions never wait for
 * each other. SQLite has one writer at a time and needs no locks.
 * @throws ApiError UNAUTHORIZED when the account is gone or inactive, or the token was revoked or ended; FORBIDDEN when
 * the account must be a superuser's or verified, and is not any more
 */
export function* authorize(
  { dialect, tables: { users, revokedTokens } }: Pick<Connection, "dialect" | "tables">,
  tx: Query,
  actor: Actor,
  others: readonly string[] = [],
): Steps<void> {
  const { id, isActive, isSuperuser, isVerified, minAccessVersion } = users;
  const accounts = tx
    .select({ id, isActive, isSuperuser, isVerified, minAccessVersion })
    .from(users)
    .where(inArray(id, [actor.userId, ...others]))
    .orderBy(asc(id));
  const locked = yield* step(dialect === "pg" ? accounts.for("no key update") : accounts);
  // Not in the same query: under READ COMMITTED it would not see a token that was revoked while it waited for the lock.
  const revoked = yield* step(
    tx
      .select({ tokenId: revokedTokens.tokenId })
      .from(revokedTokens)
      .where(eq(revokedTokens.tokenId, actor.tokenId)),
  );
  const account = locked.find((row) => row.id === actor.userId);
  if (
    !account?.isActive ||
    account.minAccessVersion > actor.tokenVersion ||
    revoked.length > 0 ||
    actor.tokenExpiresAt.getTime() + longestRequestMs < Date.now()
  )
    throw new ApiError("UNAUTHORIZED");
  if (actor.mustBeSuperuser && !account.isSuperuser) throw new ApiError("FORBIDDEN");
  if (actor.mustBeVerified && !account.isVerified) throw new ApiError("FORBIDDEN");
}
