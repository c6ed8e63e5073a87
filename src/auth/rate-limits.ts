import { clientNetwork } from "../http/client-address.ts";
import { ApiError } from "../errors.ts";
import { createMemoryCounters, type Counters } from "./counters.ts";

/** Who asks: the client's address, and the account asked for (its unique key or id), existing or not. */
export interface Client {
  address: string;
  account: string;
}

const minute = 60;
const hour = 60 * minute;

/**
 * How often, per window in seconds. `network` is an IPv4 address or an IPv6 /64, generous enough for an office behind
 * one address. `accountFromNetwork` counts an account separately for each network it is asked for from, so that
 * strangers never use up what its owner may do.
 *
 * Failed logins have no limit per account over all networks: it would lock the owner out, or tell the guesser when he
 * is right. Mails have one, against flooding an inbox from many places; it locks nobody out, because every mail that
 * was sent holds a token that works.
 */
const rules = {
  login: {
    accountFromNetwork: { points: 20, window: 15 * minute },
    network: { points: 300, window: 15 * minute },
  },
  register: { network: { points: 100, window: hour } },
  mail: {
    accountFromNetwork: { points: 5, window: hour },
    account: { points: 30, window: hour },
    network: { points: 100, window: hour },
  },
  upload: { account: { points: 1_000, window: hour }, network: { points: 3_000, window: hour } },
} as const;

type Scope = "accountFromNetwork" | "account" | "network";
type Rule = Partial<Record<Scope, { points: number; window: number }>>;

/** All of them reject with ApiError TOO_MANY_REQUESTS and `Retry-After` when the client has used up its share. */
export interface RateLimits {
  /**
   * Runs one login. It takes its point before, so that guesses sent at once are counted like guesses in a row, and
   * gives it back unless it fails with LOGIN_BAD_CREDENTIALS.
   */
  login<Result>(client: Client, attempt: () => Promise<Result>): Promise<Result>;
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
    for (const [scope, { points, window }] of Object.entries(rule)) {
      const key = `${name}:${scope}:${subject(scope as Scope, client)}`;
      const { used, endsIn } = await counters.consume(key, 1, window);
      taken.push(() => counters.consume(key, -1, window));
      if (used <= points) continue;
      await giveBack();
      const retryAfter = String(Math.max(1, Math.ceil(endsIn)));
      throw new ApiError("TOO_MANY_REQUESTS", { headers: { "Retry-After": retryAfter } });
    }
    return giveBack;
  }
  const spend = async (name: string, rule: Rule, client: Client) => void (await take(name, rule, client));

  return {
    async login(client, attempt) {
      const giveBack = await take("login", rules.login, client);
      try {
        const result = await attempt();
        await giveBack();
        return result;
      } catch (error) {
        if (!(error instanceof ApiError && error.code === "LOGIN_BAD_CREDENTIALS")) await giveBack();
        throw error;
      }
    },
    register: ({ address }) => spend("register", rules.register, { address, account: "" }),
    forgotPassword: (client) => spend("forgot-password", rules.mail, client),
    requestVerify: (client) => spend("request-verify", rules.mail, client),
    upload: (client) => spend("upload", rules.upload, client),
  };
}

/** Accounts are hashed: whatever a client calls one takes little room, and no store of counters lists addresses. */
function subject(scope: Scope, { address, account }: Client): string {
  if (scope === "network") return clientNetwork(address);
  const hashed = new Bun.CryptoHasher("sha256").update(account).digest("base64url").slice(0, 22);
  return scope === "account" ? hashed : `${hashed}:${clientNetwork(address)}`;
}
