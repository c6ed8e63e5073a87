import { beforeEach, describe, expect, test } from "bun:test";

import type { RegistrationServices } from "../../../src/accounts/accounts.ts";
import { accountOf } from "../../../src/accounts/oidc/account.ts";
import type { TestProvider } from "../../support/oidc-provider.ts";
import {
  begin,
  callbacks,
  complete,
  cookiesOf,
  errorOf,
  html,
  publicUrl,
  serviceWithProvider,
  signIn,
  startServiceFor,
  tokenOf,
} from "../../support/provider-sign-in.ts";
import { TestService } from "../../support/service.ts";

let provider: TestProvider;
let service: TestService;
serviceWithProvider((started) => ({ provider, service } = started));
/** A user of the provider that no other test has. */
const person = () => {
  const sub = crypto.randomUUID();
  return { sub, email: `${sub}@example.com`, email_verified: true, name: "Ada" };
};
beforeEach(() => {
  provider.reset();
  provider.user = person();
});

const me = async (token: string, of = service) =>
  (await (await of.fetch("/users/me", { token })).json()) as { id: string } & Record<string, unknown>;

/** Runs a test on another service with the same provider. */
async function withService(
  settings: Record<string, string>,
  run: (other: TestService) => Promise<unknown>,
): Promise<void> {
  const other = await startServiceFor(provider, settings);
  try {
    await run(other);
  } finally {
    await other.close();
  }
}

describe("sign-in with a provider", () => {
  test("authorize: returns the provider's address with PKCE, state and nonce, and a cookie that scripts cannot read", async () => {
    const response = await service.fetch("/auth/oidc/authorize");
    const { authorization_url } = (await response.json()) as { authorization_url: string };
    const { origin, pathname, searchParams } = new URL(authorization_url);
    expect(origin + pathname).toBe(`${provider.issuer}/auth`);
    expect(Object.fromEntries(searchParams)).toEqual({
      client_id: "image-sharing",
      response_type: "code",
      redirect_uri: callbacks[0]!,
      scope: "openid email profile",
      code_challenge_method: "S256",
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      state: expect.stringMatching(/^[\w-]{43}$/),
      nonce: expect.stringMatching(/^[\w-]{43}$/),
    });
    const [cookie = ""] = response.headers.getSetCookie();
    expect(cookie).toMatch(
      /^fastapiusersoauthcsrf=[\w-]{100,1500}; Path=\/; HttpOnly; SameSite=Lax; Max-Age=600; Secure$/,
    );
    for (const secret of [searchParams.get("state")!, searchParams.get("nonce")!])
      expect(Buffer.from(cookie.split(/[=;]/)[1]!, "base64url").toString("latin1")).not.toContain(secret);
  });

  test("sign-in: a JSON client gets the token of a session of a new account, whose address counts as the provider says", async () => {
    const response = await signIn(service, provider);
    expect(response.status).toBe(200);
    const { access_token, ...rest } = (await response.json()) as { access_token: string };
    expect(rest).toEqual({ token_type: "bearer" });
    expect(access_token).toStartWith("ims_");
    expect(response.headers.getSetCookie()).toEqual([expect.stringMatching(/^fastapiusersoauthcsrf=;/)]);
    expect(await me(access_token)).toMatchObject({
      email: provider.user.email!,
      name: "Ada",
      is_verified: true,
      is_superuser: false,
    });
    const again = await tokenOf(await signIn(service, provider));
    expect(again).not.toBe(access_token);
    expect((await me(again)).id).toBe((await me(access_token)).id);
  });

  test("sign-in: a browser gets the session's cookie and goes to the view that it came from", async () => {
    const authorize = await service.fetch("/auth/oidc/authorize?return_to=%23%2Fpost%2Fabc", {
      headers: html,
    });
    expect(authorize.status).toBe(303);
    const callback = await provider.signIn(authorize.headers.get("location")!);
    const response = await complete(service, callback, { cookie: cookiesOf(authorize) }, { headers: html });
    expect([response.status, response.headers.get("location")]).toEqual([303, `${publicUrl}/#/post/abc`]);
    expect(response.headers.getSetCookie()).toEqual([
      expect.stringMatching(/^fastapiusersoauthcsrf=; .*Max-Age=0; Secure$/),
      expect.stringMatching(
        /^fastapiusersauth=ims_[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Max-Age=\d+; Secure$/,
      ),
    ]);
    const cookie = cookiesOf(response);
    expect((await service.fetch("/users/me", { headers: { cookie } })).status).toBe(200);
  });

  test.each([
    "https://evil.example",
    "//evil.example",
    "/\\evil.example",
    "#//evil.example\n",
    "javascript:alert(1)",
    "#/post/<b>",
    `#/${"x".repeat(400)}`,
    "#/@evil.example",
  ])("sign-in: does not send the browser to %p", async (target) => {
    const query = `?return_to=${encodeURIComponent(target)}`;
    const response = await signIn(service, provider, { query, headers: html });
    expect(response.headers.get("location")).toBe(`${publicUrl}/#/`);
  });

  test("sign-in: without PUBLIC_URL the callback is at the host of the request, and cookies are not restricted to TLS", async () => {
    await withService({ PUBLIC_URL: "" }, async (other) => {
      const response = await other.fetch("/auth/oidc/authorize", { headers: { host: "photos.lan:8000" } });
      const { authorization_url } = (await response.json()) as { authorization_url: string };
      expect(new URL(authorization_url).searchParams.get("redirect_uri")).toBe(
        "http://photos.lan:8000/auth/oidc/callback",
      );
      expect(response.headers.get("set-cookie")).not.toContain("Secure");
    });
  });

  test("sign-in: is 404 where no provider is configured", async () => {
    const other = await TestService.start();
    try {
      const { token } = await other.signUp();
      for (const path of ["oidc/authorize", "oidc/callback", "oidc/logout"])
        expect((await other.fetch(`/auth/${path}`)).status).toBe(404);
      for (const step of ["authorize", "callback"]) {
        const path = `/auth/associate/oidc/${step}`;
        expect((await other.fetch(path)).status).toBe(401);
        expect(await errorOf(await other.fetch(path, { token }))).toEqual([404, "Not Found"]);
      }
      expect((await other.fetch("/auth/oidc/authorize", { headers: html })).status).toBe(404);
    } finally {
      await other.close();
    }
  });

  test("sign-in: concurrent first sign-ins of one identity make one account", async () => {
    const flows = await Promise.all([1, 2, 3].map(() => begin(service)));
    const ready = await Promise.all(
      flows.map(async (flow) => ({ flow, callback: await provider.signIn(flow.url) })),
    );
    const responses = await Promise.all(ready.map(({ flow, callback }) => complete(service, callback, flow)));
    expect(responses.map(({ status }) => status)).toEqual([200, 200, 200]);
    const accounts = await Promise.all(responses.map(async (answer) => (await me(await tokenOf(answer))).id));
    expect(new Set(accounts).size).toBe(1);
  });

  test("sign-in: a deactivated account is refused with LOGIN_BAD_CREDENTIALS, and the log has the reason", async () => {
    const { id, email } = (await me(await tokenOf(await signIn(service, provider)))) as unknown as {
      id: string;
      email: string;
    };
    await service.services.database.users.change("operator", { id, email }, { isActive: false });
    expect(await errorOf(await signIn(service, provider))).toEqual([400, "LOGIN_BAD_CREDENTIALS"]);
    expect(service.logged.join("")).toContain(`"reason":"inactive","user":"${id}"`);
  });

  test("sign-in: a provider without an address, or with one that no account may have, is OAUTH_NOT_AVAILABLE_EMAIL", async () => {
    for (const email of [undefined, "", "not an address", "ada@localhost"]) {
      const { email: _, ...others } = person();
      provider.user = { ...others, ...(email !== undefined && { email }) };
      expect(await errorOf(await signIn(service, provider))).toEqual([400, "OAUTH_NOT_AVAILABLE_EMAIL"]);
    }
  });

  test("sign-in: a linked identity needs no address", async () => {
    const { id } = await me(await tokenOf(await signIn(service, provider)));
    provider.user = { sub: provider.user.sub };
    expect((await me(await tokenOf(await signIn(service, provider)))).id).toBe(id);
  });

  test("sign-in: names follow the rules of the API, and a bad one is left out", async () => {
    for (const [name, stored] of [
      [" Ada\u0301 ", "Adá"],
      ["a\u0007b", null],
      ["x".repeat(60), null],
    ] as const) {
      provider.user = { ...person(), name };
      expect((await me(await tokenOf(await signIn(service, provider))))["name"]).toBe(stored);
    }
  });

  test("sign-in: reads the address from the ID token or from the provider's user info", async () => {
    await signIn(service, provider);
    expect(provider.requests).toContain("/me");
    const { email } = person();
    provider.reset();
    provider.user = { sub: crypto.randomUUID() };
    provider.changeClaims = (claims) => ({ ...claims, email, email_verified: true });
    expect((await me(await tokenOf(await signIn(service, provider))))["email"]).toBe(email);
    expect(provider.requests).not.toContain("/me");
  });

  test("sign-in: the provider's refusal is OAUTH_ACCESS_DENIED or OAUTH_FAILED, and ends the flow", async () => {
    for (const [error, code] of [
      ["access_denied", "OAUTH_ACCESS_DENIED"],
      ["server_error", "OAUTH_FAILED"],
    ]) {
      const flow = await begin(service);
      const state = new URL(flow.url).searchParams.get("state");
      const callback = `${callbacks[0]}?error=${error}&state=${state}`;
      expect(await errorOf(await complete(service, callback, flow))).toEqual([400, code]);
      expect(await errorOf(await complete(service, callback, flow))).toEqual([400, "OAUTH_INVALID_STATE"]);
    }
  });

  test("sign-in: a browser that fails returns to the page with the error's code and loses the flow's cookie", async () => {
    const response = await service.fetch("/auth/oidc/callback?state=x&code=y", { headers: html });
    expect([response.status, response.headers.get("location")]).toEqual([
      303,
      `${publicUrl}/#/sign-in?error=OAUTH_INVALID_STATE`,
    ]);
    expect(response.headers.getSetCookie()).toEqual([expect.stringMatching(/^fastapiusersoauthcsrf=;/)]);
  });

  test("logout: tells the provider's page, with the address to return to", async () => {
    const { logout_url } = (await (await service.fetch("/auth/oidc/logout")).json()) as {
      logout_url: string;
    };
    const { origin, pathname, searchParams } = new URL(logout_url);
    expect(origin + pathname).toBe(`${provider.issuer}/session/end`);
    expect(Object.fromEntries(searchParams)).toEqual({
      client_id: "image-sharing",
      post_logout_redirect_uri: `${publicUrl}/`,
    });
  });

  test("sign-in: has a limit for each network", async () => {
    await withService({ RATE_LIMIT: "on" }, async (other) => {
      const { limits } = other.services;
      for (let i = 0; i < 1000; i++) await limits.provider({ address: "unknown" });
      const response = await other.fetch("/auth/oidc/authorize");
      expect(response.status).toBe(429);
      expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
    });
  });
});

describe("registration through a provider", () => {
  test("registration: an account with the address is linked if both sides have verified it", async () => {
    const { id, email, token } = await service.signUp(provider.user.email);
    expect(await errorOf(await signIn(service, provider))).toEqual([400, "OAUTH_USER_ALREADY_EXISTS"]);
    await service.services.database.users.change("operator", { id, email }, { isVerified: true });
    provider.user = { ...provider.user, email_verified: false };
    expect(await errorOf(await signIn(service, provider))).toEqual([400, "OAUTH_USER_ALREADY_EXISTS"]);
    provider.user = { ...provider.user, email_verified: true };
    const linked = await tokenOf(await signIn(service, provider));
    expect((await me(linked)).id).toBe(id);
    await service.drain();
    expect(service.mails.findLast(({ to }) => to === email)?.subject).toBe(
      "A new way to sign in to your account",
    );
    expect((await service.login(email)).status).toBe(200);
    expect((await service.fetch("/users/me", { token })).status).toBe(200);
  });

  test("registration: addresses that differ by more than ASCII case are not linked", async () => {
    const domain = `${crypto.randomUUID()}.example.com`;
    const user = await service.signUp(`admin@${domain}`);
    await service.services.database.users.change("operator", user, { isVerified: true });
    provider.user = { ...person(), email: `adm\u0131n@${domain}` };
    expect(await errorOf(await signIn(service, provider))).toEqual([400, "OAUTH_USER_ALREADY_EXISTS"]);
    provider.user = { ...person(), email: `ADMIN@${domain}` };
    expect((await me(await tokenOf(await signIn(service, provider)))).id).toBe(user.id);
  });

  test("registration: a deactivated account is not linked", async () => {
    const user = await service.signUp(provider.user.email);
    const changes = { isVerified: true, isActive: false };
    await service.services.database.users.change("operator", user, changes);
    expect(await errorOf(await signIn(service, provider))).toEqual([400, "LOGIN_BAD_CREDENTIALS"]);
    expect(await service.services.database.identities.list(user.id)).toEqual([]);
  });

  test.each([
    ["closed", 403, "REGISTER_CLOSED"],
    ["invite", 400, "REGISTER_BAD_INVITATION"],
  ])(
    "registration: %s admits an invitation, which survives the round trip",
    async (REGISTRATION, status, code) => {
      await withService({ REGISTRATION }, async (other) => {
        expect(await errorOf(await signIn(other, provider))).toEqual([status, code]);
        const admin = await other.signUp();
        await other.promote(admin);
        const invited = await other.fetch("/invitations", { token: admin.token, json: {} });
        const { url } = (await invited.json()) as { url: string };
        const query = `?invitation=${new URL(url.replace("#/", "")).searchParams.get("invitation")}`;
        const token = await tokenOf(await signIn(other, provider, { query }));
        expect((await me(token, other))["email"]).toBe(provider.user.email!);
        expect((await signIn(other, provider)).status).toBe(200);
        provider.user = person();
        expect(await errorOf(await signIn(other, provider, { query }))).toEqual([
          400,
          "REGISTER_BAD_INVITATION",
        ]);
        expect(await errorOf(await signIn(other, provider, { query: "?invitation=x" }))).toEqual([
          400,
          "REGISTER_BAD_INVITATION",
        ]);
      });
    },
  );

  test.each([true, false])(
    "registration: a request that another one with the same identity overtakes signs in too (verified: %p)",
    async (emailVerified) => {
      await withService({ REGISTRATION: "closed" }, async (other) => {
        const { services } = other;
        const { database, invitationTokens } = services;
        const invitation = { id: Bun.randomUUIDv7(), email: null, emailKey: null, usesLeft: 1 };
        const expiresAt = new Date(Date.now() + 60_000);
        await database.invitations.add("operator", { ...invitation, createdAt: new Date(), expiresAt });
        const { sub: subject, email, name } = person();
        const claims = { issuer: provider.issuer, subject, email, emailVerified, name };
        const token = invitationTokens.tokenOf(invitation.id);
        const join = (using: RegistrationServices) => accountOf(using, claims, token, "192.0.2.1");
        let faster: string | undefined;
        const overtaken = {
          ...services,
          database: {
            ...database,
            identities: {
              ...database.identities,
              async use(...used: Parameters<typeof database.identities.use>) {
                const found = await database.identities.use(...used);
                faster ??= (await join(services)).id;
                return found;
              },
            },
          },
        };
        expect((await join(overtaken)).id).toBe(faster!);
      });
    },
  );

  test("registration: an invitation for another address is refused", async () => {
    await withService({ REGISTRATION: "invite" }, async (other) => {
      const admin = await other.signUp();
      await other.promote(admin);
      const json = { email: "grace@example.com" };
      const invited = await other.fetch("/invitations", { token: admin.token, json });
      const { url } = (await invited.json()) as { url: string };
      const query = `?invitation=${url.split("invitation=")[1]}`;
      expect(await errorOf(await signIn(other, provider, { query }))).toEqual([
        400,
        "REGISTER_BAD_INVITATION",
      ]);
      provider.user = { ...person(), email: "grace@example.com" };
      expect((await signIn(other, provider, { query })).status).toBe(200);
    });
  });

  test("registration: an address that the provider has not verified must be verified where that is required", async () => {
    await withService({ REQUIRE_VERIFIED_EMAIL: "true" }, async (other) => {
      provider.user = { ...provider.user, email_verified: false };
      expect(await errorOf(await signIn(other, provider))).toEqual([400, "LOGIN_USER_NOT_VERIFIED"]);
      const token = await other.mailedToken(provider.user.email!);
      expect((await other.fetch("/auth/verify", { json: { token } })).status).toBe(200);
      expect((await signIn(other, provider)).status).toBe(200);
    });
  });

  test("two services: one database and one secret complete each other's flows, each once", async () => {
    const { dataDir } = service;
    const { url, poolSize } = service.services.config.database ?? {};
    const secret = await Bun.file(`${dataDir}/jwt-secret`)
      .text()
      .catch(() => "");
    const settings = {
      DATA_DIR: dataDir,
      ...(url && { DATABASE_URL: url, DATABASE_POOL_SIZE: String(poolSize) }),
      ...(secret && { JWT_SECRET_KEY: secret }),
    };
    const other = await startServiceFor(provider, settings);
    try {
      const flow = await begin(service);
      const callback = await provider.signIn(flow.url);
      const [first, second] = await Promise.all([
        complete(other, callback, flow),
        complete(service, callback, flow),
      ]);
      expect([first.status, second.status].sort()).toEqual([200, 400]);
      const refused = first.status === 400 ? first : second;
      expect(await errorOf(refused)).toEqual([400, "OAUTH_INVALID_STATE"]);
    } finally {
      await other.close({ keepData: true });
    }
  });
});

test("log: holds no secret, code, state or token of a sign-in", async () => {
  const flow = await begin(service);
  const callback = await provider.signIn(flow.url);
  const token = await tokenOf(await complete(service, callback, flow));
  const { searchParams } = new URL(callback);
  const log = service.logged.join("");
  const secrets = [
    provider.settings["OIDC_CLIENT_SECRET"]!,
    searchParams.get("code")!,
    searchParams.get("state")!,
    token,
    flow.cookie,
    provider.user.email!,
  ];
  for (const secret of secrets) expect(log).not.toContain(secret);
});
