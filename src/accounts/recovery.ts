import { ApiError } from "../errors.ts";
import { resetMessage, verifyMessage } from "../mail/messages.ts";
import type { AccountServices } from "./accounts.ts";
import { mailChangeNotice } from "./change-notice.ts";
import { authenticatedParties } from "./client.ts";
import type { User } from "../database/users.ts";
import type { EmailAddress } from "./email-address.ts";
import { passwordProblem } from "./password-policy.ts";
import { tokenLifetimeText } from "./tokens.ts";

/** Mails a password reset token if an active account has this address. */
export async function requestReset(
  { database, tokens, mailer, baseUrl }: AccountServices,
  email: EmailAddress,
) {
  const user = await database.users.byEmailKey(email.uniqueKey);
  if (!user?.isActive) return;
  const token = await tokens.issueReset(user);
  mailer.send(
    resetMessage({ to: user.email, token, lifetime: tokenLifetimeText, baseUrl: baseUrl.forMails }),
  );
}

/**
 * Sets a new password with a mailed token and ends every token and session of the account. The token works once, also when
 * two requests use it at the same time. A notice goes to the account's address.
 * @param address the client's IP address
 * @throws ApiError RESET_PASSWORD_BAD_TOKEN (checked first), RESET_PASSWORD_INVALID_PASSWORD (the token stays valid),
 * OVERLOADED
 */
export async function resetPassword(
  services: AccountServices,
  token: string,
  password: string,
  address: string,
): Promise<void> {
  const { database, hashing, tokens, passwordMinLength } = services;
  const badToken = () => new ApiError("RESET_PASSWORD_BAD_TOKEN");
  const claim = await tokens.readReset(token);
  const user = claim && (await database.users.byId(claim.userId));
  if (!user) throw badToken();
  const check = (current: User) => {
    if (!current.isActive || !claim.isFor(current)) throw badToken();
    const reason = passwordProblem(password, { minLength: passwordMinLength, email: current.email });
    if (reason !== undefined) throw new ApiError("RESET_PASSWORD_INVALID_PASSWORD", { reason });
  };
  check(user);
  const hashedPassword = await hashing.hash(password, authenticatedParties({ address, account: user.id }));
  // The account may have changed while the password was hashed.
  const changed = await database.users.change("mailed token", user, { hashedPassword }, check);
  if (!changed || changed === "email taken") throw badToken();
  mailChangeNotice(services, user, changed);
}

/** Mails a verification token if an active account has this address and has not verified it yet. */
export async function requestVerify(
  { database, tokens, mailer, baseUrl }: AccountServices,
  email: EmailAddress,
) {
  const user = await database.users.byEmailKey(email.uniqueKey);
  if (!user?.isActive || user.isVerified) return;
  const token = await tokens.issueVerify(user);
  mailer.send(
    verifyMessage({ to: user.email, token, lifetime: tokenLifetimeText, baseUrl: baseUrl.forMails }),
  );
}

/**
 * Marks an account's address as verified. A change of the address, and everything that revokes access tokens, also
 * invalidates the mailed token.
 * @throws ApiError VERIFY_USER_BAD_TOKEN, VERIFY_USER_ALREADY_VERIFIED
 */
export async function verify({ database, tokens }: AccountServices, token: string): Promise<User> {
  const claim = await tokens.readVerify(token);
  const user = claim && (await database.users.byId(claim.userId));
  const isGood = user?.isActive && user.email === claim?.email && user.tokenVersion === claim.tokenVersion;
  if (!isGood) throw new ApiError("VERIFY_USER_BAD_TOKEN");
  if (user.isVerified) throw new ApiError("VERIFY_USER_ALREADY_VERIFIED");
  const verified = await database.users.markVerified(user.id, claim.email, claim.tokenVersion);
  if (!verified) throw new ApiError("VERIFY_USER_BAD_TOKEN");
  return verified;
}
