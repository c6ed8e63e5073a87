import { afterAll, beforeAll, expect, test } from "bun:test";

import { TestService } from "../support/service.ts";

let service: TestService;
beforeAll(async () => {
  service = await TestService.start({ RATE_LIMIT: "on", TRUST_PROXY: "1" });
  await service.register("ada@example.com");
});
afterAll(() => service.close());

/** Sends a request with this client address, as set by a trusted proxy. */
const from = (address: string, path: string, body: BodyInit, type?: string) =>
  service.fetch(path, {
    method: "POST",
    body,
    headers: { "x-forwarded-for": address, ...(type === undefined ? {} : { "content-type": type }) },
  });
const login = (address: string, password: string) =>
  from(address, "/auth/jwt/login", new URLSearchParams({ username: "ada@example.com", password }));

test("rate limits over HTTP: block a client after 20 wrong passwords, but not the owner on another network", async () => {
  const statuses: number[] = [];
  for (let guess = 0; guess < 22; guess++)
    statuses.push((await login("203.0.113.1", `guess ${guess}`)).status);
  expect(statuses.slice(0, 20)).toEqual(Array.from({ length: 20 }, () => 400));
  expect(statuses.slice(20)).toEqual([429, 429]);
  const stopped = await login("203.0.113.1", "correct horse battery");
  expect([stopped.status, await stopped.json()]).toEqual([429, { detail: "Too many requests" }]);
  expect(Number(stopped.headers.get("retry-after"))).toBeGreaterThan(0);
  expect((await login("198.51.100.7", "correct horse battery")).status).toBe(200);
}, 60_000);

const json = (address: string, method: string, path: string, body: unknown, token?: string) =>
  service.fetch(path, { method, json: body, token, headers: { "x-forwarded-for": address } });
/** Creates an account and logs in, from a network that no test limits. */
async function signUp(): Promise<{ id: string; email: string; token: string }> {
  const email = `${crypto.randomUUID()}@example.com`;
  const password = "correct horse battery";
  const { id } = (await (await json("192.0.2.1", "POST", "/auth/register", { email, password })).json()) as {
    id: string;
  };
  const form = new URLSearchParams({ username: email, password });
  const { access_token } = (await (await from("192.0.2.1", "/auth/jwt/login", form)).json()) as {
    access_token: string;
  };
  return { id, email, token: access_token };
}

test("rate limits over HTTP: an account can set 10 passwords in 15 minutes, not counting rejected ones", async () => {
  const [root, target, taken] = [await signUp(), await signUp(), await signUp()];
  await service.promote(root);
  const set = (body: unknown, token = root.token, id = target.id) =>
    json("203.0.113.3", "PATCH", `/users/${id}`, body, token);
  for (let tries = 0; tries < 12; tries++) {
    expect((await set({ is_verified: true })).status).toBe(200);
    expect((await set({ password: "short" })).status).toBe(400);
    expect((await set({ password: "password1" })).status).toBe(400);
    expect((await set({ password: "a brand new secret", email: taken.email })).status).toBe(400);
  }
  const statuses: number[] = [];
  for (let tries = 0; tries < 11; tries++)
    statuses.push((await set({ password: `a brand new secret ${tries}` })).status);
  expect(statuses).toEqual([...Array.from({ length: 10 }, () => 200), 429]);
  // The limit applies to the signed-in account, on every network and for every account that it changes.
  const elsewhere = await json(
    "198.51.100.8",
    "PATCH",
    "/users/me",
    { password: "one more secret" },
    root.token,
  );
  expect([elsewhere.status, await elsewhere.json()]).toEqual([429, { detail: "Too many requests" }]);
  expect(Number(elsewhere.headers.get("retry-after"))).toBeGreaterThan(0);
  expect((await set({ is_verified: false })).status).toBe(200);
  // Other accounts have their own limit.
  const own = await json("203.0.113.3", "PATCH", "/users/me", { password: "my own secret" }, taken.token);
  expect(own.status).toBe(200);
}, 60_000);

test("rate limits over HTTP: an account can try 30 other addresses for itself in an hour", async () => {
  const [ada, bob] = [await service.signUp(), await service.signUp()];
  const change = async (email: string, user = ada) =>
    (await json("203.0.113.7", "PATCH", "/users/me", { email }, user.token)).status;
  for (let tries = 0; tries < 30; tries++) expect(await change(bob.email)).toBe(400);
  expect(await change(bob.email)).toBe(429);
  // It is no change to send the present address.
  expect(await change(ada.email.toUpperCase())).toBe(200);
  expect(await change(`${crypto.randomUUID()}@example.com`, bob)).toBe(200);
});

test("rate limits over HTTP: a network can attempt 100 password resets in an hour", async () => {
  const reset = () =>
    json("203.0.113.4", "POST", "/auth/reset-password", { token: "none", password: "a secret" });
  for (let tries = 0; tries < 100; tries++) expect((await reset()).status).toBe(400);
  const stopped = await reset();
  expect(stopped.status).toBe(429);
  expect(Number(stopped.headers.get("retry-after"))).toBeGreaterThan(0);
});

test("rate limits over HTTP: an account can log in 60 times from one network in 15 minutes", async () => {
  const { email } = await signUp();
  const logIn = (address: string) =>
    from(
      address,
      "/auth/jwt/login",
      new URLSearchParams({ username: email, password: "correct horse battery" }),
    );
  for (let logins = 0; logins < 60; logins++) expect((await logIn("203.0.113.5")).status).toBe(200);
  const stopped = await logIn("203.0.113.5");
  expect(stopped.status).toBe(429);
  expect(Number(stopped.headers.get("retry-after"))).toBeGreaterThan(0);
  expect((await logIn("203.0.113.6")).status).toBe(200);
}, 60_000);

test("rate limits over HTTP: limit mails to an address, whether or not an account has it", async () => {
  for (const email of ["ada@example.com", "nobody@example.com"]) {
    const statuses: number[] = [];
    for (let ask = 0; ask < 7; ask++)
      statuses.push(
        (await from("203.0.113.2", "/auth/forgot-password", JSON.stringify({ email }), "application/json"))
          .status,
      );
    expect(statuses).toEqual([202, 202, 202, 202, 202, 429, 429]);
  }
});

test.each([
  ["edit", "PATCH", "", { caption: "Snow" }],
  ["report", "POST", "/reports", { reason: "spam" }],
] as const)(
  "rate limits over HTTP: an account that has used up its limit for an %s of posts gets 429 with Retry-After",
  async (kind, method, path, body) => {
    const [ada, bob] = [await service.signUp(), await service.signUp()];
    const send = (token: string) =>
      service.fetch(`/posts/${crypto.randomUUID()}${path}`, { method, token, json: body });
    const { limits } = service.services;
    expect((await send(ada.token)).status).toBe(404);
    // More than either limit; those beyond it do not count.
    const rest = Array.from({ length: 1000 }, () => limits[kind]({ account: ada.id }).catch(() => {}));
    await Promise.all(rest);
    const refused = await send(ada.token);
    expect([refused.status, await refused.json()]).toEqual([429, { detail: "Too many requests" }]);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect((await send(bob.token)).status).toBe(404);
  },
);
