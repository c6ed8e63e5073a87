import { createCipheriv, createDecipheriv, createHmac, randomBytes, timingSafeEqual } from "node:crypto";

import { cookieHeader, cookieValues } from "../../http/cookies.ts";

/** The name that FastAPI Users gives to the cookie of a sign-in with a provider. */
const flowCookieName = "fastapiusersoauthcsrf";

/** How long a user may take to sign in at the provider. */
const lifetimeMs = 10 * 60_000;

const cipher = "aes-256-gcm";
const ivBytes = 12;
const tagBytes = 16;

/** A sign-in with the provider that has begun: what the callback needs. */
export interface Flow {
  /** Ties the callback to this browser. */
  readonly state: string;
  /** Ties the ID token to this flow. */
  readonly nonce: string;
  /** Ties the authorization code to this flow (PKCE, RFC 7636). */
  readonly codeVerifier: string;
  /** The callback's address, exactly as it was sent to the provider (RFC 6749, 4.1.3). */
  readonly redirectUri: string;
  /** The fragment of the page where the browser goes afterwards. */
  readonly returnTo: string;
  /** The token of an invitation; null for none. */
  readonly invitation: string | null;
  /** The account to which the identity will be linked; null to sign in. */
  readonly userId: string | null;
  readonly expiresAtMs: number;
}

/**
 * The cookie that carries a {@link Flow} through the round trip to the provider. It is encrypted and authenticated, so
 * that neither the browser's user nor a script can read or change it. Every node with the same secret can read it.
 */
export interface FlowCookie {
  /**
   * Begins a flow.
   * @returns the flow, and the `Set-Cookie` header that stores it
   */
  begin(purpose: Pick<Flow, "redirectUri" | "returnTo" | "invitation" | "userId">): {
    flow: Flow;
    cookie: string;
  };
  /** @returns the flow of a callback with this state; undefined for any other state, and after ten minutes */
  read(headers: Headers, state: string | null): Flow | undefined;
  /** The `Set-Cookie` header that removes the cookie. */
  readonly clear: string;
}

/**
 * @param secret at least 32 bytes, shared by all nodes
 * @param options `secure`: whether browsers may send the cookie over TLS only
 */
export function createFlowCookie(
  secret: string,
  { secure }: { secure: boolean },
  nowMs = Date.now,
): FlowCookie {
  const key = createHmac("sha256", secret).update("sign-in with a provider").digest();

  function seal(flow: Flow): string {
    const iv = randomBytes(ivBytes);
    const sealing = createCipheriv(cipher, key, iv);
    const sealed = Buffer.concat([sealing.update(JSON.stringify(flow)), sealing.final()]);
    return Buffer.concat([iv, sealing.getAuthTag(), sealed]).toString("base64url");
  }

  function open(value: string): Flow | undefined {
    const bytes = Buffer.from(value, "base64url");
    if (bytes.length < ivBytes + tagBytes) return undefined;
    const opening = createDecipheriv(cipher, key, bytes.subarray(0, ivBytes), { authTagLength: tagBytes });
    opening.setAuthTag(bytes.subarray(ivBytes, ivBytes + tagBytes));
    try {
      const text = Buffer.concat([opening.update(bytes.subarray(ivBytes + tagBytes)), opening.final()]);
      return JSON.parse(text.toString()) as Flow;
    } catch {
      return undefined;
    }
  }

  return {
    begin(purpose) {
      const expiresAtMs = nowMs() + lifetimeMs;
      const flow = { ...purpose, state: random(), nonce: random(), codeVerifier: random(), expiresAtMs };
      const cookie = cookieHeader(flowCookieName, seal(flow), { secure, maxAgeSeconds: lifetimeMs / 1000 });
      return { flow, cookie };
    },
    read: (headers, state) =>
      cookieValues(headers, flowCookieName)
        .map(open)
        .find((flow) => flow && flow.expiresAtMs > nowMs() && isSame(flow.state, state ?? "")),
    clear: cookieHeader(flowCookieName, "", { secure, maxAgeSeconds: 0 }),
  };
}

const random = () => randomBytes(32).toString("base64url");

function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
