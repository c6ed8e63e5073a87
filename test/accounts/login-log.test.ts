import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";

import { createLoginLog } from "../../src/accounts/login-log.ts";
import type { UserChanges } from "../../src/database/users.ts";
import { ApiError } from "../../src/errors.ts";
import { RequestIds } from "../../src/http/request-id.ts";
import { createLog } from "../../src/observability/log.ts";
import { TestService } from "../support/service.ts";

let service: TestService;
let user: Awaited<ReturnType<TestService["signUp"]>>;
beforeAll(async () => {
  service = await TestService.start({ TRUST_PROXY: "1", REQUIRE_VERIFIED_EMAIL: "true", RATE_LIMIT: "on" });
});
afterAll(() => service.close());
beforeEach(async () => {
  user = await service.signUp();
  await change({ isVerified: true });
  service.logged.length = 0;
});

const login = (username: string, password = "correct horse battery", address = "203.0.113.9") =>
  service.fetch("/auth/jwt/login", {
    method: "POST",
    body: new URLSearchParams({ username, password }),
    headers: { "x-forwarded-for": address, "x-request-id": "request-1" },
  });
/** Returns the log lines about logins so far, without their time. */
const lines = () =>
  service.logged
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter(({ event }) => String(event).startsWith("login."))
    .map(({ time: _, ...line }) => line);
const change = (changes: UserChanges) => service.services.database.users.change("operator", user, changes);

test("login log: logs a successful login with the user's id and the client's network", async () => {
  expect((await login(user.email)).status).toBe(200);
  expect(lines()).toEqual([
    { level: "info", event: "login.succeeded", id: "request-1", network: "203.0.113.9", user: user.id },
  ]);
});

test("login log: logs a failed login with its reason, the user's id and an IPv6 client's /64", async () => {
  const address = "2001:db8:1:2:3:4:5:6";
  const failed = { level: "warn", event: "login.failed", id: "request-1", network: "2001:db8:1:2::/64" };
  await login(user.email, "wrong", address);
  await change({ isActive: false });
  await login(user.email, "correct horse battery", address);
  await change({ isActive: true, isVerified: false });
  await login(user.email, "correct horse battery", address);
  await change({ hashedPassword: "$2b$31$9uHFfJCFYzZfKvCL8AnaausfuNMY4/GCuKowXPDNy.BXRvaMh8a3u" });
  const unaffordable = await login(user.email, "correct horse battery", address);
  expect([unaffordable.status, await unaffordable.json()]).toEqual([
    400,
    { detail: "LOGIN_BAD_CREDENTIALS" },
  ]);
  expect(lines()).toEqual(
    ["bad_password", "inactive", "not_verified", "unaffordable_hash"].map((reason) => ({
      ...failed,
      reason,
      user: user.id,
    })),
  );
  expect(service.logged.join("")).not.toContain("9uHFf");
});

test("login log: logs an address without an account as the same keyed hash each time", async () => {
  await login("Nobody@Example.com");
  await login("nobody@example.com");
  await login("somebody@example.com");
  const accounts = lines().map(({ account, ...line }) => {
    expect(line).toEqual({
      level: "warn",
      event: "login.failed",
      id: "request-1",
      network: "203.0.113.9",
      reason: "unknown_account",
    });
    return account;
  });
  expect(accounts[0]).toMatch(/^[\w-]{22}$/);
  expect(accounts[1]).toBe(accounts[0]!);
  expect(accounts[2]).not.toBe(accounts[0]!);
  const plain = new Bun.CryptoHasher("sha256").update("nobody@example.com").digest("base64url");
  expect(plain).not.toContain(String(accounts[0]));
  expect(service.logged.join("").toLowerCase()).not.toContain("nobody");
});

test("login log: the hash of an address depends only on the address and the secret", async () => {
  const hashWith = async (secret: string) => {
    let line = "";
    const log = createLoginLog(
      createLog("warn", (text) => (line = text)),
      secret,
      new RequestIds(),
    );
    const client = { address: "203.0.113.9", account: "nobody@example.com" };
    const refused = () => Promise.reject(new ApiError("TOO_MANY_REQUESTS"));
    await log.record(new Request("http://localhost/"), client, refused).catch(() => {});
    return (JSON.parse(line) as { account: string }).account;
  };
  expect(await hashWith("one secret")).toBe(await hashWith("one secret"));
  expect(await hashWith("one secret")).not.toBe(await hashWith("another secret"));
});

test("login log: logs a login beyond the rate limits as rate_limited", async () => {
  for (let guess = 0; guess < 21; guess++) await login(user.email, "wrong", "198.51.100.5");
  const last = lines().at(-1);
  expect(last).toEqual({
    level: "warn",
    event: "login.failed",
    id: "request-1",
    network: "198.51.100.5",
    reason: "rate_limited",
    account: expect.stringMatching(/^[\w-]{22}$/),
  });
  expect(lines()).toHaveLength(21);
}, 60_000);

test.each<[string, "PATCH" | "DELETE", object]>([
  ["at a change of the password", "PATCH", { password: "another good one", current_password: "wrong" }],
  ["at the deletion of an account", "DELETE", { password: "wrong" }],
])("login log: logs a wrong current password %s like a failed login", async (_, method, body) => {
  const token = await service.beginSession(user.email);
  service.logged.length = 0;
  const send = (json: object) =>
    service.fetch("/users/me", {
      method,
      token,
      json,
      headers: { "x-forwarded-for": "2001:db8:1:2:3:4:5:6", "x-request-id": "request-1" },
    });
  const failed = {
    level: "warn",
    event: "login.failed",
    id: "request-1",
    network: "2001:db8:1:2::/64",
    user: user.id,
  };
  expect((await send(body)).status).toBe(400);
  expect(lines()).toEqual([{ ...failed, reason: "bad_password" }]);
  // Those that lack the password, or are right, are not guesses.
  await send({ ...body, password: undefined, current_password: undefined, name: "Ada" });
  expect(lines()).toHaveLength(1);
  // The other guesses without their hashes.
  const client = { address: "2001:db8:1:2:3:4:5:6", account: user.email };
  const wrong = () => Promise.reject(new ApiError("CURRENT_PASSWORD_WRONG"));
  for (let guess = 1; guess < 20; guess++) await service.services.limits.login(client, wrong).catch(() => {});
  expect((await send(body)).status).toBe(429);
  expect(lines().slice(1)).toEqual([{ ...failed, reason: "rate_limited" }]);
  expect(service.logged.join("")).not.toContain(user.email);
});

test("login log: a right current password is no login", async () => {
  const token = await service.beginSession(user.email);
  service.logged.length = 0;
  const json = { password: "correct horse battery" };
  expect((await service.fetch("/users/me", { method: "DELETE", token, json })).status).toBe(204);
  expect(lines()).toEqual([]);
});

test("login log: does not log an invalid form or a busy service as a failed login", async () => {
  expect((await login("", "x")).status).toBe(422);
  const log = createLoginLog(createLog("debug", expect.unreachable), "secret", new RequestIds());
  const client = { address: "203.0.113.9", account: "nobody@example.com" };
  for (const error of [new ApiError("OVERLOADED"), new Error("broken")])
    expect(log.record(new Request("http://localhost/"), client, () => Promise.reject(error))).rejects.toBe(
      error,
    );
  expect(lines()).toEqual([]);
});
