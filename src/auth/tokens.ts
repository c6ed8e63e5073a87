import { jwt } from "@elysiajs/jwt";
import QuickLRU from "quick-lru";

/** Seconds that every token lives. */
export const tokenLifetime = 3600;

/** Tokens are refused when they claim to come from further in the future than this: clocks differ a little, seconds. */
const clockTolerance = 60;

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
  readonly issuedAt: Date;
  readonly expiresAt: Date;
}

/**
 * Signs and reads the three kinds of token, HS256, with FastAPI Users' claims and audiences, so that tokens issued by
 * the original program are read as well. No token passes for another kind's.
 * @param secret at least 32 bytes
 */
export function createTokens(secret: string) {
  const { sign, verify } = jwt({ secret, alg: "HS256" }).decorator.jwt;
  const now = () => Math.floor(Date.now() / 1000);

  const issue = (audience: string | string[], claims: Record<string, string>) =>
    sign({ ...claims, aud: audience, exp: now() + tokenLifetime });

  const read = async (token: string, audience: string) =>
    (await verify(token, { algorithms: ["HS256"], audience, requiredClaims: ["exp", "sub"] })) || undefined;

  /** Verified a moment ago: need not be verified again. So many at least, twice as many at most. */
  const verified = new QuickLRU<string, AccessToken>({ maxSize: 5_000 });

  return {
    /**
     * An access token for this user, one hour long.
     * @param since when the user's password was read: kept in the id's milliseconds, so that a password changed
     * between that moment and this one ends the token like any older one
     */
    issueAccess: (userId: string, since: Date): Promise<string> =>
      issue([audiences.access], { sub: userId, jti: Bun.randomUUIDv7("hex", since) }),

    /** What an access token says, undefined when it is forged, expired, for something else or from the future. */
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
      const issuedAt = issueTime(claims.jti, claims.exp);
      const latest = Date.now() + clockTolerance * 1000;
      if (issuedAt > latest || claims.exp * 1000 > latest + tokenLifetime * 1000) return undefined;
      const access = {
        userId: claims.sub,
        tokenId: typeof claims.jti === "string" ? claims.jti : fingerprint(signedPart(token)),
        issuedAt: new Date(issuedAt),
        expiresAt: new Date(claims.exp * 1000),
      };
      verified.set(token, access);
      return access;
    },

    /** Proves that its bearer reads the mail of this address. */
    issueVerify: (user: { id: string; email: string }): Promise<string> =>
      issue(audiences.verify, { sub: user.id, email: user.email }),

    async readVerify(token: string): Promise<{ userId: string; email: string } | undefined> {
      const claims = await read(token, audiences.verify);
      const { sub, email } = (claims ?? {}) as Record<string, unknown>;
      return typeof sub === "string" && typeof email === "string" ? { userId: sub, email } : undefined;
    },

    /** Good for one change: it carries a fingerprint of the password hash that it replaces. */
    issueReset: (user: { id: string; hashedPassword: string }): Promise<string> =>
      issue(audiences.reset, { sub: user.id, password_fgpt: fingerprint(user.hashedPassword) }),

    async readReset(
      token: string,
    ): Promise<{ userId: string; replaces: (hash: string) => boolean } | undefined> {
      const claims = await read(token, audiences.reset);
      const { sub, password_fgpt } = (claims ?? {}) as Record<string, unknown>;
      if (typeof sub !== "string" || typeof password_fgpt !== "string") return undefined;
      return { userId: sub, replaces: (hash) => fingerprint(hash) === password_fgpt };
    },
  };
}

export type Tokens = ReturnType<typeof createTokens>;

const fingerprint = (text: string) => new Bun.CryptoHasher("sha256").update(text).digest("base64url");

/** What the signature covers: the signature itself has several spellings in base64, this has one. */
const signedPart = (token: string) => token.slice(0, token.lastIndexOf("."));

/** Milliseconds: those of a UUIDv7 id; a token of the original has no id and was issued one lifetime before its end. */
function issueTime(tokenId: unknown, expires: number): number {
  if (typeof tokenId === "string" && /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-/i.test(tokenId))
    return Number.parseInt(tokenId.slice(0, 8) + tokenId.slice(9, 13), 16);
  return (expires - tokenLifetime) * 1000;
}
