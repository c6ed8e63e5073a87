import type { Actor } from "../database/actors.ts";
import type { User } from "../database/users.ts";
import { ApiError } from "../errors.ts";
import type { AccountChanges } from "./accounts.ts";
import { authenticatedParties } from "./client.ts";
import type { PasswordHashing } from "./password-hashing.ts";
import type { RateLimits } from "./rate-limits.ts";

export interface ConfirmationServices {
  readonly hashing: PasswordHashing;
  readonly limits: RateLimits;
}

/**
 * Whether a change needs the current password: a session lasts for months, on a device that others may pick up, and must
 * not be enough to take an account over. An access token is as good as its password, which was typed within the hour.
 * @param userId the account to be changed
 */
export const needsCurrentPassword = (
  { credential, userId: ownId }: Actor,
  userId: string,
  { email, password }: AccountChanges,
): boolean =>
  credential.kind === "session" && ownId === userId && (email !== undefined || password !== undefined);

/**
 * Verifies the current password of a signed-in user. Guesses count against the same limits as those at a login.
 * @param password undefined when the request contains none
 * @param address the client's IP address
 * @throws ApiError CURRENT_PASSWORD_REQUIRED, CURRENT_PASSWORD_WRONG, TOO_MANY_REQUESTS, OVERLOADED
 */
export async function confirmPassword(
  { hashing, limits }: ConfirmationServices,
  user: User,
  password: string | undefined,
  address: string,
): Promise<void> {
  if (password === undefined) throw new ApiError("CURRENT_PASSWORD_REQUIRED");
  await limits.login({ address, account: user.emailKey }, async () => {
    const parties = authenticatedParties({ address, account: user.id });
    const { valid } = await hashing.verify(password, user.hashedPassword, parties);
    if (!valid) throw new ApiError("CURRENT_PASSWORD_WRONG");
  });
}
