import { afterAll, afterEach, beforeAll, describe, expect, setSystemTime, test } from "bun:test";

import { jwtVerify, SignJWT } from "jose";

import { TestService } from "../support/service.ts";

const secret = "a secret for tests, of more than 32 bytes";
const key = new TextEncoder().encode(secret);
let service: TestService;
let user: Awaited<ReturnType<TestService["signUp"]>>;
beforeAll(async () => {
  service = await TestService.start({ JWT_SECRET_KEY: secret });
  user = await service.signUp("ada@example.com");
});
afterAll(() => service.close());

const me = (token: string, scheme = "Bearer") =>
  service.fetch("/users/me", { headers: { authorization: `${scheme} ${token}` } });

describe("login", () => {
  test("login: issues a bearer token that is valid for one hour and has FastAPI Users' claims", async () => {
    const answer = await service.login("ADA@Example.com");
    expect(answer.status).toBe(200);
    const body = (await answer.json()) as { access_token: string; token_type: string };
    expect(body).toEqual({ access_token: expect.any(String), token_type: "bearer" });
    const { payload } = await jwtVerify(body.access_token, key);
    expect(payload).toMatchObject({ sub: user.id, aud: ["fastapi-users:auth"] });
    expect(Math.abs((payload.exp ?? 0) - Date.now() / 1000 - 3600)).toBeLessThan(5);
  });

  test("login: accepts a multipart form", async () => {
    const form = new FormData();
    form.set("username", "ada@example.com");
    form.set("password", "correct horse battery");
    form.set("grant_type", "password");
    expect((await service.fetch("/auth/jwt/login", { method: "POST", body: form })).status).toBe(200);
  });

  test("login: answers LOGIN_BAD_CREDENTIALS for an unknown address and a wrong password alike", async () => {
    for (const [name, password] of [
      ["nobody@example.com", "correct horse battery"],
      ["ada@example.com", "wrong horse battery"],
      ["not an address", "x"],
      ["ada@example.com\0", "correct horse battery"],
    ] as const) {
      const answer = await service.login(name, password);
      expect(answer.status).toBe(400);
      expect(await answer.json()).toEqual({ detail: "LOGIN_BAD_CREDENTIALS" });
    }
  });

  test.each([
    [{}, ["username", "password"]],
    [{ username: "ada@example.com", password: "" }, ["password"]],
    [{ username: "", password: "x" }, ["username"]],
  ])("login: answers 422 for a missing or blank field: %j", async (fields, names) => {
    const answer = await service.fetch("/auth/jwt/login", {
      method: "POST",
      body: new URLSearchParams(fields),
    });
    expect(answer.status).toBe(422);
    const { detail } = (await answer.json()) as { detail: unknown };
    expect(detail).toEqual(
      names.map((name) => ({ type: "missing", loc: ["body", name], msg: "Field required" })),
    );
  });

  test("login: answers 422 for a JSON body and for another grant_type", async () => {
    const json = await service.fetch("/auth/jwt/login", { json: { username: "a", password: "b" } });
    expect(json.status).toBe(422);
    const grant = await service.fetch("/auth/jwt/login", {
      method: "POST",
      body: new URLSearchParams({ username: "a", password: "b", grant_type: "refresh_token" }),
    });
    expect(grant.status).toBe(422);
    expect(await grant.json()).toMatchObject({
      detail: [{ type: "string_pattern_mismatch", loc: ["body", "grant_type"] }],
    });
  });
});

describe("GET /users/me", () => {
  test("GET /users/me: returns the public fields of the account only", async () => {
    const answer = await me(user.token, "bEaReR");
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({
      id: user.id,
      email: "ada@example.com",
      name: null,
      is_active: true,
      is_superuser: false,
      is_verified: false,
    });
  });

  const claims = { sub: "", aud: ["fastapi-users:auth"] as string | string[] };
  const now = () => Math.floor(Date.now() / 1000);
  const signed = (payload: Record<string, unknown>, signingKey = key, alg = "HS256") =>
    new SignJWT(payload).setProtectedHeader({ alg }).sign(signingKey);

  test("access tokens: a FastAPI Users token without an id is accepted, with aud as a list or a string", async () => {
    for (const aud of [["fastapi-users:auth"], "fastapi-users:auth"])
      expect((await me(await signed({ sub: user.id, aud, exp: now() + 3600 }))).status).toBe(200);
  });

  test.each([
    [
      "signed with another key",
      () => signed({ ...claims, sub: user.id, exp: now() + 60 }, new Uint8Array(40)),
    ],
    [
      "signed with another algorithm",
      () => signed({ ...claims, sub: user.id, exp: now() + 60 }, key, "HS512"),
    ],
    ["for another audience", () => signed({ sub: user.id, aud: "fastapi-users:reset", exp: now() + 60 })],
    ["without audience", () => signed({ sub: user.id, exp: now() + 60 })],
    ["without exp", () => signed({ ...claims, sub: user.id })],
    ["expired", () => signed({ ...claims, sub: user.id, exp: now() - 1 })],
    [
      "that expires later than an issued one can",
      () => signed({ ...claims, sub: user.id, exp: now() + 86_400 }),
    ],
    ["not valid yet", () => signed({ ...claims, sub: user.id, exp: now() + 60, nbf: now() + 50 })],
    ["of an unknown user", () => signed({ ...claims, sub: crypto.randomUUID(), exp: now() + 60 })],
    ["with a number as subject", () => signed({ ...claims, sub: 1, exp: now() + 60 })],
    [
      "unsigned",
      async () => `${btoa('{"alg":"none"}')}.${btoa(JSON.stringify({ ...claims, sub: user.id }))}.`,
    ],
    ["tampered with", async () => user.token.slice(0, -3)],
    ["of 10 kB", async () => "x".repeat(10_000)],
    ["empty", async () => ""],
  ])("access tokens: a token %s is rejected with 401", async (_name, token) => {
    const answer = await me(await token());
    expect(answer.status).toBe(401);
    expect(await answer.json()).toEqual({ detail: "Unauthorized" });
  });

  test("access tokens: are accepted in the Authorization header only", async () => {
    expect((await service.fetch(`/users/me?token=${user.token}&access_token=${user.token}`)).status).toBe(
      401,
    );
    expect((await me(user.token, "Basic")).status).toBe(401);
  });
});

describe("token versions", () => {
  const hour = 3_600_000;
  afterEach(() => void setSystemTime());

  /** Signs a token like a node whose clock is ahead by this much, or behind if negative. */
  const issuedBy = (clockAheadMs: number, id: string, claims: object = {}) => {
    const time = Date.now() + clockAheadMs;
    return new SignJWT({
      sub: id,
      aud: ["fastapi-users:auth"],
      jti: Bun.randomUUIDv7("hex", time),
      exp: Math.floor(time / 1000) + 3600,
      ...claims,
    })
      .setProtectedHeader({ alg: "HS256" })
      .sign(key);
  };
  const change = (token: string, json: object) =>
    service.fetch("/users/me", { method: "PATCH", token, json });
  const tokenOf = async (answer: Response) =>
    ((await answer.json()) as { access_token: string }).access_token;

  test("token versions: a login after the clock was set back issues a valid token", async () => {
    const { email, token } = await service.signUp();
    setSystemTime(Date.now() + hour / 2);
    expect((await change(token, { password: "changed by a clock ahead" })).status).toBe(200);
    expect((await me(token)).status).toBe(401);
    const early = await tokenOf(await service.login(email, "changed by a clock ahead"));
    expect((await me(early)).status).toBe(200);
    setSystemTime();
    const late = await tokenOf(await service.login(email, "changed by a clock ahead"));
    for (const good of [early, late]) expect((await me(good)).status).toBe(200);
    expect((await me(token)).status).toBe(401);
  });

  test.each([
    ["ahead", hour - 5000],
    ["slightly ahead", 120_000],
    ["right", 0],
    ["behind", 60_000 - hour],
  ])(
    "token versions: a token of a node whose clock is %s is valid until the password changes",
    async (_, ahead) => {
      const { id, email } = await service.signUp();
      const token = await issuedBy(ahead, id, { token_version: 0 });
      expect((await me(token)).status).toBe(200);
      await change(token, { password: "a brand new secret" });
      expect((await me(token)).status).toBe(401);
      const newer = await issuedBy(ahead, id, { token_version: 1 });
      expect((await me(newer)).status).toBe(200);
      expect((await service.login(email, "a brand new secret")).status).toBe(200);
    },
  );

  test("token versions: a FastAPI Users token counts as version 0, so a password change revokes it", async () => {
    const { id, token } = await service.signUp();
    const original = await issuedBy(0, id, { jti: undefined });
    expect((await me(original)).status).toBe(200);
    await change(token, { password: "a brand new secret" });
    expect((await me(original)).status).toBe(401);
  });

  test("token versions: a token revoked by deactivation stays revoked after reactivation", async () => {
    const { id, email, token } = await service.signUp();
    const root = await service.signUp();
    await service.promote(root);
    for (const is_active of [false, true]) {
      const answer = await service.fetch(`/users/${id}`, {
        method: "PATCH",
        token: root.token,
        json: { is_active },
      });
      expect(answer.status).toBe(200);
      expect((await me(token)).status).toBe(401);
    }
    expect((await me(await tokenOf(await service.login(email)))).status).toBe(200);
  });

  test.each([-1, 0.5, "0", null, true, 2 ** 31, 1e300])(
    "token versions: a token of version %p is rejected with 401",
    async (version) => {
      expect((await me(await issuedBy(0, user.id, { token_version: version }))).status).toBe(401);
    },
  );
});

test("logout: revokes a FastAPI Users token in every spelling of its signature", async () => {
  const { id } = await service.signUp();
  const token = await new SignJWT({ sub: id, aud: ["fastapi-users:auth"], exp: Date.now() / 1000 + 3600 })
    .setProtectedHeader({ alg: "HS256" })
    .sign(key);
  expect((await service.fetch("/auth/jwt/logout", { method: "POST", token })).status).toBe(204);
  for (const spelling of [token, `${token}=`, `${token.slice(0, -1)}${"_"}`, `${token}==`])
    expect((await me(spelling)).status).toBe(401);
});

test("logout: revokes the token of the request and no other", async () => {
  const { token } = await service.signUp("leaving@example.com");
  const { access_token: other } = (await (await service.login("leaving@example.com")).json()) as {
    access_token: string;
  };
  const answer = await service.fetch("/auth/jwt/logout", { method: "POST", token });
  expect(answer.status).toBe(204);
  expect(await answer.text()).toBe("");
  expect((await me(token)).status).toBe(401);
  expect((await me(other)).status).toBe(200);
});
