import { afterAll, beforeAll, expect, test } from "bun:test";

import { TestService } from "../support/service.ts";
import { until } from "../support/until.ts";

let service: TestService;
beforeAll(async () => {
  service = await TestService.start({ TRUST_PROXY: "1" }, { repeatsVerifications: true });
});
afterAll(() => service.close());

interface RequestOptions {
  address: string;
  method?: string;
  token?: string;
  body: string | URLSearchParams;
}
/** Sends a request to the first node with this client address, as set by a proxy. Every node has its own queue. */
const ask = (path: string, { address, method = "POST", token, body }: RequestOptions) =>
  service.firstHandler(
    new Request(`http://localhost${path}`, {
      method,
      body,
      headers: {
        "x-forwarded-for": address,
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(typeof body === "string" && { "content-type": "application/json" }),
      },
    }),
  );
const login = (address: string, username: string, password = "correct horse battery") =>
  ask("/auth/jwt/login", { address, body: new URLSearchParams({ username, password }) });

/** Logs in during a flood of requests. @returns its status, the number of hashes that finished before it, and all statuses */
async function loginBeside(flood: Promise<Response>[], email: string, address: string) {
  let answered = 0;
  const statuses: Record<number, number> = {};
  const all = flood.map(async (request) => {
    const { status, headers } = await request;
    statuses[status] = (statuses[status] ?? 0) + 1;
    // A rejected request does not delay others.
    if (status !== 503) answered += 1;
    else expect(headers.get("retry-after")).toBe("5");
  });
  const single = await login(address, email);
  const before = answered;
  await Promise.all(all);
  return { status: single.status, before, statuses };
}

test("password hashing: 260 new passwords of one account delay another account's login by at most two hashes", async () => {
  const [busy, other] = [await service.signUp(), await service.signUp()];
  const body = JSON.stringify({ password: "a brand new secret" });
  const flood = Array.from({ length: 260 }, () =>
    ask("/users/me", { address: "203.0.113.1", method: "PATCH", token: busy.token, body }),
  );
  const { status, before, statuses } = await loginBeside(flood, other.email, "198.51.100.1");
  expect(status).toBe(200);
  expect(before).toBeLessThanOrEqual(2);
  expect(statuses[503]).toBeGreaterThanOrEqual(260 - 16);
}, 60_000);

test("password hashing: 260 logins from one network hold 16 places and barely delay a login from another network", async () => {
  const other = await service.signUp();
  const flood = Array.from({ length: 260 }, (_, i) => login("203.0.113.2", `nobody${i}@example.com`));
  const { status, before, statuses } = await loginBeside(flood, other.email, "198.51.100.1");
  expect(status).toBe(200);
  expect(before).toBeLessThanOrEqual(2);
  expect(statuses).toEqual({ 400: 16, 503: 244 });
}, 60_000);

test("password hashing: all networks of an IPv6 /48 together hold 16 places", async () => {
  const other = await service.signUp();
  const flood = Array.from({ length: 300 }, (_, i) =>
    login(`2001:db8:1:${(i * 199).toString(16)}::1`, `nobody${i}@example.com`),
  );
  const { status, before, statuses } = await loginBeside(flood, other.email, "2001:db8:2::1");
  expect(status).toBe(200);
  expect(before).toBeLessThanOrEqual(2);
  expect(statuses).toEqual({ 400: 16, 503: 284 });
}, 60_000);

test("password hashing: logins to an account from many networks do not use up its owner's places", async () => {
  const owner = await service.signUp();
  const flood = Array.from({ length: 40 }, (_, i) => login(`203.0.113.${i}`, owner.email, "wrong"));
  const { status, statuses } = await loginBeside(flood, owner.email, "198.51.100.1");
  expect(status).toBe(200);
  expect(statuses).toEqual({ 400: 40 });
}, 60_000);

test("password hashing: /metrics reports the number of running and waiting hashes", async () => {
  const pending = async () =>
    Number(/^image_sharing_password_hashes_pending (\d+)$/m.exec(await service.services.metrics.text())?.[1]);
  const all = Array.from({ length: 5 }, () => login("203.0.113.3", "nobody@example.com"));
  await until(() => service.services.hashing.pending() >= 5);
  expect(await pending()).toBeGreaterThan(2);
  await Promise.all(all);
  expect(await pending()).toBe(0);
});
