import { createHmac, timingSafeEqual } from "node:crypto";

const idBytes = 16;
/** The base64url form of an id and its HMAC-SHA-256. */
const tokenPattern = /^[\w-]{64}$/;

/**
 * Derives the tokens of invitations from their ids and the service's secret, so that the database holds no token and a
 * link can be shown again at any time. A token is the id and its HMAC-SHA-256 in base64url.
 * @param secret at least 32 bytes; a new secret makes every invitation invalid
 */
export function createInvitationTokens(secret: string) {
  const key = createHmac("sha256", secret).update("invitation").digest();

  const sign = (id: Buffer): Buffer => Buffer.concat([id, createHmac("sha256", key).update(id).digest()]);

  return {
    /** Returns the token of an invitation. */
    tokenOf: (id: string): string => sign(Buffer.from(id.replaceAll("-", ""), "hex")).toString("base64url"),

    /** Returns the id of the invitation that a token belongs to; undefined for a forged token. */
    read(token: string): string | undefined {
      if (!tokenPattern.test(token)) return undefined;
      const bytes = Buffer.from(token, "base64url");
      const id = bytes.subarray(0, idBytes);
      if (!timingSafeEqual(bytes, sign(id))) return undefined;
      return id.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
    },
  };
}

export type InvitationTokens = ReturnType<typeof createInvitationTokens>;
