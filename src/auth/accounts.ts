import type { Actor } from "../database/actors.ts";
import type { Database } from "../database/database.ts";
import type { User, UserChanges } from "../database/users.ts";
import { ApiError } from "../errors.ts";
import { addressKey, type EmailAddress } from "./email-address.ts";
import type { PasswordHashing } from "./password-hashing.ts";
import { passwordProblem } from "./password-policy.ts";
import type { Tokens } from "./tokens.ts";

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
 * @param parties the account and networks that the hash counts against, see {@link PasswordHashing}
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
    tokenVersion: 0,
    minAccessVersion: 0,
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
 * @param parties the account and networks that the hash counts against, see {@link PasswordHashing}
 * @throws LoginError LOGIN_BAD_CREDENTIALS (unknown, wrong password and inactive alike), LOGIN_USER_NOT_VERIFIED
 */
export async function login(
  services: AccountServices,
  username: string,
  password: string,
  parties: readonly string[],
): Promise<{ userId: string; token: string }> {
  const { database, hashing, tokens, requireVerifiedEmail } = services;
  // No address contains NUL, which PostgreSQL refuses in a parameter.
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
    await database.users.rehash(user.id, user.hashedPassword, await hashing.hash(password, parties));
  return { userId: user.id, token: await tokens.issueAccess(user) };
}

/** Ends the token of this actor. */
export const logout = ({ database }: AccountServices, actor: Actor): Promise<void> =>
  database.revokedTokens.add(actor);

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
 * issued so far. A change that cannot succeed costs no hash.
 * @param authority the signed-in user who asks for it; their rights are checked again when it commits
 * @param user the account as it was when the change was asked for
 * @param hash hashes a new password, within the limits of the client that asks for it
 * @throws ApiError UPDATE_USER_INVALID_PASSWORD (first), UPDATE_USER_EMAIL_ALREADY_EXISTS; UNAUTHORIZED or FORBIDDEN
 * when the actor lost the right to do it meanwhile; NOT_FOUND when the account was deleted meanwhile; what `hash` throws
 */
export async function changeAccount(
  services: AccountServices,
  authority: Actor | "operator",
  user: User,
  wanted: AccountChanges,
  hash: (password: string) => Promise<string>,
): Promise<User> {
  const { database, passwordMinLength } = services;
  const { email, password, ...flags } = wanted;
  const changes: UserChanges = {
    ...flags,
    ...(email && { email: email.address, emailKey: email.uniqueKey }),
  };
  /** The password must not be one of the account's addresses, which may change while it is hashed. */
  const checkPassword = (current: User) => {
    if (password === undefined) return;
    for (const address of new Set([current.email, email?.address ?? current.email])) {
      const reason = passwordProblem(password, { minLength: passwordMinLength, email: address });
      if (reason !== undefined) throw new ApiError("UPDATE_USER_INVALID_PASSWORD", { reason });
    }
  };
  checkPassword(user);
  if (password !== undefined) {
    // Refuses early, to save the hash. The change itself decides: another account may take the address first.
    if (email && email.uniqueKey !== user.emailKey && (await database.users.byEmailKey(email.uniqueKey)))
      throw new ApiError("UPDATE_USER_EMAIL_ALREADY_EXISTS");
    changes.hashedPassword = await hash(password);
  }
  if (Object.keys(changes).length === 0) return user;
  const changed = await database.users.change(authority, user, changes, checkPassword);
  if (changed === "email taken") throw new ApiError("UPDATE_USER_EMAIL_ALREADY_EXISTS");
  if (!changed) throw new ApiError("NOT_FOUND");
  return changed;
}

/**
 * Sets a password by a mailed token, and ends every token of the account; false when the account was deleted meanwhile.
 * @param parties the account and networks that the hash counts against, see {@link PasswordHashing}
 * @param check judges whether the token is still good for the account as it is now; throws when it is not
 */
export async function setPassword(
  services: AccountServices,
  user: User,
  password: string,
  parties: readonly string[],
  check: (current: User) => void,
): Promise<boolean> {
  const hashedPassword = await services.hashing.hash(password, parties);
  return Boolean(await services.database.users.change("mailed token", user, { hashedPassword }, check));
}
