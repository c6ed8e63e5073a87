import { beforeEach, describe, expect, test } from "bun:test";

import type { JWTPayload } from "jose";

import type { TestProvider } from "../../support/oidc-provider.ts";
import {
  begin,
  callbacks,
  complete,
  errorOf,
  link,
  serviceWithProvider,
  signIn,
  type Begun,
} from "../../support/provider-sign-in.ts";
import type { TestService } from "../../support/service.ts";

let provider: TestProvider;
let service: TestService;
serviceWithProvider((started) => ({ provider, service } = started));
beforeEach(() => provider.reset());

const invalidState: [number, unknown] = [400, "OAUTH_INVALID_STATE"];
const failed: [number, unknown] = [400, "OAUTH_FAILED"];
const now = () => Math.floor(Date.now() / 1000);

/** A flow whose user has signed in at the provider. */
async function readyFlow(): Promise<Begun & { callback: string }> {
  provider.user = { sub: crypto.randomUUID(), email: `${crypto.randomUUID()}@example.com` };
  const flow = await begin(service);
  return { ...flow, callback: await provider.signIn(flow.url) };
}

/** A callback with another value of a parameter; without the parameter if there is none. */
function changed(callback: string, name: string, value?: string): string {
  const url = new URL(callback);
  if (value === undefined) url.searchParams.delete(name);
  else url.searchParams.set(name, value);
  return url.href;
}

describe("state", () => {
  test("state: another browser cannot complete a flow", async () => {
    const { callback } = await readyFlow();
    for (const cookie of ["", "fastapiusersoauthcsrf=", (await begin(service)).cookie])
      expect(await errorOf(await complete(service, callback, { cookie }))).toEqual(invalidState);
  });

  test("state: a missing, changed or repeated state is refused without asking the provider", async () => {
    const flow = await readyFlow();
    const asked = provider.requests.length;
    const { state } = Object.fromEntries(new URL(flow.callback).searchParams);
    for (const callback of [
      changed(flow.callback, "state"),
      changed(flow.callback, "state", ""),
      changed(flow.callback, "state", `${state}A`),
      changed(flow.callback, "state", state!.slice(1)),
      `${callbacks[0]}?state=%00%ff&state=${state}`,
    ])
      expect(await errorOf(await complete(service, callback, flow))).toEqual(invalidState);
    expect(provider.requests.length).toBe(asked);
    expect((await complete(service, flow.callback, flow)).status).toBe(200);
  });

  test("state: a cookie that was changed in any byte is refused", async () => {
    const { cookie, callback } = await readyFlow();
    const [name = "", value = ""] = cookie.split("=");
    const bytes = Buffer.from(value, "base64url");
    for (const at of [0, 12, 28, bytes.length - 1]) {
      const copy = Buffer.from(bytes);
      copy[at]! ^= 1;
      const forged = { cookie: `${name}=${copy.toString("base64url")}` };
      expect(await errorOf(await complete(service, callback, forged))).toEqual(invalidState);
    }
    for (const junk of ["x", "A".repeat(2000), '"', bytes.subarray(0, 27).toString("base64url")])
      expect(await errorOf(await complete(service, callback, { cookie: `${name}=${junk}` }))).toEqual(
        invalidState,
      );
  });

  test("state: a callback works once, and so does its code", async () => {
    const flow = await readyFlow();
    expect((await complete(service, flow.callback, flow)).status).toBe(200);
    expect(await errorOf(await complete(service, flow.callback, flow))).toEqual(invalidState);
    const other = await begin(service);
    const state = new URL(other.url).searchParams.get("state")!;
    const replayed = changed(flow.callback, "state", state);
    expect(await errorOf(await complete(service, replayed, other))).toEqual(failed);
  });

  test("state: a code of another browser's flow is refused, because PKCE ties it to that flow", async () => {
    const victim = await readyFlow();
    const attacker = await begin(service);
    const callback = changed(victim.callback, "state", new URL(attacker.url).searchParams.get("state")!);
    expect(await errorOf(await complete(service, callback, attacker))).toEqual(failed);
  });

  test("state: a flow to sign in cannot link, and a flow to link cannot sign in", async () => {
    const { token } = await service.signUp();
    const flow = await readyFlow();
    const asLink = flow.callback.replace(callbacks[0]!, callbacks[1]!);
    expect(await errorOf(await complete(service, asLink, flow, { token }))).toEqual(invalidState);
    const linking = await begin(service, { token });
    const callback = await provider.signIn(linking.url);
    const asSignIn = callback.replace(callbacks[1]!, callbacks[0]!);
    expect(await errorOf(await complete(service, asSignIn, linking))).toEqual(invalidState);
  });

  test("state: a linking is completed only by the account that began it", async () => {
    const [ada, grace] = [await service.signUp(), await service.signUp()];
    const flow = await begin(service, { token: ada.token });
    const callback = await provider.signIn(flow.url);
    expect(await errorOf(await complete(service, callback, flow, { token: grace.token }))).toEqual(
      invalidState,
    );
    expect(await errorOf(await complete(service, callback, flow))).toEqual([401, "Unauthorized"]);
    expect((await complete(service, callback, flow, { token: ada.token })).status).toBe(200);
  });
});

describe("ID token", () => {
  const withClaims = async (change: (claims: JWTPayload) => JWTPayload) => {
    provider.changeClaims = change;
    const flow = await readyFlow();
    const response = await complete(service, flow.callback, flow);
    return response.status === 200 ? 200 : errorOf(response);
  };

  test.each<[string, (claims: JWTPayload) => JWTPayload]>([
    ["another nonce", (claims) => ({ ...claims, nonce: "another" })],
    ["no nonce", ({ nonce: _, ...claims }) => claims],
    ["another issuer", (claims) => ({ ...claims, iss: "https://evil.example" })],
    ["another audience", (claims) => ({ ...claims, aud: "another" })],
    [
      "several audiences and another authorized party",
      (c) => ({ ...c, aud: [String(c.aud), "x"], azp: "x" }),
    ],
    ["no subject", ({ sub: _, ...claims }) => claims],
    ["an empty subject", (claims) => ({ ...claims, sub: "" })],
    ["a subject of 256 characters", (claims) => ({ ...claims, sub: "x".repeat(256) })],
    ["an expiry two minutes ago", (claims) => ({ ...claims, exp: now() - 120 })],
    ["a start in two minutes", (claims) => ({ ...claims, nbf: now() + 120 })],
    ["no expiry", ({ exp: _, ...claims }) => claims],
  ])("ID token: %s is refused", async (_, change) => {
    expect(await withClaims(change)).toEqual(failed);
  });

  test("ID token: clocks may be half a minute apart", async () => {
    expect(await withClaims((claims) => ({ ...claims, exp: now() - 30 }))).toBe(200);
    expect(await withClaims((claims) => ({ ...claims, iat: now() + 30, nbf: now() + 30 }))).toBe(200);
  });

  test("ID token: a key that replaces another is accepted at once, and a withdrawn one refused", async () => {
    expect(await withClaims((claims) => claims)).toBe(200);
    await provider.rotateKey();
    expect(await withClaims((claims) => claims)).toBe(200);
    const keys = { keys: [] };
    provider.replies.set("/jwks", () => Response.json(keys));
    expect(await withClaims((claims) => claims)).toEqual(failed);
  });

  test("ID token: user info of another subject is refused", async () => {
    provider.replies.set("/me", () =>
      Response.json({ sub: "somebody else", email: "admin@example.com", email_verified: true }),
    );
    const flow = await readyFlow();
    expect(await errorOf(await complete(service, flow.callback, flow))).toEqual(failed);
  });
});

describe("issuer", () => {
  test("issuer: a callback of another provider is refused (RFC 9207)", async () => {
    const flow = await readyFlow();
    const mixedUp = changed(flow.callback, "iss", "https://evil.example");
    expect(await errorOf(await complete(service, mixedUp, flow))).toEqual(failed);
    const other = await readyFlow();
    expect(await errorOf(await complete(service, changed(other.callback, "iss"), other))).toEqual(failed);
  });
});

describe("accounts", () => {
  test("accounts: a password reset takes an account for an unverified address from a stranger's identity", async () => {
    const email = `${crypto.randomUUID()}@example.com`;
    provider.user = { sub: crypto.randomUUID(), email, email_verified: false };
    const response = await signIn(service, provider);
    const { access_token: token } = (await response.json()) as { access_token: string };
    expect((await service.fetch("/users/me", { token })).status).toBe(200);
    await service.fetch("/auth/forgot-password", { json: { email } });
    const reset = { token: await service.mailedToken(email), password: "a better horse battery" };
    expect((await service.fetch("/auth/reset-password", { json: reset })).status).toBe(200);
    expect((await service.fetch("/users/me", { token })).status).toBe(401);
    expect(await errorOf(await signIn(service, provider))).toEqual([400, "OAUTH_USER_ALREADY_EXISTS"]);
    expect((await service.login(email, reset.password)).status).toBe(200);
  });

  test("accounts: an identity belongs to one account", async () => {
    const [ada, grace] = [await service.signUp(), await service.signUp()];
    provider.user = { sub: crypto.randomUUID() };
    expect((await link(service, provider, ada.token)).status).toBe(200);
    expect((await link(service, provider, ada.token)).status).toBe(200);
    expect(await errorOf(await link(service, provider, grace.token))).toEqual([
      400,
      "OAUTH_USER_ALREADY_EXISTS",
    ]);
  });

  test("accounts: no password matches that of an account without one", async () => {
    const email = `${crypto.randomUUID()}@example.com`;
    provider.user = { sub: crypto.randomUUID(), email, email_verified: true };
    await signIn(service, provider);
    for (const password of ["!", "", "null", "correct horse battery"]) {
      const body = new URLSearchParams({ username: email, password });
      const response = await service.fetch("/auth/session/login", { method: "POST", body });
      expect(response.status).toBe(password === "" ? 422 : 400);
    }
  });
});
