import type { ConfirmedIdentity } from "../../database/identities.ts";
import type { User } from "../../database/users.ts";
import { ApiError } from "../../errors.ts";
import { admit, LoginError, newUser, type RegistrationServices } from "../accounts.ts";
import { mailIdentityNotice } from "../change-notice.ts";
import { parseEmailAddress, type EmailAddress } from "../email-address.ts";
import { noPassword } from "../password-hashing.ts";
import { requestVerify } from "../recovery.ts";
import { parseName } from "../user-name.ts";
import type { ProviderClaims } from "./provider.ts";

/** Returns the identity in the provider's claims, with the address if it is valid. */
export function identityOf({ issuer, subject, email }: ProviderClaims): ConfirmedIdentity {
  const parsed = email === null ? undefined : parseEmailAddress(email);
  return { issuer, subject, email: parsed && !("problem" in parsed) ? parsed.address : null };
}

/**
 * Returns the account that signs in with an identity: the linked one; else the one with the same verified address, which is
 * linked then; else a new one, if the registration policy or the invitation allows it.
 * @param address the client's IP address
 * @throws LoginError LOGIN_BAD_CREDENTIALS for a deactivated account, LOGIN_USER_NOT_VERIFIED
 * @throws ApiError OAUTH_NOT_AVAILABLE_EMAIL, OAUTH_USER_ALREADY_EXISTS, REGISTER_CLOSED,
 * REGISTER_BAD_INVITATION, TOO_MANY_REQUESTS
 */
export async function accountOf(
  services: RegistrationServices,
  claims: ProviderClaims,
  invitation: string | null,
  address: string,
): Promise<User> {
  const identity = identityOf(claims);
  const { database } = services;
  const find = () => database.identities.use(identity, new Date());
  const join = async () =>
    (await linkedByAddress(services, claims, identity)) ??
    (await register(services, claims, identity, invitation, address));
  const user =
    (await find()) ??
    (await join().catch(async (error: unknown) => {
      // A concurrent request with the same identity may have taken the address or used up the invitation.
      const found = await find();
      if (found) return found;
      throw error;
    }));
  if (!user.isActive) throw new LoginError("inactive", user.id);
  if (services.requireVerifiedEmail && !user.isVerified) {
    mailVerification(services, user);
    throw new LoginError("not_verified", user.id);
  }
  return user;
}

/**
 * Links the identity to the account with its address, which both sides must have verified. Otherwise a stranger could
 * register another person's address, here or at the provider, and get into the account of its owner.
 * @returns undefined when no account has the address
 */
async function linkedByAddress(
  services: RegistrationServices,
  claims: ProviderClaims,
  identity: ConfirmedIdentity,
): Promise<User | undefined> {
  const { database } = services;
  const user = await database.users.byEmailKey(emailOf(claims).uniqueKey);
  if (!user) return undefined;
  // Addresses with the same key, such as admin@… and admın@…, may be different mailboxes.
  const isSame = asciiLowerCase(user.email) === asciiLowerCase(identity.email ?? "");
  if (!claims.emailVerified || !user.isVerified || !isSame) throw new ApiError("OAUTH_USER_ALREADY_EXISTS");
  if (!user.isActive) throw new LoginError("inactive", user.id);
  if (!(await database.identities.linkByAddress(user, identity, new Date())))
    throw new ApiError("OAUTH_USER_ALREADY_EXISTS");
  mailIdentityNotice(services, user, identity.issuer);
  return user;
}

/** Creates an account without a password. */
async function register(
  services: RegistrationServices,
  claims: ProviderClaims,
  identity: ConfirmedIdentity,
  invitation: string | null,
  address: string,
): Promise<User> {
  await services.limits.register({ address });
  const email = emailOf(claims);
  const invitationId = await admit(services, email, invitation);
  const name = claims.name === null ? null : parseName(claims.name);
  const user = {
    ...newUser(email, noPassword, typeof name === "string" ? name : null),
    isVerified: claims.emailVerified,
  };
  const outcome = await services.database.identities.register(user, identity, invitationId);
  if (outcome === "bad invitation") throw new ApiError("REGISTER_BAD_INVITATION");
  if (outcome !== "registered") throw new ApiError("OAUTH_USER_ALREADY_EXISTS");
  return user;
}

/** @throws ApiError OAUTH_NOT_AVAILABLE_EMAIL without a valid address */
function emailOf({ email }: ProviderClaims): EmailAddress {
  const parsed = email === null ? { problem: "missing" } : parseEmailAddress(email);
  if ("problem" in parsed) throw new ApiError("OAUTH_NOT_AVAILABLE_EMAIL");
  return parsed;
}

/** Mails a verification token: the provider has not verified the address, so the user cannot sign in without one. */
function mailVerification(services: RegistrationServices, user: User): void {
  services.background.run("mail a verify token", async () => {
    if (await services.limits.mayMailNotice(user.emailKey))
      await requestVerify(services, { address: user.email, uniqueKey: user.emailKey });
  });
}

const asciiLowerCase = (text: string) => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
