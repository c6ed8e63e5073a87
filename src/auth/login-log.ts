import { ApiError } from "../errors.ts";
import { clientNetwork } from "../http/client-address.ts";
import type { RequestIds } from "../http/request-id.ts";
import type { Log } from "../operation/log.ts";
import { LoginError } from "./accounts.ts";
import type { Client } from "./client.ts";

/** The audit log of logins: successes, and failures with their reason, each with the client's network. */
export interface LoginLog {
  /**
   * Runs a login and logs how it ends: `login.succeeded` or `login.failed`. A failure of the
   * service itself is neither.
   */
  record<Result extends { userId: string }>(
    request: Request,
    client: Client,
    login: () => Promise<Result>,
  ): Promise<Result>;
}

/**
 * An account is logged by its id. Where no account was found, or looked for, the address that was asked for is logged as
 * a keyed hash: a plain one could be reversed by trying addresses.
 * @param secret the one that signs tokens, so that the hash of an address is the same on every node and after a restart
 */
export function createLoginLog(log: Log, secret: string, requestIds: RequestIds): LoginLog {
  const key = new Bun.CryptoHasher("sha256", secret).update("login log").digest();
  const keyedHash = (account: string) =>
    new Bun.CryptoHasher("sha256", key).update(account).digest("base64url").slice(0, 22);

  return {
    async record(request, client, login) {
      const where = { ...requestIds.fieldsOf(request), network: clientNetwork(client.address) };
      try {
        const result = await login();
        log.info("login.succeeded", { ...where, user: result.userId });
        return result;
      } catch (error) {
        const failure = failureOf(error);
        if (failure) {
          const { reason, userId } = failure;
          const subject = userId === undefined ? { account: keyedHash(client.account) } : { user: userId };
          log.warn("login.failed", { ...where, reason, ...subject });
        }
        throw error;
      }
    },
  };
}

function failureOf(error: unknown): { reason: string; userId?: string | undefined } | undefined {
  if (error instanceof LoginError) return error;
  const limited = error instanceof ApiError && error.code === "TOO_MANY_REQUESTS";
  return limited ? { reason: "rate_limited" } : undefined;
}
