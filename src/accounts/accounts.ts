import type { Actor } from "../database/actors.ts";
import type { Database } from "../database/database.ts";
import type { User, UserChanges } from "../database/users.ts";
import { ApiError } from "../errors.ts";
import type { Config } from "../config/config.ts";
import type { Background } from "../concurrency/background-tasks.ts";
import { mailChangeNotice, type NoticeServices } from "./change-notice.ts";
import { addressKey, type EmailAddress } from "./email-address.ts";
import type { InvitationTokens } from "./invitation-tokens.ts";
import { usableInvitation } from "./invitations.ts";
import type { PasswordHashing } from "./password-hashing.ts";
import { passwordProblem } from "./password-policy.ts";
import type { Tokens } from "./tokens.ts";

/** The services that operations on accounts need. */
export interface AccountServices extends NoticeServices {
  readonly database: Database;
  readonly hashing: PasswordHashing;
  readonly tokens: Tokens;
  readonly passwordMinLength: number;
  readonly requireVerifiedEmail: boolean;
  /** Whether users can sign in with a password. */
  readonly passwordLogin: boolean;
}

/** The input of a registration. */
export interface Registration {
  readonly email: EmailAddress;
  readonly password: string;
  /** The display name; null for none. */
  readonly name: string | null;
}

/** The services that registration needs. */
export interface RegistrationServices extends AccountServices {
  readonly invitationTokens: InvitationTokens;
  readonly config: Pick<Config, "registration">;
}

/**
 * Creates an account as {@link createAccount} does, if the service takes new accounts or there is an invitation. An
 * invitation is good with every registration policy; a bad one is an error with every policy.
 * @param invitation the token of an invitation; null for none
 * @throws ApiError REGISTER_CLOSED, REGISTER_BAD_INVITATION; those of {@link createAccount}
 */
export async function register(
  services: RegistrationServices,
  registration: Registration,
  invitation: string | null,
  parties: readonly string[],
): Promise<User> {
  const id = await admit(services, registration.email, invitation);
  return createAccount(services, registration, parties, id);
}

/**
 * Decides by the registration policy whether an address may get an account now.
 * @param invitation the token of an invitation; null for none
 * @returns the id of the invitation to use; undefined for none
 * @throws ApiError REGISTER_CLOSED, REGISTER_BAD_INVITATION
 */
export async function admit(
  services: Pick<RegistrationServices, "config" | "database" | "invitationTokens">,
  email: EmailAddress,
  invitation: string | null,
): Promise<string | undefined> {
  if (invitation !== null) return usableInvitation(services, invitation, email);
  const policy = services.config.registration;
  if (policy === "closed") throw new ApiError("REGISTER_CLOSED");
  if (policy === "invite") throw new ApiError("REGISTER_BAD_INVITATION");
  return undefined;
}

/** Returns a new account that is active, not verified and not a superuser. */
export const newUser = (email: EmailAddress, hashedPassword: string, name: string | null): User => ({
  id: crypto.randomUUID(),
  email: email.address,
  emailKey: email.uniqueKey,
  hashedPassword,
  name,
  isActive: true,
  isSuperuser: false,
  isVerified: false,
  createdAt: new Date(),
  tokenVersion: 0,
  minAccessVersion: 0,
});

/**
 * Creates an account that is active, not verified and not a superuser. It hashes the password even if the address is
 * taken, so that timing does not reveal whether an account exists.
 * @param parties the account and networks that the hash counts against, see {@link PasswordHashing}
 * @param invitation the id of the invitation that is used; undefined for none
 * @throws ApiError REGISTER_INVALID_PASSWORD (checked first), REGISTER_USER_ALREADY_EXISTS, REGISTER_BAD_INVITATION when
 * the invitation was used up in the meantime, OVERLOADED
 */
export async function createAccount(
  services: AccountServices,
  { email, password, name }: Registration,
  parties: readonly string[],
  invitation?: string,
): Promise<User> {
  const { database, hashing, passwordMinLength } = services;
  const reason = passwordProblem(password, { minLength: passwordMinLength, email: email.address });
  if (reason !== undefined) throw new ApiError("REGISTER_INVALID_PASSWORD", { reason });
  const hashedPassword = await hashing.hash(password, parties);
  const user = newUser(email, hashedPassword, name);
  const outcome =
    invitation === undefined
      ? (await database.users.add(user)) || "email taken"
      : await database.invitations.register(invitation, user, user.createdAt);
  if (outcome === "email taken") throw new ApiError("REGISTER_USER_ALREADY_EXISTS");
  if (outcome === "bad invitation") throw new ApiError("REGISTER_BAD_INVITATION");
  return user;
}

/** The reason of a failed login, for the log. */
export type LoginFailureReason =
  "unknown_account" | "bad_password" | "unaffordable_hash" | "inactive" | "not_verified";

/** A failed login. The client receives only the error code. */
export class LoginError extends ApiError {
  constructor(
    readonly reason: LoginFailureReason,
    /** The account's id; undefined when no account has the address. */
    readonly userId?: string,
  ) {
    super(reason === "not_verified" ? "LOGIN_USER_NOT_VERIFIED" : "LOGIN_BAD_CREDENTIALS");
  }
}

/**
 * Verifies an e-mail address and its password. A successful login replaces an imported hash with one of the current
 * scheme.
 * @param parties the account and networks that the hash counts against, see {@link PasswordHashing}
 * @returns the account as read together with the verified hash
 * @throws LoginError LOGIN_BAD_CREDENTIALS (no such account, wrong password or inactive), LOGIN_USER_NOT_VERIFIED
 * @throws ApiError OVERLOADED
 */
export async function login(
  services: AccountServices,
  username: string,
  password: string,
  parties: readonly string[],
): Promise<User> {
  const { database, hashing, requireVerifiedEmail } = services;
  // PostgreSQL rejects NUL in a parameter, and no address contains it.
  const user = username.includes("\0") ? undefined : await database.users.byEmailKey(addressKey(username));
  if (!user) {
    await hashing.verifyDummy(password, parties);
    throw new LoginError("unknown_account");
  }
  const { valid, needsRehash, unaffordable } = await hashing.verify(password, user.hashedPassword, parties);
  if (unaffordable) throw new LoginError("unaffordable_hash", user.id);
  if (!valid) throw new LoginError("bad_password", user.id);
  if (!user.isActive) throw new LoginError("inactive", user.id);
  if (requireVerifiedEmail && !user.isVerified) throw new LoginError("not_verified", user.id);
  if (needsRehash)
    await database.users.rehash(user.id, user.hashedPassword, await hashing.hash(password, parties));
  return user;
}

/** Ends the access token or session that the actor signed in with. */
export async function logout({ database }: AccountServices, actor: Actor): Promise<void> {
  const { credential } = actor;
  if (credential.kind === "token") await database.revokedTokens.add(actor, credential);
  else await database.sessions.end(actor, credential.id);
}

/** Changes to an account; only superusers may set the flags. */
export interface AccountChanges {
  email?: EmailAddress;
  password?: string;
  /** Null removes the display name. */
  name?: string | null;
  isActive?: boolean;
  isSuperuser?: boolean;
  isVerified?: boolean;
}

/**
 * Changes an account. A new address must be verified again. A new password or a deactivation ends every session, and every
 * access token issued so far. A change that is bound to fail is rejected before the password is hashed. The address that
 * the account had before gets a notice of a new address or password, unless the operator made the change.
 * @param authority the signed-in user who makes the change; the transaction checks their rights again
 * @param user the account as it was when the request arrived
 * @param requested the changes; properties left out keep their values
 * @param hash hashes a new password within the rate limits of the client
 * @returns the changed account
 * @throws ApiError UPDATE_USER_INVALID_PASSWORD (checked first), UPDATE_USER_EMAIL_ALREADY_EXISTS; UNAUTHORIZED or
 * FORBIDDEN when the actor has lost the right in the meantime; NOT_FOUND when the account has been deleted; any error of
 * `hash`
 */
export async function changeAccount(
  services: AccountServices,
  authority: Actor | "operator",
  user: User,
  requested: AccountChanges,
  hash: (password: string) => Promise<string>,
): Promise<User> {
  const { database, passwordMinLength, background } = services;
  const { email, password, ...flags } = requested;
  const changes: UserChanges = {
    ...flags,
    ...(email && { email: email.address, emailKey: email.uniqueKey }),
  };
  /** Checks the password against the old and the new address. The old one may change while the password is hashed. */
  const checkPassword = (current: User) => {
    if (password === undefined) return;
    for (const address of new Set([current.email, email?.address ?? current.email])) {
      const reason = passwordProblem(password, { minLength: passwordMinLength, email: address });
      if (reason !== undefined) throw new ApiError("UPDATE_USER_INVALID_PASSWORD", { reason });
    }
  };
  checkPassword(user);
  if (password !== undefined) {
    // Saves the hash when the address is taken. The update below decides: another account may take the address first.
    if (email && email.uniqueKey !== user.emailKey && (await database.users.byEmailKey(email.uniqueKey)))
      throw new ApiError("UPDATE_USER_EMAIL_ALREADY_EXISTS");
    changes.hashedPassword = await hash(password);
  }
  if (Object.keys(changes).length === 0) return user;
  let before = user;
  const changed = await database.users.change(authority, user, changes, (current) => {
    before = current;
    checkPassword(current);
  });
  if (changed === "email taken") throw new ApiError("UPDATE_USER_EMAIL_ALREADY_EXISTS");
  if (!changed) throw new ApiError("NOT_FOUND");
  if (authority !== "operator") mailChangeNotice(services, before, changed);
  const syncPostStates = () => database.posts.syncPostStates(changed.id);
  // Deactivated authors are invisible already, so moving their posts can wait. Reactivated ones need it to return to the feed.
  if (flags.isActive === true) await syncPostStates();
  if (flags.isActive === false)
    background.run("take the posts of a deactivated account out of the feed", syncPostStates);
  return changed;
}

/** The services that the deletion of an account needs. */
export interface DeletionServices {
  readonly database: Database;
  readonly background: Background;
  /** Deletes the files of deleted posts; `graceMs` is the age at which a running upload counts as abandoned. */
  readonly sweeper: { readonly graceMs: number; sweep(): Promise<void> };
}

/**
 * Deletes an account. In one transaction its tokens are revoked and its posts leave the feed; a background sweep deletes
 * their media like those of any deleted post.
 * @param actor the superuser who deletes it
 * @throws ApiError NOT_FOUND when there is no such account; UNAUTHORIZED or FORBIDDEN when the actor has lost the right
 * in the meantime
 */
export async function deleteUser(services: DeletionServices, actor: Actor, id: string): Promise<void> {
  const { database, background, sweeper } = services;
  const now = Date.now();
  if (!(await database.users.remove(actor, id, new Date(now), new Date(now + sweeper.graceMs))))
    throw new ApiError("NOT_FOUND");
  background.run("delete the media of a deleted user", () => sweeper.sweep());
}

/**
 * Deletes the actor's own account, as {@link deleteUser} does, after a check of its password.
 * @param id the actor's account
 * @param confirm verifies the user's password within the rate limits of the client; throws when it is wrong
 * @throws ApiError UNAUTHORIZED or FORBIDDEN when the actor has lost the right in the meantime; any error of `confirm`
 */
export async function deleteAccount(
  services: DeletionServices,
  actor: Actor,
  id: string,
  confirm: (user: User) => Promise<void>,
): Promise<void> {
  const user = await services.database.users.byId(id);
  if (!user) throw new ApiError("UNAUTHORIZED");
  // A password that changes in the meantime ends the actor's token or session.
  await confirm(user);
  await deleteUser(services, actor, id);
}
