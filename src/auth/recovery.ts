import { ApiError } from "../errors.ts";
import type { Mailer } from "../mail/mailer.ts";
import { resetMessage, verifyMessage } from "../mail/messages.ts";
import { setPassword, type AccountServices } from "./accounts.ts";
import { partiesOf } from "./client.ts";
import type { User } from "../database/users.ts";
import type { EmailAddress } from "./email-address.ts";
import { passwordProblem } from "./password-policy.ts";

/** What proving and recovering an account needs beside the account. */
export interface RecoveryServices extends AccountServices {
  readonly mailer: Mailer;
  readonly baseUrl: { readonly forMails: string };
}

/** Mails a token that sets a new password, where this is the address of an active account. Tells nobody whether it is. */
export async function requestReset(
  { database, tokens, mailer, baseUrl }: RecoveryServices,
  email: EmailAddress,
) {
  const user = await database.users.byEmailKey(email.uniqueKey);
  if (!user?.isActive) return;
  const token = await tokens.issueReset(user);
  mailer.send(resetMessage({ to: user.email, token, baseUrl: baseUrl.forMails }));
}

/**
 * Sets a new password by a mailed token, once, and ends every token of the account. Of two resets at once, one wins.
 * @param address the client's
 * @throws ApiError RESET_PASSWORD_BAD_TOKEN (first), RESET_PASSWORD_INVALID_PASSWORD (the token stays good)
 */
export async function resetPassword(
  services: RecoveryServices,
  token: string,
  password: string,
  address: string,
): Promise<void> {
  const { database, tokens, passwordMinLength } = services;
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
  if (!(await setPassword(services, user, password, partiesOf({ address, account: user.id }), check)))
    throw badToken();
}

/** Mails a token that proves the address, where an active account has it and has not proved it yet. */
export async function requestVerify(
  { database, tokens, mailer, baseUrl }: RecoveryServices,
  email: EmailAddress,
) {
  const user = await database.users.byEmailKey(email.uniqueKey);
  if (!user?.isActive || user.isVerified) return;
  const token = await tokens.issueVerify(user);
  mailer.send(verifyMessage({ to: user.email, token, baseUrl: baseUrl.forMails }));
}

/**
 * Marks an account's address as proved. The token dies with everything that ends tokens, and when the address changes.
 * @throws ApiError VERIFY_USER_BAD_TOKEN, VERIFY_USER_ALREADY_VERIFIED
 */
export async function verify({ database, tokens }: RecoveryServices, token: string): Promise<User> {
  const claim = await tokens.readVerify(token);
  const user = claim && (await database.users.byId(claim.userId));
  const isGood = user?.isActive && user.email === claim?.email && user.tokenVersion === claim.tokenVersion;
  if (!isGood) throw new ApiError("VERIFY_USER_BAD_TOKEN");
  if (user.isVerified) throw new ApiError("VERIFY_USER_ALREADY_VERIFIED");
  const verified = await database.users.markVerified(user.id, claim.email, claim.tokenVersion);
  if (!verified) throw new ApiError("VERIFY_USER_BAD_TOKEN");
  return verified;
}
