import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";

import { TestService } from "../support/service.ts";

const own = "https://photos.example.com";
const listed = "https://app.example.com";
const cookieOf = (token: string) => `fastapiusersauth=${token}`;
const password = "correct horse battery";
const tokenPattern = /^ims_[\w-]{43}$/;
const unauthorized = [401, { detail: "Unauthorized" }];
const crossOrigin = [403, { detail: "CROSS_ORIGIN_REQUEST" }];

let service: TestService;
let ada: Awaited<ReturnType<TestService["signUp"]>>;
let token: string;
beforeAll(async () => {
  service = await TestService.start({ PUBLIC_URL: own, CORS_ORIGINS: listed });
});
afterAll(() => service.close());
beforeEach(async () => {
  ada = await service.signUp();
  token = await service.beginSession(ada.email);
});

const answerOf = async (response: Response) => {
  const text = await response.text();
  return [response.status, text === "" ? "" : (JSON.parse(text) as unknown)];
};
const form = (username: string, typed = password) => new URLSearchParams({ username, password: typed });
const cookieLogin = (headers: Record<string, string> = {}, to = service, email = ada.email) =>
  to.fetch("/auth/cookie/login", { method: "POST", body: form(email), headers });
const me = async (using: string | undefined, headers: Record<string, string> = {}) =>
  (await service.fetch("/users/me", { token: using, headers })).status;
const byCookie = (cookie: string, headers: Record<string, string> = {}) =>
  service.fetch("/users/me", { headers: { cookie, ...headers } });

interface SessionRead {
  id: string;
  created_at: string;
  last_used_at: string;
  expires_at: string;
  user_agent: string | null;
  current: boolean;
}
const list = async (using = token) =>
  (await (await service.fetch("/users/me/sessions", { token: using })).json()) as SessionRead[];
const end = (id: string, using = token) =>
  service.fetch(`/users/me/sessions/${id}`, { method: "DELETE", token: using });

describe("logins", () => {
  test("session login: returns an opaque bearer token, which the database does not hold", async () => {
    const response = await service.fetch("/auth/session/login", { method: "POST", body: form(ada.email) });
    const { access_token, ...rest } = (await response.json()) as { access_token: string };
    expect([response.status, rest]).toEqual([200, { token_type: "bearer" }]);
    expect(access_token).toMatch(tokenPattern);
    expect(response.headers.get("set-cookie")).toBeNull();
    expect(await me(access_token)).toBe(200);
    const hash = new Bun.CryptoHasher("sha256").update(access_token).digest("hex");
    expect(await service.services.database.sessions.find(hash)).toBeDefined();
  });

  test("cookie login: answers 204 and sets the cookie of FastAPI Users", async () => {
    const response = await cookieLogin({ origin: own });
    expect([response.status, await response.text()]).toEqual([204, ""]);
    expect(response.headers.get("set-cookie")).toMatch(
      /^fastapiusersauth=ims_[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Max-Age=2592000; Secure$/,
    );
  });

  test("cookie login: sets no Secure attribute without TLS, and the lifetime of SESSION_LIFETIME", async () => {
    const plain = await TestService.start({
      PUBLIC_URL: "http://photos.example.com/path",
      SESSION_LIFETIME: "2",
    });
    await plain.register(ada.email);
    expect((await cookieLogin({}, plain)).headers.get("set-cookie")).toMatch(
      /^fastapiusersauth=ims_[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Max-Age=172800$/,
    );
    await plain.close();
  });

  test.each(["session", "cookie"])(
    "%s login: has the errors of the login for access tokens",
    async (kind) => {
      const attempt = (init: RequestInit & { json?: unknown }) =>
        service.fetch(`/auth/${kind}/login`, { method: "POST", ...init }).then(answerOf);
      const bad = [400, { detail: "LOGIN_BAD_CREDENTIALS" }];
      expect(await attempt({ body: form(ada.email, "wrong") })).toEqual(bad);
      expect(await attempt({ body: form("nobody@example.com") })).toEqual(bad);
      expect(await attempt({ body: form("a\0@example.com") })).toEqual(bad);
      await service.services.database.users.change("operator", ada, { isActive: false });
      expect(await attempt({ body: form(ada.email) })).toEqual(bad);
      expect(await attempt({ body: new URLSearchParams({ username: ada.email }) })).toEqual([
        422,
        { detail: [{ type: "missing", loc: ["body", "password"], msg: "Field required" }] },
      ]);
      expect((await attempt({ json: { username: ada.email, password } }))[0]).toBe(422);
      expect(
        (await attempt({ body: form(ada.email), headers: { "content-type": "multipart/form-data" } }))[0],
      ).toBe(400);
      expect((await attempt({ body: "x".repeat(70_000) }))[0]).toBe(413);
    },
  );

  test("session login: an unverified user cannot begin or use a session where verification is required, but can end it", async () => {
    const strict = await TestService.start({ REQUIRE_VERIFIED_EMAIL: "true", PUBLIC_URL: own });
    const { database } = strict.services;
    await strict.register("ada@example.com");
    const login = () =>
      strict.fetch("/auth/session/login", { method: "POST", body: form("ada@example.com") });
    expect(await answerOf(await login())).toEqual([400, { detail: "LOGIN_USER_NOT_VERIFIED" }]);
    const user = (await database.users.byEmailKey("ada@example.com"))!;
    await database.users.change("operator", user, { isVerified: true });
    const using = await strict.beginSession("ada@example.com");
    const read = async () => answerOf(await strict.fetch("/users/me", { token: using }));
    expect((await read())[0]).toBe(200);
    await database.users.change("operator", user, { isVerified: false });
    expect(await read()).toEqual([403, { detail: "Forbidden" }]);
    const logOut = await strict.fetch("/auth/session/logout", { method: "POST", token: using });
    expect(logOut.status).toBe(204);
    expect(await read()).toEqual(unauthorized);
    await database.users.change("operator", user, { isVerified: true });
    const headers = { cookie: cookieOf(await strict.beginSession("ada@example.com")), origin: own };
    await database.users.change("operator", user, { isVerified: false });
    const cookieLogOut = () => strict.fetch("/auth/cookie/logout", { method: "POST", headers });
    expect((await cookieLogOut()).status).toBe(204);
    expect(await answerOf(await cookieLogOut())).toEqual(unauthorized);
    await strict.close();
  });

  test("session login: keeps the User-Agent of the device, at most 255 characters of it", async () => {
    await service.beginSession(ada.email, password, { "user-agent": `Phone ${"x".repeat(9000)}` });
    expect((await list()).map(({ user_agent }) => user_agent)).toEqual([`Phone ${"x".repeat(249)}`, null]);
  });

  test("session login: begins no session when the password changes during the login", async () => {
    const imported = await Bun.password.hash("imported secret", { algorithm: "bcrypt", cost: 4 });
    const { users, sessions } = service.services.database;
    await users.change("operator", ada, { hashedPassword: imported });
    const node = service.interrupted("hashing", () =>
      users.change("operator", ada, { hashedPassword: "another" }),
    );
    const body = form(ada.email, "imported secret");
    const response = await node.fetch("/auth/session/login", { method: "POST", body });
    expect(await answerOf(response)).toEqual([400, { detail: "LOGIN_BAD_CREDENTIALS" }]);
    expect(await sessions.list(ada.id, new Date())).toEqual([]);
  });
});

describe("credentials", () => {
  test("guarded routes: accept an access token, the token of a session, and the cookie", async () => {
    for (const response of [
      await service.fetch("/users/me", { token: ada.token }),
      await service.fetch("/users/me", { token }),
      await service.fetch("/users/me", { headers: { authorization: `bEARER ${token}` } }),
      await byCookie(cookieOf(token)),
      await byCookie(`theme=dark; fastapiusersauth="${token}"; __proto__=x`),
      await byCookie(`a=%; ;;=; ${cookieOf(token)}`),
      await byCookie(`${cookieOf("of another service")}; ${cookieOf(token)}; ${cookieOf("")}`),
    ])
      expect(await answerOf(response)).toMatchObject([200, { id: ada.id }]);
  });

  test("guarded routes: the Authorization header wins over the cookie, also a bad one", async () => {
    const bob = await service.signUp();
    const cookie = cookieOf(token);
    const response = await service.fetch("/users/me", { token: bob.token, headers: { cookie } });
    expect(await response.json()).toMatchObject({ id: bob.id });
    for (const authorization of [
      "Bearer nonsense",
      "Bearer ",
      "Basic YTpi",
      "x",
      `Bearer ims_${"A".repeat(43)}`,
    ])
      expect(await answerOf(await byCookie(cookie, { authorization }))).toEqual(unauthorized);
  });

  test.each([
    "",
    "fastapiusersauth",
    "fastapiusersauth=",
    'fastapiusersauth="',
    "fastapiusersauth=%00%zz%E0%A4%A",
    "fastapiusersauth=ims_",
    `fastapiusersauth=ims_${"A".repeat(43)}`,
    `fastapiusersauth=ims_${"A".repeat(5000)}`,
    `fastapiusersauth=ims_${"é".repeat(43)}`,
    ";;;==;=;",
    "=; ".repeat(3000),
  ])("guarded routes: answer 401 to the cookie header %p", async (cookie) => {
    expect(await answerOf(await byCookie(cookie))).toEqual(unauthorized);
  });

  test("guarded routes: an access token in the cookie is no session, nor is a mangled session token", async () => {
    for (const cookie of [ada.token, ` ${token}x`, token.slice(0, -1), token.toUpperCase()])
      expect(await answerOf(await byCookie(cookieOf(cookie)))).toEqual(unauthorized);
    for (const bearer of [`${token}x`, token.slice(4), `${token} `.repeat(2)])
      expect(await me(bearer)).toBe(401);
  });
});

describe("requests from other websites", () => {
  const change = (headers: Record<string, string>, to = service) =>
    to.fetch("/users/me", {
      method: "PATCH",
      headers: { cookie: cookieOf(token), "content-type": "application/json", ...headers },
      body: "{}",
    });

  test.each<[string, Record<string, string>]>([
    ["of the service", { origin: own }],
    ["of a listed origin", { origin: listed }],
    ["of the service, by Sec-Fetch-Site", { "sec-fetch-site": "same-origin" }],
    [
      "of the service, whatever Sec-Fetch-Site says beside Origin",
      { origin: own, "sec-fetch-site": "cross-site" },
    ],
  ])("CSRF: a write with the cookie is accepted from a page %s", async (_, headers) => {
    expect((await change(headers)).status).toBe(200);
  });

  test.each<[string, Record<string, string>]>([
    ["another origin", { origin: "https://evil.test" }],
    ["an origin that contains ours", { origin: `${own}.evil.test` }],
    ["our host without TLS", { origin: "http://photos.example.com" }],
    ["our host on another port", { origin: `${own}:8443` }],
    ["a sandbox", { origin: "null" }],
    ["an empty origin", { origin: "" }],
    [
      "another origin, whatever Sec-Fetch-Site says",
      { origin: "https://evil.test", "sec-fetch-site": "same-origin" },
    ],
    ["the same site", { "sec-fetch-site": "same-site" }],
    ["another site", { "sec-fetch-site": "cross-site" }],
    ["no page", { "sec-fetch-site": "none" }],
    ["a client that does not say", {}],
    [
      "the host that the request names, which is not PUBLIC_URL",
      { origin: "https://localhost", host: "localhost" },
    ],
  ])("CSRF: a write with the cookie is 403 from %s", async (_, headers) => {
    expect(await answerOf(await change(headers))).toEqual(crossOrigin);
  });

  test("CSRF: reads with the cookie, and writes with a token in the header, may come from anywhere", async () => {
    const foreign = { origin: "https://evil.test", "sec-fetch-site": "cross-site" };
    expect((await byCookie(cookieOf(token), foreign)).status).toBe(200);
    const head = await service.fetch("/users/me", {
      method: "HEAD",
      headers: { cookie: cookieOf(token), ...foreign },
    });
    expect(head.status).toBe(200);
    for (const bearer of [token, ada.token])
      expect((await change({ ...foreign, authorization: `Bearer ${bearer}` })).status).toBe(200);
  });

  test.each([
    ["PATCH", "/users/me"],
    ["PATCH", "/users/x"],
    ["DELETE", "/users/x"],
    ["DELETE", "/users/me/sessions"],
    ["DELETE", "/users/me/sessions/x"],
    ["POST", "/auth/jwt/logout"],
    ["POST", "/auth/session/logout"],
    ["POST", "/auth/cookie/logout"],
    ["POST", "/upload"],
    ["DELETE", "/posts/x"],
  ])(
    "CSRF: %s %s is 401 with a bad cookie and 403 with a good one, before the body is read",
    async (method, path) => {
      const send = (cookie: string) => {
        let pulled = false;
        const body = new ReadableStream({ pull: () => void (pulled = true) }, { highWaterMark: 0 });
        const headers = {
          cookie: cookieOf(cookie),
          origin: "https://evil.test",
          "content-type": "application/json",
        };
        return service
          .fetch(path, { method, body, headers })
          .then(async (response) => [...(await answerOf(response)), pulled]);
      };
      expect(await send("ims_bad")).toEqual([...unauthorized, false]);
      expect(await send(token)).toEqual([...crossOrigin, false]);
      expect(await me(token)).toBe(200);
    },
  );

  test("CSRF: the cookie login is 403 from another website, and accepted from a client that is no browser", async () => {
    for (const headers of [
      { origin: "https://evil.test" },
      { origin: "null" },
      { "sec-fetch-site": "cross-site" },
    ]) {
      const response = await cookieLogin(headers);
      expect(response.headers.get("set-cookie")).toBeNull();
      expect(await answerOf(response)).toEqual(crossOrigin);
    }
    for (const headers of [{}, { origin: own }, { origin: listed }, { "sec-fetch-site": "same-origin" }])
      expect((await cookieLogin(headers as Record<string, string>)).status).toBe(204);
  });

  test("CSRF: without PUBLIC_URL the service's own origin is the request's host, with or without TLS", async () => {
    const local = await TestService.start({ CORS_ORIGINS: "*" });
    await local.register(ada.email);
    const status = async (host: string, origin: string) =>
      (await cookieLogin({ host, origin }, local)).status;
    expect(await status("192.168.1.5:8000", "http://192.168.1.5:8000")).toBe(204);
    expect(await status("nas.local", "https://nas.local")).toBe(204);
    expect(await status("nas.local:443", "https://nas.local")).toBe(204);
    expect(await status("[fe80::1]:8000", "http://[fe80::1]:8000")).toBe(204);
    expect(await status("nas.local", "http://nas.local:8000")).toBe(403);
    // `*` lists no origin.
    expect(await status("nas.local", "https://evil.test")).toBe(403);
    expect(await status("a b", "http://a b")).toBe(403);
    await local.close();
  });
});

describe("the list of sessions", () => {
  test("GET /users/me/sessions: lists one's own sessions and marks the current one", async () => {
    const other = await service.beginSession(ada.email, password, { "user-agent": "Phone" });
    await service.beginSession((await service.signUp()).email);
    const sessions = await list();
    expect(sessions).toHaveLength(2);
    const current = sessions.find((session) => session.current)!;
    expect((await list(other)).find((session) => session.current)!.id).not.toBe(current.id);
    const { created_at, last_used_at, expires_at } = current;
    expect(last_used_at).toBe(created_at);
    expect(Date.parse(expires_at) - Date.parse(created_at)).toBe(30 * 86_400_000);
    expect(sessions.find((session) => !session.current)!.user_agent).toBe("Phone");
    expect((await list(ada.token)).map((session) => session.current)).toEqual([false, false]);
    expect(await me(undefined)).toBe(401);
    expect(await answerOf(await service.fetch("/users/me/sessions"))).toEqual(unauthorized);
  });

  test("DELETE /users/me/sessions/{id}: ends a session at once, and answers 404 for any other id", async () => {
    const other = await service.beginSession(ada.email);
    const { id } = (await list(other)).find((session) => session.current)!;
    expect(await me(other)).toBe(200);
    const notFound = [404, { detail: "Not Found" }];
    const bob = await service.signUp();
    expect(await answerOf(await end(id, bob.token))).toEqual(notFound);
    expect(await answerOf(await end(id.toUpperCase()))).toEqual([204, ""]);
    expect(await me(other)).toBe(401);
    expect(await answerOf(await end(id))).toEqual(notFound);
    for (const unknown of [crypto.randomUUID(), "x", "%00", "%ff", token])
      expect(await answerOf(await end(unknown))).toEqual(notFound);
    expect(await answerOf(await end(id, ""))).toEqual(unauthorized);
    expect((await list()).map(({ current }) => current)).toEqual([true]);
    expect((await end((await list())[0]!.id)).status).toBe(204);
    expect(await me(token)).toBe(401);
  });

  test("DELETE /users/me/sessions: ends all but the current session; with an access token, all", async () => {
    const others = [await service.beginSession(ada.email), await service.beginSession(ada.email)];
    const endOthers = (using: string) =>
      service.fetch("/users/me/sessions", { method: "DELETE", token: using });
    expect((await endOthers(token)).status).toBe(204);
    for (const other of others) expect(await me(other)).toBe(401);
    expect([await me(token), await me(ada.token)]).toEqual([200, 200]);
    expect((await endOthers(ada.token)).status).toBe(204);
    expect([await me(token), await me(ada.token)]).toEqual([401, 200]);
    expect(await list(ada.token)).toEqual([]);
  });
});

describe("the end of a session", () => {
  test.each(["jwt", "session"])("POST /auth/%s/logout: ends the session of its token only", async (kind) => {
    const other = await service.beginSession(ada.email);
    const logOut = () => service.fetch(`/auth/${kind}/logout`, { method: "POST", token });
    expect(await answerOf(await logOut())).toEqual([204, ""]);
    expect(await answerOf(await logOut())).toEqual(unauthorized);
    expect([await me(token), await me(other), await me(ada.token)]).toEqual([401, 200, 200]);
  });

  test("POST /auth/cookie/logout: ends the session and clears the cookie", async () => {
    const headers = { cookie: cookieOf(token), origin: own };
    const logOut = () => service.fetch("/auth/cookie/logout", { method: "POST", headers });
    const response = await logOut();
    expect(await answerOf(response)).toEqual([204, ""]);
    expect(response.headers.get("set-cookie")).toBe(
      "fastapiusersauth=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0; Secure",
    );
    expect(await answerOf(await logOut())).toEqual(unauthorized);
    expect(await me(token)).toBe(401);
  });

  test("POST /auth/cookie/logout: ends the session of the cookie beside the credential in the header", async () => {
    const other = await service.beginSession(ada.email);
    for (const header of [ada.token, other]) {
      const cookie = await service.beginSession(ada.email);
      const response = await service.fetch("/auth/cookie/logout", {
        method: "POST",
        token: header,
        headers: { cookie: cookieOf(cookie) },
      });
      expect(await answerOf(response)).toEqual([204, ""]);
      expect(response.headers.get("set-cookie")).toStartWith("fastapiusersauth=; ");
      expect([await me(header), (await byCookie(cookieOf(cookie))).status]).toEqual([401, 401]);
    }
    expect(await me(token)).toBe(200);
  });

  test("POST /auth/cookie/logout: a header with the same session as the cookie, or beside a bad cookie, ends its own", async () => {
    const logOut = (using: string, cookie: string) =>
      service.fetch("/auth/cookie/logout", { method: "POST", token: using, headers: { cookie } });
    expect((await logOut(ada.token, cookieOf("ims_nonsense"))).status).toBe(204);
    expect((await logOut(token, cookieOf(token))).status).toBe(204);
    expect([await me(ada.token), await me(token)]).toEqual([401, 401]);
  });

  test("POST /auth/cookie/logout: never ends the session of another account's cookie", async () => {
    const bob = await service.signUp();
    const { status } = await service.fetch("/auth/cookie/logout", {
      method: "POST",
      token: bob.token,
      headers: { cookie: cookieOf(token) },
    });
    expect([status, await me(bob.token), await me(token)]).toEqual([204, 401, 200]);
  });

  test("POST /auth/cookie/logout: a bad header ends nothing", async () => {
    const headers = { cookie: cookieOf(token), origin: own };
    const { status } = await service.fetch("/auth/cookie/logout", { method: "POST", token: "x", headers });
    expect([status, await me(token)]).toEqual([401, 200]);
  });

  test("POST /auth/session/logout: revokes an access token too", async () => {
    const { status } = await service.fetch("/auth/session/logout", { method: "POST", token: ada.token });
    expect([status, await me(ada.token), await me(token)]).toEqual([204, 401, 200]);
  });

  test.each<[string, () => Promise<unknown>]>([
    [
      "a new password",
      () =>
        service.fetch("/users/me", {
          method: "PATCH",
          token,
          json: { password: "a brand new secret", current_password: password },
        }),
    ],
    [
      "a password reset",
      async () => {
        await service.fetch("/auth/forgot-password", { json: { email: ada.email } });
        const reset = { token: await service.mailedToken(ada.email), password: "a brand new secret" };
        expect((await service.fetch("/auth/reset-password", { json: reset })).status).toBe(200);
      },
    ],
    ["a deactivation", () => service.services.database.users.change("operator", ada, { isActive: false })],
    [
      "a deactivation and reactivation",
      async () => {
        await service.services.database.users.change("operator", ada, { isActive: false });
        await service.services.database.users.change("operator", ada, { isActive: true });
      },
    ],
    [
      "the deletion of the account",
      async () => {
        const root = await service.signUp();
        await service.promote(root);
        await service.fetch(`/users/${ada.id}`, { method: "DELETE", token: root.token });
      },
    ],
  ])("sessions: %s ends all of them, and all access tokens, at once", async (_, change) => {
    const other = await service.beginSession(ada.email);
    expect([await me(token), await me(other), await me(ada.token)]).toEqual([200, 200, 200]);
    await change();
    expect([await me(token), await me(other), await me(ada.token)]).toEqual([401, 401, 401]);
  });

  test("sessions: a new address ends none of them", async () => {
    const json = { email: `new-${ada.email}`, current_password: password };
    const response = await service.fetch("/users/me", { method: "PATCH", token, json });
    expect([response.status, await me(token), await me(ada.token)]).toEqual([200, 200, 200]);
  });
});

describe("the life of a session", () => {
  const day = 86_400_000;
  const idOf = async () => (await list())[0]!.id;

  /** Changes when the session was last used and when it expires. */
  const age = (id: string, lastUsedAt: number, expiresAt: number) =>
    service.services.database.sessions.extend(
      { id, lastUsedAt: new Date(lastUsedAt), expiresAt: new Date(expiresAt) },
      new Date(Date.now() + day),
    );
  const settle = () => service.services.background.drain();

  test("sessions: one that has expired is 401 and not listed, also before it is swept", async () => {
    const id = await idOf();
    await age(id, Date.now() - day, Date.now() - 1);
    expect(await me(token)).toBe(401);
    expect((await byCookie(cookieOf(token))).status).toBe(401);
    expect(await list(ada.token)).toEqual([]);
  });

  test("sessions: the sweeper removes one a day after it expired", async () => {
    const { sessions } = service.services.database;
    const hash = new Bun.CryptoHasher("sha256").update(token).digest("hex");
    const id = await idOf();
    await age(id, 0, Date.now() - day + 60_000);
    await service.services.sweeper.sweep();
    expect(await sessions.find(hash)).toBeDefined();
    await age(id, 0, Date.now() - day - 1);
    await service.services.sweeper.sweep();
    expect(await sessions.find(hash)).toBeUndefined();
  });

  test("sessions: a use after ten minutes extends the session, and renews the cookie of a read", async () => {
    const id = await idOf();
    const lastUse = Date.now() - 11 * 60_000;
    await age(id, lastUse, Date.now() + day);
    const before = Date.now();
    const response = await service.firstHandler(
      new Request("http://localhost/users/me", { headers: { cookie: cookieOf(token) } }),
    );
    expect(response.headers.get("set-cookie")).toBe(
      `${cookieOf(token)}; Path=/; HttpOnly; SameSite=Lax; Max-Age=2592000; Secure`,
    );
    await settle();
    const { last_used_at, expires_at } = (await list())[0]!;
    expect(Date.parse(last_used_at)).toBeGreaterThanOrEqual(before);
    expect(Date.parse(expires_at) - Date.parse(last_used_at)).toBe(30 * day);
    const again = await byCookie(cookieOf(token));
    expect(again.headers.get("set-cookie")).toBeNull();
  });

  test("sessions: a use within ten minutes writes nothing and sets no cookie", async () => {
    const id = await idOf();
    const lastUse = Date.now() - 9 * 60_000;
    await age(id, lastUse, Date.now() + day);
    const { headers } = await byCookie(cookieOf(token));
    await settle();
    expect(headers.get("set-cookie")).toBeNull();
    expect(Date.parse((await list())[0]!.last_used_at)).toBe(lastUse);
  });

  test("sessions: a write extends the session without renewing the cookie, and a bearer token gets no cookie", async () => {
    const id = await idOf();
    await age(id, 0, Date.now() + day);
    const response = await service.firstHandler(
      new Request("http://localhost/users/me/sessions", {
        method: "DELETE",
        headers: { cookie: cookieOf(token), origin: own },
      }),
    );
    expect([response.status, response.headers.get("set-cookie")]).toEqual([204, null]);
    await settle();
    expect(Date.parse((await list())[0]!.last_used_at)).toBeGreaterThan(0);

    const other = await service.beginSession(ada.email);
    await age((await list(other)).find(({ current }) => current)!.id, 0, Date.now() + day);
    const bearer = await service.fetch("/users/me", { token: other });
    expect([bearer.status, bearer.headers.get("set-cookie")]).toEqual([200, null]);
  });
});
