import { asc, eq, inArray } from "drizzle-orm";

import { ApiError } from "../errors.ts";
import { step, type Connection, type Query, type Steps } from "./connection.ts";
import { lockRows } from "./row-locks.ts";
import type { Tables } from "./schema.ts";

/** What a request authenticated with: an access token, or the token of a session. */
export type Credential =
  | { readonly kind: "token"; readonly id: string; readonly expiresAt: Date }
  | { readonly kind: "session"; readonly id: string; readonly createdAt: Date };

/**
 * The account and credential that let a request in. Every write takes the actor and repeats, inside its own transaction,
 * the checks that let the request in, because the request may have waited for a hash, a body or a store since then.
 */
export interface Actor {
  readonly userId: string;
  readonly credential: Credential;
  /** The account's `token_version` when the credential was issued. */
  readonly tokenVersion: number;
  /** The account's address must be verified (`REQUIRE_VERIFIED_EMAIL`). */
  readonly mustBeVerified: boolean;
  /** The account must be a superuser's: the route is for superusers. */
  readonly mustBeSuperuser: boolean;
}

/**
 * The operator, who acts for an account from the command line. Only the account's deactivation or deletion ends this right.
 */
export interface Operator {
  readonly userId: string;
  readonly credential: "operator";
}

/**
 * Milliseconds for which a request may continue after its credential has expired: a slow upload may outlast an hour. Revoked
 * tokens and expired sessions are kept for as long.
 */
export const longestRequestMs = 24 * 3_600_000;

/**
 * Locks the actor's account, and `others` that the transaction changes, until the transaction ends, and checks that the
 * actor may still write. A change that revokes this right locks the same row, so it takes effect either before this
 * check or after the commit. Accounts are locked in the order of their ids, so that two transactions never wait for
 * each other.
 * @throws ApiError UNAUTHORIZED when the account is gone or inactive, or the credential was revoked or ended; FORBIDDEN
 * when the account must be a superuser's or verified, and no longer is
 */
export function* authorize(
  { dialect, tables }: Pick<Connection, "dialect" | "tables">,
  tx: Query,
  actor: Actor | Operator,
  others: readonly string[] = [],
): Steps<void> {
  const { users } = tables;
  const { id, isActive, isSuperuser, isVerified, minAccessVersion } = users;
  const accounts = tx
    .select({ id, isActive, isSuperuser, isVerified, minAccessVersion })
    .from(users)
    .where(inArray(id, [actor.userId, ...others]))
    .orderBy(asc(id));
  const locked = yield* lockRows(dialect, accounts);
  const account = locked.find((row) => row.id === actor.userId);
  if (!account?.isActive) throw new ApiError("UNAUTHORIZED");
  if (actor.credential === "operator") return;
  // A second query, because under READ COMMITTED the first one misses a credential that ended while it waited for the lock.
  const hasEnded = yield* credentialHasEnded(tables, tx, actor.credential);
  if (account.minAccessVersion > actor.tokenVersion || hasEnded) throw new ApiError("UNAUTHORIZED");
  if (actor.mustBeSuperuser && !account.isSuperuser) throw new ApiError("FORBIDDEN");
  if (actor.mustBeVerified && !account.isVerified) throw new ApiError("FORBIDDEN");
}

/** Whether the user ended the credential, or it expired too long ago for a request to be still running. */
function* credentialHasEnded(
  { revokedTokens, sessions }: Tables,
  tx: Query,
  credential: Credential,
): Steps<boolean> {
  if (credential.kind === "session") {
    const { id } = sessions;
    return (yield* step(tx.select({ id }).from(sessions).where(eq(id, credential.id)))).length === 0;
  }
  const { tokenId } = revokedTokens;
  const revoked = yield* step(tx.select({ tokenId }).from(revokedTokens).where(eq(tokenId, credential.id)));
  return revoked.length > 0 || credential.expiresAt.getTime() + longestRequestMs < Date.now();
}
