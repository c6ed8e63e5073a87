import { jwt } from "@elysiajs/jwt";
import QuickLRU from "quick-lru";

import type { User } from "../database/users.ts";

/** Seconds that every token lives. */
const tokenLifetime = 3600;

/**
 * How far the clock of the node that issued a token may be ahead of ours. Only expiry depends on clocks. This bound keeps tokens of a clock that was ahead by years from living for years once it is set right.
 */
const clockToleranceSeconds = 3600;

const audiences = {
  access: "fastapi-users:auth",
  verify: "fastapi-users:verify",
  reset: "fastapi-users:reset",
} as const;

/** What a valid access token says. */
export interface AccessToken {
  readonly userId: string;
  /** Names this one token, for ending it. */
  readonly tokenId: string;
  /** The user's `token_version` when the token was issued. */
  readonly tokenVersion: number;
  readonly expiresAt: Date;
}

/** What a valid verification token says: its bearer reads the mail of this address. */
export interface VerifyToken {
  readonly userId: string;
  readonly email: string;
  readonly tokenVersion: number;
}

/** What a valid reset token says. */
export interface ResetToken {
  readonly userId: string;
  /** Whether the account still has the address, the version and the password hash that the token was issued for. */
  isFor(user: Pick<User, "email" | "hashedPassword" | "tokenVersion">): boolean;
}

/**
 * Signs and reads the three kinds of token, HS256, with FastAPI Users' claims and audiences, so that tokens issued by
 * the original program are read as well. No token passes for another kind's. Every token carries the user's
 * `token_version` too, by which it is ended.
 * @param secret at least 32 bytes
 */
export function createTokens(secret: string) {
  const { sign, verify } = jwt({ secret, alg: "HS256" }).decorator.jwt;
  const now = () => Math.floor(Date.now() / 1000);

  const issue = (audience: string | string[], claims: Record<string, string | number>) =>
    sign({ ...claims, aud: audience, exp: now() + tokenLifetime });

  const read = async (token: string, audience: string) =>
    (await verify(token, { algorithms: ["HS256"], audience, requiredClaims: ["exp", "sub"] })) || undefined;

  /** Verified a moment ago: need not be verified again. So many at least, twice as many at most. */
  const verified = new QuickLRU<string, AccessToken>({ maxSize: 5_000 });

  return {
    /**
     * An access token for this user, one hour long.
     * @param user as read together with the password hash that was verified, so that a password changed since then ends
     * the token
     */
    issueAccess: (user: Pick<User, "id" | "tokenVersion">): Promise<string> =>
      issue([audiences.access], {
        sub: user.id,
        // Nodes of an older version read the time of issue from this id.
        jti: Bun.randomUUIDv7(),
        token_version: user.tokenVersion,
      }),

    /** What an access token says, undefined when it is forged, expired, for something else or lives far too long. */
    async readAccess(token: string): Promise<AccessToken | undefined> {
      const known = verified.get(token);
      if (known) {
        if (known.expiresAt.getTime() > Date.now()) return known;
        verified.delete(token);
        return undefined;
      }
      // Ours have about 400 characters; a longer one is not worth its verification.
      if (token.length > 4096) return undefined;
      const claims = await read(token, audiences.access);
      if (!claims || typeof claims.sub !== "string" || typeof claims.exp !== "number") return undefined;
      const tokenVersion = versionOf(claims["token_version"]);
      const latestExpiry = now() + tokenLifetime + clockToleranceSeconds;
      if (tokenVersion === undefined || claims.exp > latestExpiry) return undefined;
      const access = {
        userId: claims.sub,
        tokenId: typeof claims.jti === "string" ? claims.jti : fingerprint(signedPart(token)),
        tokenVersion,
        expiresAt: new Date(claims.exp * 1000),
      };
      verified.set(token, access);
      return access;
    },

    issueVerify: (user: Pick<User, "id" | "email" | "tokenVersion">): Promise<string> =>
      issue(audiences.verify, { sub: user.id, email: user.email, token_version: user.tokenVersion }),

    async readVerify(token: string): Promise<VerifyToken | undefined> {
      const claims = (await read(token, audiences.verify)) ?? {};
      const { sub, email, token_version } = claims as Record<string, unknown>;
      const tokenVersion = versionOf(token_version);
      if (typeof sub !== "string" || typeof email !== "string" || tokenVersion === undefined)
        return undefined;
      return { userId: sub, email, tokenVersion };
    },

    /** Good for one change: it carries a fingerprint of the password hash that it replaces. */
    issueReset: (user: Pick<User, "id" | "email" | "hashedPassword" | "tokenVersion">): Promise<string> =>
      issue(audiences.reset, {
        sub: user.id,
        email: user.email,
        password_fgpt: fingerprint(user.hashedPassword),
        token_version: user.tokenVersion,
      }),

    async readReset(token: string): Promise<ResetToken | undefined> {
      const claims = (await read(token, audiences.reset)) ?? {};
      const { sub, email, password_fgpt, token_version } = claims as Record<string, unknown>;
      const tokenVersion = versionOf(token_version);
      if (typeof sub !== "string" || typeof password_fgpt !== "string") return undefined;
      return {
        userId: sub,
        isFor: (user) =>
          user.tokenVersion === tokenVersion &&
          // Tokens issued before an upgrade carry no address.
          (email === undefined || user.email === email) &&
          fingerprint(user.hashedPassword) === password_fgpt,
      };
    },
  };
}

export type Tokens = ReturnType<typeof createTokens>;

const fingerprint = (text: string) => new Bun.CryptoHasher("sha256").update(text).digest("base64url");

/** What the signature covers: the signature itself has several spellings in base64, this has one. */
const signedPart = (token: string) => token.slice(0, token.lastIndexOf("."));

/** Versions are 32-bit integers in the database. */
const largestVersion = 2 ** 31 - 1;

/** The version that a token was issued under: 0 where it carries none, as those of the original program. */
function versionOf(claim: unknown): number | undefined {
  const version = claim === undefined ? 0 : claim;
  return Number.isInteger(version) && Number(version) >= 0 && Number(version) <= largestVersion
    ? Number(version)
    : undefined;
}
