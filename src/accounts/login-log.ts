import { ApiError } from "../errors.ts";
import { clientNetwork } from "../http/client-address.ts";
import type { RequestIds } from "../http/request-id.ts";
import type { Log } from "../observability/log.ts";
import { LoginError } from "./accounts.ts";
import type { Client } from "./client.ts";

/**
 * The audit log of logins: every success and failure with the client's network, and the reason of a failure. A wrong
 * current password is logged like a failed login, because it is a guess too.
 */
export interface LoginLog {
  /**
   * Runs a login and logs its outcome as `login.succeeded` or `login.failed`. Failures of the service itself are not
   * logged here.
   * @param client its account is empty for a sign-in with a provider, which has not identified the user yet
   */
  record<Result extends { userId: string }>(
    request: Request,
    client: Client,
    login: () => Promise<Result>,
  ): Promise<Result>;
  /**
   * Runs the check of a signed-in user's current password. Logs `login.failed` if the password is wrong or a rate limit is
   * reached.
   * @param client its account is the user's id
   */
  recordConfirmation(request: Request, client: Client, confirm: () => Promise<void>): Promise<void>;
}

/**
 * Creates the audit log. It identifies an account by its id. If no account was found or looked up, it logs a keyed hash
 * of the submitted address; a plain hash could be reversed by trying addresses.
 * @param secret the secret that signs tokens, so that every node logs the same hash for an address, also after a restart
 */
export function createLoginLog(log: Log, secret: string, requestIds: RequestIds): LoginLog {
  const key = new Bun.CryptoHasher("sha256", secret).update("login log").digest();
  const keyedHash = (account: string) =>
    new Bun.CryptoHasher("sha256", key).update(account).digest("base64url").slice(0, 22);

  const commonFields = (request: Request, { address }: Client) => ({
    ...requestIds.fieldsOf(request),
    network: clientNetwork(address),
  });

  return {
    async record(request, client, login) {
      const common = commonFields(request, client);
      try {
        const result = await login();
        log.info("login.succeeded", { ...common, user: result.userId });
        return result;
      } catch (error) {
        const failure = failureOf(error);
        if (failure) {
          const { reason, userId } = failure;
          const account = client.account === "" ? undefined : keyedHash(client.account);
          const subject = userId === undefined ? { account } : { user: userId };
          log.warn("login.failed", { ...common, reason, ...subject });
        }
        throw error;
      }
    },

    async recordConfirmation(request, client, confirm) {
      try {
        await confirm();
      } catch (error) {
        const failure = failureOf(error);
        if (failure)
          log.warn("login.failed", {
            ...commonFields(request, client),
            reason: failure.reason,
            user: client.account,
          });
        throw error;
      }
    },
  };
}

/** Failures of sign-ins with a provider that may be attacks. Others are the user's decision or the provider's state. */
const suspiciousCodes = new Set<string>(["OAUTH_INVALID_STATE", "OAUTH_FAILED", "OAUTH_USER_ALREADY_EXISTS"]);

function failureOf(error: unknown): { reason: string; userId?: string | undefined } | undefined {
  if (error instanceof LoginError) return error;
  const code = error instanceof ApiError ? error.code : undefined;
  if (code !== undefined && suspiciousCodes.has(code)) return { reason: code.toLowerCase() };
  if (code === "CURRENT_PASSWORD_WRONG") return { reason: "bad_password" };
  return code === "TOO_MANY_REQUESTS" ? { reason: "rate_limited" } : undefined;
}
