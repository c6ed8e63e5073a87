import { randomBytes } from "node:crypto";

import { LRUCache } from "lru-cache";

import type { Background } from "../concurrency/background-tasks.ts";
import type { Database } from "../database/database.ts";
import type { FoundSession } from "../database/sessions.ts";
import type { User } from "../database/users.ts";
import { LoginError } from "./accounts.ts";

/** Distinguishes session tokens from access tokens: JWTs never start with it. */
const tokenPrefix = "ims_";

/** The prefix and 256 random bits in base64url. */
const sessionTokenPattern = new RegExp(`^${tokenPrefix}[\\w-]{43}$`);

/** Whether a bearer token is a session token. */
export const isSessionToken = (token: string): boolean => token.startsWith(tokenPrefix);

/** The maximum age of a session, regardless of use. */
const maxLifetimeMs = 365 * 24 * 3_600_000;

/** The minimum time between two recorded uses of a session. Recording every use would cost a write per request. */
const recordIntervalMs = 10 * 60_000;

/** Code units of a `User-Agent` header that are kept. */
const maxUserAgentLength = 255;

/** A valid session. */
export interface ValidSession extends FoundSession {
  /** Whether this look-up extended the session, at most once per {@link recordIntervalMs}. */
  readonly isExtended: boolean;
}

/** Sessions keep devices signed in. Their tokens are opaque; the database holds only hashes of them. */
export interface Sessions {
  /**
   * Begins a session.
   * @param user as read together with the verified password hash
   * @param userAgent the request's `User-Agent`, by which the user recognises the device
   * @returns the session's token
   * @throws LoginError when the account was deactivated or deleted, or its password was changed, after it was read
   */
  begin(user: Pick<User, "id" | "tokenVersion">, userAgent: string | null): Promise<string>;
  /**
   * Finds the session of a token and extends it in the background.
   * @returns undefined for text that is not the token of a current session of an active account
   */
  find(token: string): Promise<ValidSession | undefined>;
}

/**
 * @param lifetimeSeconds the time without use after which a session expires
 * @param nowMs the current time
 */
export function createSessions(
  { database, background }: { database: Pick<Database, "sessions">; background: Background },
  lifetimeSeconds: number,
  nowMs = Date.now,
): Sessions {
  const { sessions } = database;
  /**
   * When this process last tried to extend each session. Prevents duplicate writes by concurrent requests, and immediate
   * retries after a failure.
   */
  const attemptedAtMs = new LRUCache<string, number>({ max: 5_000 });
  const expiryOf = (createdAtMs: number, now: number) =>
    new Date(Math.min(now + lifetimeSeconds * 1000, createdAtMs + maxLifetimeMs));

  return {
    async begin({ id: userId, tokenVersion }, userAgent) {
      const token = `${tokenPrefix}${randomBytes(32).toString("base64url")}`;
      const now = nowMs();
      const isAdded = await sessions.add({
        id: crypto.randomUUID(),
        tokenHash: hashOf(token),
        userId,
        tokenVersion,
        createdAt: new Date(now),
        expiresAt: expiryOf(now, now),
        userAgent: userAgent?.slice(0, maxUserAgentLength) || null,
      });
      if (!isAdded) throw new LoginError("bad_password", userId);
      return token;
    },

    async find(token) {
      if (!sessionTokenPattern.test(token)) return undefined;
      const found = await sessions.find(hashOf(token));
      const now = nowMs();
      if (!found || found.session.expiresAt.getTime() <= now) return undefined;
      const { id, createdAt, lastUsedAt } = found.session;
      const unusedSince = new Date(now - recordIntervalMs);
      const isExtended = lastUsedAt <= unusedSince && (attemptedAtMs.get(id) ?? 0) <= unusedSince.getTime();
      if (isExtended) {
        attemptedAtMs.set(id, now);
        const use = { id, lastUsedAt: new Date(now), expiresAt: expiryOf(createdAt.getTime(), now) };
        background.run("extend a session", () => sessions.extend(use, unusedSince));
      }
      return { ...found, isExtended };
    },
  };
}

const hashOf = (token: string): string => Bun.CryptoHasher.hash("sha256", token, "hex");
