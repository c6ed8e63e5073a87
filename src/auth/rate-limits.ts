import { ApiError } from "../errors.ts";
import { clientNetwork, clientNetworks } from "../http/client-address.ts";
import { accountHash, type Client } from "./client.ts";
import { createMemoryCounters, type Counters } from "./counters.ts";

const minute = 60;
const hour = 60 * minute;

/**
 * How often, per window in seconds. `network` is an IPv4 address or an IPv6 /64, generous enough for an office behind
 * one address; of IPv6 the /56 and the /48 have a multiple of it for all their clients, see {@link clientNetworks}.
 * `accountFromNetwork` counts an account separately for each network it is asked for from, so that strangers never use
 * up what its owner may do. `account` is for what only the account's owner can use up.
 *
 * Logins have no limit per account over all networks: it would lock the owner out, or show an attacker which
 * guess is right. Mails have one, so that an inbox cannot be flooded from many places. It locks no owner out, because
 * every mail that was sent holds a token that works.
 */
const rules = {
  /** Right or wrong: each costs a hash. */
  login: {
    network: { points: 1_000, window: 15 * minute },
    accountFromNetwork: { points: 60, window: 15 * minute },
  },
  wrongPassword: {
    network: { points: 300, window: 15 * minute },
    accountFromNetwork: { points: 20, window: 15 * minute },
  },
  newPassword: {
    network: { points: 300, window: 15 * minute },
    account: { points: 10, window: 15 * minute },
  },
  resetPassword: { network: { points: 100, window: hour } },
  register: { network: { points: 100, window: hour } },
  mail: {
    network: { points: 100, window: hour },
    account: { points: 30, window: hour },
    accountFromNetwork: { points: 5, window: hour },
  },
  upload: { network: { points: 3_000, window: hour }, account: { points: 1_000, window: hour } },
} as const;

type Scope = "accountFromNetwork" | "account" | "network";
type Rule = Partial<Record<Scope, { points: number; window: number }>>;

/** All of them reject with ApiError TOO_MANY_REQUESTS and `Retry-After` when the client has used up its share. */
export interface RateLimits {
  /**
   * Runs one login. It takes its points before, so that guesses sent at once are counted like guesses in a row. One that
   * succeeds or finds its address unverified is no wrong password; one that fails before its hash counts nowhere.
   */
  login<Result>(client: Client, attempt: () => Promise<Result>): Promise<Result>;
  /** Runs the hashing of a signed-in user's new password. */
  newPassword<Result>(client: Client, hash: () => Promise<Result>): Promise<Result>;
  resetPassword(client: Pick<Client, "address">): Promise<void>;
  register(client: Pick<Client, "address">): Promise<void>;
  forgotPassword(client: Client): Promise<void>;
  requestVerify(client: Client): Promise<void>;
  upload(client: Client): Promise<void>;
}

/** @param enabled false lets everything pass, uncounted */
export function createRateLimits({
  enabled,
  counters = createMemoryCounters(),
}: {
  enabled: boolean;
  counters?: Counters | undefined;
}): RateLimits {
  /** Takes a point of each counter of the rule, or of none; the function given back returns them. */
  async function take(name: string, rule: Rule, client: Client): Promise<() => Promise<void>> {
    if (!enabled) return async () => {};
    const taken: (() => Promise<unknown>)[] = [];
    const giveBack = async () => void (await Promise.all(taken.map((undo) => undo())));
    for (const { subject, points, window } of countersOf(rule, client)) {
      const key = `${name}:${subject}`;
      const { used, endsInSeconds } = await counters.consume(key, 1, window);
      taken.push(() => counters.consume(key, -1, window));
      if (used <= points) continue;
      await giveBack();
      const retryAfter = String(Math.max(1, Math.ceil(endsInSeconds)));
      throw new ApiError("TOO_MANY_REQUESTS", { headers: { "Retry-After": retryAfter } });
    }
    return giveBack;
  }
  const spend = async (name: string, rule: Rule, client: Client) => void (await take(name, rule, client));

  /** Runs a task that costs points. `counts` gets its error, if any; where it returns false, they are given back. */
  async function counted<Result>(
    name: string,
    client: Client,
    task: () => Promise<Result>,
    rule: Rule,
    counts: (error?: unknown) => boolean,
  ): Promise<Result> {
    const giveBack = await take(name, rule, client);
    let error: unknown;
    try {
      return await task();
    } catch (thrown) {
      error = thrown;
      throw thrown;
    } finally {
      if (!counts(error)) await giveBack();
    }
  }

  return {
    login: (client, attempt) =>
      counted(
        "wrong-password",
        client,
        () => counted("login", client, attempt, rules.login, reachedHash),
        rules.wrongPassword,
        isWrongPassword,
      ),
    newPassword: (client, hash) => counted("new-password", client, hash, rules.newPassword, reachedHash),
    resetPassword: ({ address }) => spend("reset-password", rules.resetPassword, { address, account: "" }),
    register: ({ address }) => spend("register", rules.register, { address, account: "" }),
    forgotPassword: (client) => spend("forgot-password", rules.mail, client),
    requestVerify: (client) => spend("request-verify", rules.mail, client),
    upload: (client) => spend("upload", rules.upload, client),
  };
}

const isWrongPassword = (error?: unknown): boolean =>
  error instanceof ApiError && error.code === "LOGIN_BAD_CREDENTIALS";

/** Whether a task got as far as hashing: it succeeded, or failed because of the password or what is known behind it. */
const reachedHash = (error?: unknown): boolean =>
  error === undefined ||
  isWrongPassword(error) ||
  (error instanceof ApiError && error.code === "LOGIN_USER_NOT_VERIFIED");

/**
 * The counters of a rule that a request of this client counts in. The largest network comes first: once it has used up
 * its share, no counters are made for the accounts that its clients go on asking for.
 */
function* countersOf(
  rule: Rule,
  { address, account }: Client,
): Generator<{ subject: string; points: number; window: number }> {
  const networks = clientNetworks(address);
  for (const [scope, { points, window }] of Object.entries(rule) as [Scope, NonNullable<Rule[Scope]>][])
    if (scope === "account") yield { subject: `account:${accountHash(account)}`, points, window };
    else
      for (const { name, shares } of networks) {
        const who = scope === "network" ? "network" : `accountFromNetwork:${accountHash(account)}`;
        yield { subject: `${who}:${name}`, points: points * shares, window };
      }
}
