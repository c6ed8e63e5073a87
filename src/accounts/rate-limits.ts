import { ApiError } from "../errors.ts";
import { clientNetwork, clientNetworks } from "../http/client-address.ts";
import { accountHash, type Client } from "./client.ts";
import { createMemoryCounters, type Counters } from "../database/memory-counters.ts";

const minute = 60;
const hour = 60 * minute;

interface Limit {
  readonly points: number;
  readonly windowSeconds: number;
}

/**
 * The limits, by scope:
 * - `network` counts an IPv4 address or an IPv6 /64, generously enough for an office behind one address. An IPv6 /56 and
 *   /48 have a multiple of it for all their clients, see {@link clientNetworks}.
 * - `accountFromNetwork` counts an account separately for each network that requests come from, so that strangers never
 *   use up its owner's limit.
 * - `account` counts an account over all networks.
 *
 * Logins have no `account` limit: attackers could use it to lock the owner out or, if it let correct passwords through,
 * to learn that a guess is right. Mails have one, so that an inbox cannot be flooded from many networks. It locks no owner
 * out, because each mail that was sent contains a working token.
 */
const rules = {
  /** All logins and confirmations of the current password, because each takes a hash. */
  login: {
    network: { points: 1_000, windowSeconds: 15 * minute },
    accountFromNetwork: { points: 60, windowSeconds: 15 * minute },
  },
  wrongPassword: {
    network: { points: 300, windowSeconds: 15 * minute },
    accountFromNetwork: { points: 20, windowSeconds: 15 * minute },
  },
  /** Steps of sign-ins with a provider, each of which may take a request to it. */
  provider: { network: { points: 1_000, windowSeconds: 15 * minute } },
  newPassword: {
    network: { points: 300, windowSeconds: 15 * minute },
    account: { points: 10, windowSeconds: 15 * minute },
  },
  /** The answer tells whether another account has the address, as that of a registration does. */
  newAddress: {
    network: { points: 100, windowSeconds: hour },
    account: { points: 30, windowSeconds: hour },
  },
  resetPassword: { network: { points: 100, windowSeconds: hour } },
  register: { network: { points: 100, windowSeconds: hour } },
  mail: {
    network: { points: 100, windowSeconds: hour },
    account: { points: 30, windowSeconds: hour },
    accountFromNetwork: { points: 5, windowSeconds: hour },
  },
  notice: { account: { points: 10, windowSeconds: hour } },
  upload: {
    network: { points: 3_000, windowSeconds: hour },
    account: { points: 1_000, windowSeconds: hour },
  },
  edit: { account: { points: 1_000, windowSeconds: hour } },
  report: { account: { points: 100, windowSeconds: hour } },
} as const;

type Scope = "accountFromNetwork" | "account" | "network";
type Rule = Partial<Record<Scope, Limit>>;

/** Every method but one rejects with ApiError TOO_MANY_REQUESTS and a `Retry-After` header when a limit is reached. */
export interface RateLimits {
  /**
   * Runs one check of an account's password: a login, or the confirmation of the current password, whose client names the
   * account by its e-mail key too. It consumes the points beforehand, so that concurrent guesses count like sequential
   * ones, and refunds them afterwards: those for wrong passwords when the password was right, and all when no password
   * was hashed.
   */
  login<Result>(client: Client, attempt: () => Promise<Result>): Promise<Result>;
  /** Counts one step of a sign-in with a provider. */
  provider(client: Pick<Client, "address">): Promise<void>;
  /** Runs the hashing of a signed-in user's new password. Refunds the points when nothing was hashed. */
  newPassword<Result>(client: Client, hash: () => Promise<Result>): Promise<Result>;
  /** Counts a change of a user's own email address. */
  newAddress(client: Client): Promise<void>;
  resetPassword(client: Pick<Client, "address">): Promise<void>;
  register(client: Pick<Client, "address">): Promise<void>;
  forgotPassword(client: Client): Promise<void>;
  requestVerify(client: Client): Promise<void>;
  upload(client: Client): Promise<void>;
  /** Counts a change of a post's texts. */
  edit(client: Pick<Client, "account">): Promise<void>;
  /** Counts a report of a post. */
  report(client: Pick<Client, "account">): Promise<void>;
  /** Counts a notice to an address. Does not reject: false when the address has got enough of them. */
  mayMailNotice(account: string): Promise<boolean>;
}

/** @param enabled false disables all limits */
export function createRateLimits({
  enabled,
  counters = createMemoryCounters(),
}: {
  enabled: boolean;
  counters?: Counters | undefined;
}): RateLimits {
  /**
   * Consumes one point of every counter of the rule, or none if a limit is reached.
   * @returns a function that refunds the points
   */
  async function consume(name: string, rule: Rule, client: Client): Promise<() => Promise<void>> {
    if (!enabled) return async () => {};
    const refunds: (() => Promise<unknown>)[] = [];
    const refund = async () => void (await Promise.all(refunds.map((refundOne) => refundOne())));
    for (const { subject, points, windowSeconds } of countersOf(rule, client)) {
      const key = `${name}:${subject}`;
      const { used, endsInSeconds } = await counters.consume(key, 1, windowSeconds);
      refunds.push(() => counters.consume(key, -1, windowSeconds));
      if (used <= points) continue;
      await refund();
      const retryAfter = String(Math.max(1, Math.ceil(endsInSeconds)));
      throw new ApiError("TOO_MANY_REQUESTS", { headers: { "Retry-After": retryAfter } });
    }
    return refund;
  }
  const spend = async (name: string, rule: Rule, client: Client) => void (await consume(name, rule, client));

  /** Runs a task that costs points. They are refunded unless `isCounted` returns true for its error, if any. */
  async function runCounted<Result>(
    name: string,
    client: Client,
    task: () => Promise<Result>,
    rule: Rule,
    isCounted: (error?: unknown) => boolean,
  ): Promise<Result> {
    const refund = await consume(name, rule, client);
    let error: unknown;
    try {
      return await task();
    } catch (thrown) {
      error = thrown;
      throw thrown;
    } finally {
      if (!isCounted(error)) await refund();
    }
  }

  return {
    login: (client, attempt) =>
      runCounted(
        "wrong-password",
        client,
        () => runCounted("login", client, attempt, rules.login, reachedHash),
        rules.wrongPassword,
        isWrongPassword,
      ),
    newPassword: (client, hash) => runCounted("new-password", client, hash, rules.newPassword, reachedHash),
    provider: ({ address }) => spend("provider", rules.provider, { address, account: "" }),
    newAddress: (client) => spend("new-address", rules.newAddress, client),
    resetPassword: ({ address }) => spend("reset-password", rules.resetPassword, { address, account: "" }),
    register: ({ address }) => spend("register", rules.register, { address, account: "" }),
    forgotPassword: (client) => spend("forgot-password", rules.mail, client),
    requestVerify: (client) => spend("request-verify", rules.mail, client),
    upload: (client) => spend("upload", rules.upload, client),
    edit: ({ account }) => spend("edit", rules.edit, { address: "", account }),
    report: ({ account }) => spend("report", rules.report, { address: "", account }),
    mayMailNotice: (account) =>
      spend("notice", rules.notice, { address: "", account }).then(
        () => true,
        (error: unknown) => {
          if (isRateLimited(error)) return false;
          throw error;
        },
      ),
  };
}

const isRateLimited = (error: unknown): boolean =>
  error instanceof ApiError && error.code === "TOO_MANY_REQUESTS";

const isWrongPassword = (error?: unknown): boolean =>
  error instanceof ApiError &&
  (error.code === "LOGIN_BAD_CREDENTIALS" || error.code === "CURRENT_PASSWORD_WRONG");

/** Reports whether a task has hashed a password: it succeeded, or its error is one that comes after the hash. */
const reachedHash = (error?: unknown): boolean =>
  error === undefined ||
  isWrongPassword(error) ||
  (error instanceof ApiError && error.code === "LOGIN_USER_NOT_VERIFIED");

/**
 * Yields the counters of a rule for a request of this client. The largest network comes first: once it reaches its limit,
 * further requests create no counters for the accounts that they ask for.
 */
function* countersOf(rule: Rule, { address, account }: Client): Generator<{ subject: string } & Limit> {
  const networks = clientNetworks(address);
  for (const [scope, { points, windowSeconds }] of Object.entries(rule) as [Scope, Limit][])
    if (scope === "account") yield { subject: `account:${accountHash(account)}`, points, windowSeconds };
    else
      for (const { name, shares } of networks) {
        const prefix = scope === "network" ? "network" : `accountFromNetwork:${accountHash(account)}`;
        yield { subject: `${prefix}:${name}`, points: points * shares, windowSeconds };
      }
}
