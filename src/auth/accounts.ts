import type { Database } from "../database/database.ts";
import type { User, UserChanges } from "../database/users.ts";
import { ApiError } from "../errors.ts";
import { addressKey, type EmailAddress } from "./email-address.ts";
import type { PasswordHashing } from "./password-hashing.ts";
import { passwordProblem } from "./password-policy.ts";
import type { AccessToken, Tokens } from "./tokens.ts";

/** What accounts are made of. */
export interface AccountServices {
  readonly database: Database;
  readonly hashing: PasswordHashing;
  readonly tokens: Tokens;
  readonly passwordMinLength: number;
  readonly requireVerifiedEmail: boolean;
}

/**
 * Makes an account: active, not verified, no superuser.
 * A taken address costs a hash like a free one, so that the time tells nothing.
 * @param parties whom the hash is made for, see {@link PasswordHashing}
 * @throws ApiError REGISTER_INVALID_PASSWORD (first), REGISTER_USER_ALREADY_EXISTS
 */
export async function register(
  services: AccountServices,
  email: EmailAddress,
  password: string,
  parties: readonly string[],
): Promise<User> {
  const { database, hashing, passwordMinLength } = services;
  const reason = passwordProblem(password, { minLength: passwordMinLength, email: email.address });
  if (reason !== undefined) throw new ApiError("REGISTER_INVALID_PASSWORD", { reason });
  const hashedPassword = await hashing.hash(password, parties);
  const user: User = {
    id: crypto.randomUUID(),
    email: email.address,
    emailKey: email.uniqueKey,
    hashedPassword,
    isActive: true,
    isSuperuser: false,
    isVerified: false,
    createdAt: new Date(),
    tokensValidFrom: new Date(0),
  };
  if (!(await database.users.add(user))) throw new ApiError("REGISTER_USER_ALREADY_EXISTS");
  return user;
}

/** Why a login fails: for the log. */
export type LoginFailure =
  "unknown_account" | "bad_password" | "unaffordable_hash" | "inactive" | "not_verified";

/** A login that fails. Its code is all that the client learns. */
export class LoginError extends ApiError {
  constructor(
    readonly reason: LoginFailure,
    /** The account's id, where there is one. */
    readonly userId?: string,
  ) {
    super(reason === "not_verified" ? "LOGIN_USER_NOT_VERIFIED" : "LOGIN_BAD_CREDENTIALS");
  }
}

/**
 * Trades an e-mail address and its password for an access token. An imported hash is replaced by one of ours.
 * @param parties whom the hash is made for, see {@link PasswordHashing}
 * @throws LoginError LOGIN_BAD_CREDENTIALS (unknown, wrong password and inactive alike), LOGIN_USER_NOT_VERIFIED
 */
export async function login(
  services: AccountServices,
  username: string,
  password: string,
  parties: readonly string[],
): Promise<{ userId: string; token: string }> {
  const { database, hashing, tokens, requireVerifiedEmail } = services;
  const since = new Date();
  // Nobody's address has NUL, and PostgreSQL would take offence at it.
  const user = username.includes("\0") ? undefined : await database.users.byEmailKey(addressKey(username));
  if (!user) {
    await hashing.verifyAgainstNobody(password, parties);
    throw new LoginError("unknown_account");
  }
  const { valid, needsRehash, unaffordable } = await hashing.verify(password, user.hashedPassword, parties);
  if (unaffordable) throw new LoginError("unaffordable_hash", user.id);
  if (!valid) throw new LoginError("bad_password", user.id);
  if (!user.isActive) throw new LoginError("inactive", user.id);
  if (requireVerifiedEmail && !user.isVerified) throw new LoginError("not_verified", user.id);
  if (needsRehash)
    await database.users.change(
      user.id,
      { hashedPassword: await hashing.hash(password, parties) },
      user.hashedPassword,
    );
  return { userId: user.id, token: await tokens.issueAccess(user.id, since) };
}

/** Ends this one token. */
export const logout = ({ database }: AccountServices, token: AccessToken): Promise<void> =>
  database.revokedTokens.add(token.tokenId, token.expiresAt);

/** What may be asked of an account; the flags by superusers only. */
export interface AccountChanges {
  email?: EmailAddress;
  password?: string;
  isActive?: boolean;
  isSuperuser?: boolean;
  isVerified?: boolean;
}

/**
 * Changes an account. A new address has to be proved again; a new password or a deactivation ends every access token
 * issued so far. Nothing is hashed for a change that cannot be.
 * @param hash hashes a new password, within the limits of the client that asks for it
 * @throws ApiError UPDATE_USER_INVALID_PASSWORD (first), UPDATE_USER_EMAIL_ALREADY_EXISTS; NOT_FOUND when it was
 * deleted meanwhile; what `hash` throws
 */
export async function changeAccount(
  services: AccountServices,
  user: User,
  wanted: AccountChanges,
  hash: (password: string) => Promise<string>,
): Promise<User> {
  const { database, passwordMinLength } = services;
  const { email, password, ...flags } = wanted;
  const changes: UserChanges = { ...flags };
  if (email && email.uniqueKey !== user.emailKey) changes.isVerified = flags.isVerified ?? false;
  if (email) Object.assign(changes, { email: email.address, emailKey: email.uniqueKey });
  if (password !== undefined) {
    for (const address of new Set([user.email, email?.address ?? user.email])) {
      const reason = passwordProblem(password, { minLength: passwordMinLength, email: address });
      if (reason !== undefined) throw new ApiError("UPDATE_USER_INVALID_PASSWORD", { reason });
    }
    // Only the change itself decides, because somebody may take the address meanwhile.
    if (email && email.uniqueKey !== user.emailKey && (await database.users.byEmailKey(email.uniqueKey)))
      throw new ApiError("UPDATE_USER_EMAIL_ALREADY_EXISTS");
    changes.hashedPassword = await hash(password);
  }
  const endsTokens = password !== undefined || wanted.isActive === false;
  if (Object.keys(changes).length === 0) return user;
  const changed = await (endsTokens
    ? changeEndingTokens(services, user.id, changes)
    : database.users.change(user.id, changes));
  if (changed === "email taken") throw new ApiError("UPDATE_USER_EMAIL_ALREADY_EXISTS");
  if (!changed) throw new ApiError("NOT_FOUND");
  return changed;
}

/** Replaces the password that `user` was read with, and ends his tokens; false when it has changed meanwhile. */
export async function setPassword(
  services: AccountServices,
  user: User,
  password: string,
  parties: readonly string[],
): Promise<boolean> {
  const hashedPassword = await services.hashing.hash(password, parties);
  return Boolean(await changeEndingTokens(services, user.id, { hashedPassword }, user.hashedPassword));
}

/**
 * Tokens count in milliseconds, so one issued within this very millisecond could be older or newer than the change:
 * it is ended, and the answer waits for the next millisecond, so that a login after it is never taken for older.
 */
async function changeEndingTokens(
  { database }: AccountServices,
  id: string,
  changes: UserChanges,
  expectedHash?: string,
) {
  const tokensValidFrom = new Date(Date.now() + 1);
  const changed = await database.users.change(id, { ...changes, tokensValidFrom }, expectedHash);
  while (Date.now() < tokensValidFrom.getTime()) await Bun.sleep(1);
  return changed;
}
