import { jwt } from "@elysiajs/jwt";
import { LRUCache } from "lru-cache";

import type { User } from "../database/users.ts";

/** The lifetime of every token, and the same in words for mails and documentation. */
const tokenLifetimeSeconds = 3600;
export const tokenLifetimeText = "one hour";

/**
 * How far the clock of the node that issued a token may be ahead. Only expiry depends on clocks. Without this bound, a
 * clock that was ahead by years would leave tokens that stay valid for years.
 */
const clockToleranceSeconds = 3600;

/** Bounds the work for a forged token; issued tokens have about 400 characters. */
const maxTokenLength = 4096;

const audiences = {
  access: "fastapi-users:auth",
  verify: "fastapi-users:verify",
  reset: "fastapi-users:reset",
} as const;

/** The claims of a valid access token. */
export interface AccessToken {
  readonly userId: string;
  /** Identifies this token when it is revoked. */
  readonly tokenId: string;
  /** The user's `token_version` when the token was issued. */
  readonly tokenVersion: number;
  readonly expiresAt: Date;
}

/** The claims of a valid verification token. Its bearer reads the mail sent to this address. */
export interface VerifyToken {
  readonly userId: string;
  readonly email: string;
  readonly tokenVersion: number;
}

/** A valid reset token. */
export interface ResetToken {
  readonly userId: string;
  /** Reports whether the account still has the address, version and password hash that the token was issued for. */
  isFor(user: Pick<User, "email" | "hashedPassword" | "tokenVersion">): boolean;
}

/**
 * Signs and verifies access, verification and reset tokens: JWTs (HS256) with the claims and audiences of FastAPI Users,
 * so that tokens issued by a FastAPI Users service with the same secret are valid too. The audience keeps a token of one
 * kind from being accepted as another. Every token also carries the user's `token_version`, which revokes it when it
 * changes.
 * @param secret at least 32 bytes
 */
export function createTokens(secret: string) {
  const { sign, verify } = jwt({ secret, alg: "HS256" }).decorator.jwt;
  const now = () => Math.floor(Date.now() / 1000);

  const issue = (audience: string | string[], claims: Record<string, string | number>) =>
    sign({ ...claims, aud: audience, exp: now() + tokenLifetimeSeconds });

  const read = async (token: string, audience: string) =>
    (await verify(token, { algorithms: ["HS256"], audience, requiredClaims: ["exp", "sub"] })) || undefined;

  /** Recently verified tokens, which need no second verification. */
  const verified = new LRUCache<string, AccessToken>({ max: 5_000 });

  return {
    /**
     * Issues an access token.
     * @param user as read together with the verified password hash, so that a password change since then revokes the token
     */
    issueAccess: (user: Pick<User, "id" | "tokenVersion">): Promise<string> =>
      issue([audiences.access], {
        sub: user.id,
        // Version 7, because nodes of an older release take the time of issue from it.
        jti: Bun.randomUUIDv7(),
        token_version: user.tokenVersion,
      }),

    /**
     * Verifies an access token.
     * @returns its claims; undefined when it is forged, expired, of another kind or expires too far in the future
     */
    async readAccess(token: string): Promise<AccessToken | undefined> {
      const cached = verified.get(token);
      if (cached) {
        if (cached.expiresAt.getTime() > Date.now()) return cached;
        verified.delete(token);
        return undefined;
      }
      if (token.length > maxTokenLength) return undefined;
      const claims = await read(token, audiences.access);
      if (!claims || typeof claims.sub !== "string" || typeof claims.exp !== "number") return undefined;
      const tokenVersion = parseVersion(claims["token_version"]);
      const latestExpiry = now() + tokenLifetimeSeconds + clockToleranceSeconds;
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
      const tokenVersion = parseVersion(token_version);
      if (typeof sub !== "string" || typeof email !== "string" || tokenVersion === undefined)
        return undefined;
      return { userId: sub, email, tokenVersion };
    },

    /** Issues a reset token. It carries a fingerprint of the current password hash, so that it works only once. */
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
      const tokenVersion = parseVersion(token_version);
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

/** Returns the signed part, which has a single encoding, while a signature has several in base64url. */
const signedPart = (token: string) => token.slice(0, token.lastIndexOf("."));

/** A version is a 32-bit integer in the database. */
const maxTokenVersion = 2 ** 31 - 1;

/** Validates a version claim. Tokens issued by FastAPI Users carry none and count as version 0. */
function parseVersion(claim: unknown): number | undefined {
  const version = claim === undefined ? 0 : claim;
  return Number.isInteger(version) && Number(version) >= 0 && Number(version) <= maxTokenVersion
    ? Number(version)
    : undefined;
}
