import type { Actor } from "../database/actors.ts";
import type { User } from "../database/users.ts";
import { ApiError } from "../errors.ts";
import type { Connections } from "../http/connections.ts";
import { authenticatedParties } from "./client.ts";
import type { LoginLog } from "./login-log.ts";
import { noPassword, type PasswordHashing } from "./password-hashing.ts";
import type { RateLimits } from "./rate-limits.ts";

export interface ConfirmationServices {
  readonly hashing: PasswordHashing;
  readonly limits: RateLimits;
  readonly connections: Pick<Connections, "addressOf">;
  readonly loginLog: Pick<LoginLog, "recordConfirmation">;
  /** Whether users can sign in with a password. */
  readonly passwordLogin: boolean;
}

/** How long after its start a session confirms what otherwise takes the current password. */
const recentSessionMs = 10 * 60_000;

/** Whether the account has a password that its user can sign in with. */
export const hasPassword = (
  { passwordLogin }: Pick<ConfirmationServices, "passwordLogin">,
  { hashedPassword }: Pick<User, "hashedPassword">,
): boolean => passwordLogin && hashedPassword !== noPassword;

/** Whether the actor signed in with a session that has just begun. */
export const hasRecentSession = ({ credential }: Actor): boolean =>
  credential.kind === "session" && Date.now() - credential.createdAt.getTime() < recentSessionMs;

/**
 * Whether a new address or password, or a deletion, needs the current password: when users change their own accounts with
 * a session. A session lasts for months, on a device that others may pick up, and must not be enough to take an account
 * over. The password of an access token was typed within the hour.
 * @param changedId the account to change
 */
export const needsCurrentPassword = ({ credential, userId }: Actor, changedId: string): boolean =>
  credential.kind === "session" && userId === changedId;

/**
 * Verifies the current password of a signed-in user and logs a failure. Guesses count against the same limits as those at a
 * login. Where the account has no password, a session that has just begun takes its place.
 * @param password undefined when the request contains none
 * @throws ApiError CURRENT_PASSWORD_REQUIRED, CURRENT_PASSWORD_WRONG, TOO_MANY_REQUESTS, OVERLOADED
 */
export async function confirmPassword(
  services: ConfirmationServices,
  request: Request,
  actor: Actor,
  user: User,
  password: string | undefined,
): Promise<void> {
  const { hashing, limits, connections, loginLog } = services;
  if (!hasPassword(services, user) && hasRecentSession(actor)) return;
  if (password === undefined || !hasPassword(services, user)) throw new ApiError("CURRENT_PASSWORD_REQUIRED");
  const address = connections.addressOf(request);
  const client = { address, account: user.id };
  await loginLog.recordConfirmation(request, client, () =>
    limits.login({ address, account: user.emailKey }, async () => {
      const { valid } = await hashing.verify(password, user.hashedPassword, authenticatedParties(client));
      if (!valid) throw new ApiError("CURRENT_PASSWORD_WRONG");
    }),
  );
}
