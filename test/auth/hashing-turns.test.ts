import { afterAll, beforeAll, expect, test } from "bun:test";

import { TestService } from "../support/service.ts";

let service: TestService;
beforeAll(async () => {
  service = await TestService.start({ TRUST_PROXY: "1" });
});
afterAll(() => service.close());

interface Asked {
  address: string;
  method?: string;
  token?: string;
  body: string | URLSearchParams;
}
/** Asks the first node, by way of a proxy that saw this address. Every node has a queue of its own. */
const ask = (path: string, { address, method = "POST", token, body }: Asked) =>
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

/** How many requests of a flood were answered when another account's login was, and the statuses of all. */
async function loginBeside(flood: Promise<Response>[], email: string, address: string) {
  let answered = 0;
  const statuses: Record<number, number> = {};
  const all = flood.map(async (request) => {
    const { status, headers } = await request;
    statuses[status] = (statuses[status] ?? 0) + 1;
    // What is refused at once holds nobody up.
    if (status !== 503) answered += 1;
    else expect(headers.get("retry-after")).toBe("5");
  });
  const single = await login(address, email);
  const before = answered;
  await Promise.all(all);
  return { status: single.status, before, statuses };
}

test("hashing turns: 260 new passwords of one account delay another account's login by one or two hashes", async () => {
  const [busy, other] = [await service.signUp(), await service.signUp()];
  const body = JSON.stringify({ password: "a brand new secret" });
  const flood = Array.from({ length: 260 }, () =>
    ask("/users/me", { address: "203.0.113.1", method: "PATCH", token: busy.token, body }),
  );
  const { status, before, statuses } = await loginBeside(flood, other.email, "198.51.100.1");
  expect(status).toBe(200);
  expect(before).toBeLessThanOrEqual(2);
  expect(statuses[503]).toBeGreaterThanOrEqual(260 - 16);
}, 20_000);

test("hashing turns: 260 logins of many accounts from one network hold 16 places, and another network's login passes them", async () => {
  const other = await service.signUp();
  const flood = Array.from({ length: 260 }, (_, i) => login("203.0.113.2", `nobody${i}@example.com`));
  const { status, before, statuses } = await loginBeside(flood, other.email, "198.51.100.1");
  expect(status).toBe(200);
  expect(before).toBeLessThanOrEqual(2);
  expect(statuses).toEqual({ 400: 16, 503: 244 });
}, 20_000);

test("hashing turns: the 65,536 networks of a /48 share the places of one party", async () => {
  const other = await service.signUp();
  const flood = Array.from({ length: 300 }, (_, i) =>
    login(`2001:db8:1:${(i * 199).toString(16)}::1`, `nobody${i}@example.com`),
  );
  const { status, before, statuses } = await loginBeside(flood, other.email, "2001:db8:2::1");
  expect(status).toBe(200);
  expect(before).toBeLessThanOrEqual(2);
  expect(statuses).toEqual({ 400: 16, 503: 284 });
}, 20_000);

test("hashing turns: strangers who log in as an account from everywhere do not take its owner's places", async () => {
  const owner = await service.signUp();
  const flood = Array.from({ length: 40 }, (_, i) => login(`203.0.113.${i}`, owner.email, "wrong"));
  const { status, statuses } = await loginBeside(flood, owner.email, "198.51.100.1");
  expect(status).toBe(200);
  expect(statuses).toEqual({ 400: 40 });
}, 20_000);

test("hashing turns: /metrics tells how many hashes run and wait", async () => {
  const pending = async () =>
    Number(/^image_sharing_password_hashes_pending (\d+)$/m.exec(await service.services.metrics.text())?.[1]);
  const all = Array.from({ length: 5 }, () => login("203.0.113.3", "nobody@example.com"));
  while (service.services.hashing.pending() < 5) await Bun.sleep(1);
  expect(await pending()).toBeGreaterThan(2);
  await Promise.all(all);
  expect(await pending()).toBe(0);
});
