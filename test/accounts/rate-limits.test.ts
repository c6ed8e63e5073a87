import { expect, test } from "bun:test";

import { createMemoryCounters, type Counters } from "../../src/database/memory-counters.ts";
import { createRateLimits } from "../../src/accounts/rate-limits.ts";
import { ApiError, type ApiErrorCode } from "../../src/errors.ts";
import { errorResponse } from "../../src/http/error-response.ts";

const victim = { address: "203.0.113.9", account: "ann@example.com" };
const wrong = () => Promise.reject(new ApiError("LOGIN_BAD_CREDENTIALS"));
const right = async () => "token";

/** Returns `done`, or the code of the error. */
const outcome = (tried: Promise<unknown>) =>
  tried.then(
    () => "done",
    (error: unknown) => (error instanceof ApiError ? error.code : "unexpected"),
  );

async function times(count: number, what: () => Promise<unknown>): Promise<Record<string, number>> {
  const outcomes: Record<string, number> = {};
  for (let index = 0; index < count; index += 1) {
    const came = await outcome(what());
    outcomes[came] = (outcomes[came] ?? 0) + 1;
  }
  return outcomes;
}

test("rate limits: reject every login after 20 wrong passwords, even a correct one, until the window ends", async () => {
  let time = 0;
  const limits = createRateLimits({ enabled: true, counters: createMemoryCounters({ now: () => time }) });
  expect(await times(25, () => limits.login(victim, wrong))).toEqual({
    LOGIN_BAD_CREDENTIALS: 20,
    TOO_MANY_REQUESTS: 5,
  });
  time += 100_500;
  const refused = await limits.login(victim, right).catch((error: unknown) => error);
  const response = errorResponse(refused);
  expect(response.status).toBe(429);
  expect(response.headers.get("retry-after")).toBe("800");
  expect(await response.json()).toEqual({ detail: "Too many requests" });
  time += 800_000;
  expect(await limits.login(victim, right)).toBe("token");
});

test("rate limits: count concurrent wrong passwords like sequential ones", async () => {
  const limits = createRateLimits({ enabled: true });
  const outcomes = await Promise.all(Array.from({ length: 100 }, () => outcome(limits.login(victim, wrong))));
  expect(outcomes.filter((came) => came === "LOGIN_BAD_CREDENTIALS")).toHaveLength(20);
});

test("rate limits: wrong passwords from other networks never lock the owner out", async () => {
  const limits = createRateLimits({ enabled: true });
  for (let network = 0; network < 50; network += 1)
    await times(21, () => limits.login({ ...victim, address: `198.51.100.${network}` }, wrong));
  expect(await outcome(limits.login(victim, right))).toBe("done");
});

const fail = (code: ApiErrorCode) => () => Promise.reject(new ApiError(code));

test("rate limits: count correct logins separately from wrong passwords", async () => {
  const limits = createRateLimits({ enabled: true });
  expect(await times(20, () => limits.login(victim, right))).toEqual({ done: 20 });
  expect(await times(19, () => limits.login(victim, wrong))).toEqual({ LOGIN_BAD_CREDENTIALS: 19 });
  expect(await times(100, () => limits.login(victim, right))).toEqual({ done: 21, TOO_MANY_REQUESTS: 79 });
  expect(await times(1, () => limits.login({ ...victim, address: "198.51.100.1" }, right))).toEqual({
    done: 1,
  });
});

test("rate limits: count correct logins from a network over all accounts", async () => {
  const limits = createRateLimits({ enabled: true });
  let account = 0;
  const logIn = () => limits.login({ ...victim, account: `user${(account += 1)}` }, right);
  expect(await times(1_001, logIn)).toEqual({ done: 1_000, TOO_MANY_REQUESTS: 1 });
});

test("rate limits: count an unverified address as a correct login, and an overloaded service not at all", async () => {
  const limits = createRateLimits({ enabled: true });
  for (const code of ["OVERLOADED", "UNAVAILABLE"] as const)
    expect(await times(100, () => limits.login(victim, fail(code)))).toEqual({ [code]: 100 });
  expect(await times(60, () => limits.login(victim, fail("LOGIN_USER_NOT_VERIFIED")))).toEqual({
    LOGIN_USER_NOT_VERIFIED: 60,
  });
  expect(await outcome(limits.login(victim, right))).toBe("TOO_MANY_REQUESTS");
});

test("rate limits: an account can set 10 passwords in 15 minutes over all networks", async () => {
  let time = 0;
  const limits = createRateLimits({ enabled: true, counters: createMemoryCounters({ now: () => time }) });
  let network = 0;
  const elsewhere = () => ({ ...victim, address: `198.51.100.${(network += 1)}` });
  expect(await times(50, () => limits.newPassword(elsewhere(), fail("OVERLOADED")))).toEqual({
    OVERLOADED: 50,
  });
  expect(await times(11, () => limits.newPassword(elsewhere(), right))).toEqual({
    done: 10,
    TOO_MANY_REQUESTS: 1,
  });
  expect(await outcome(limits.newPassword({ ...victim, account: "bob" }, right))).toBe("done");
  time = 900_000;
  expect(await outcome(limits.newPassword(victim, right))).toBe("done");
});

test("rate limits: limit password changes and resets per network", async () => {
  const limits = createRateLimits({ enabled: true });
  let account = 0;
  const change = () => limits.newPassword({ ...victim, account: `user${(account += 1)}` }, right);
  expect(await times(301, change)).toEqual({ done: 300, TOO_MANY_REQUESTS: 1 });
  expect(await times(101, () => limits.resetPassword(victim))).toEqual({ done: 100, TOO_MANY_REQUESTS: 1 });
});

test("rate limits: allow an IPv6 /56 four times and a /48 sixteen times the points of a /64", async () => {
  const limits = createRateLimits({ enabled: true });
  const register = (network: string) => limits.register({ address: `2001:db8:1:${network}::1` });
  const hex = (number: number) => number.toString(16);
  let subnet = 0;
  const within56 = () => register(hex((subnet += 1) % 256));
  expect(await times(401, within56)).toEqual({ done: 400, TOO_MANY_REQUESTS: 1 });
  const within48 = () => register(hex(256 + (((subnet += 1) * 97) % 65_280)));
  expect(await times(1_201, within48)).toEqual({ done: 1_200, TOO_MANY_REQUESTS: 1 });
  expect(await outcome(limits.register({ address: "2001:db8:2::1" }))).toBe("done");
});

test("rate limits: limit guesses from a whole IPv6 /48 at an account without locking its owner out", async () => {
  const limits = createRateLimits({ enabled: true });
  let subnet = 0;
  const guess = () =>
    limits.login({ ...victim, address: `2001:db8:1:${((subnet += 97) % 65_536).toString(16)}::1` }, wrong);
  expect(await times(400, guess)).toEqual({ LOGIN_BAD_CREDENTIALS: 320, TOO_MANY_REQUESTS: 80 });
  expect(await outcome(limits.login({ ...victim, address: "2001:db8:2::1" }, right))).toBe("done");
});

test("rate limits: a network beyond its limit creates no counters for further accounts", async () => {
  const kept = new Set<string>();
  const counters = createMemoryCounters();
  const noting: Counters = {
    consume: (key, ...rest) => (kept.add(key), counters.consume(key, ...rest)),
  };
  const limits = createRateLimits({ enabled: true, counters: noting });
  let account = 0;
  await times(5_000, () => limits.login({ ...victim, account: `user${(account += 1)}` }, wrong));
  expect(kept.size).toBeLessThan(700);
  const few = createMemoryCounters({ capacity: 3 });
  await few.consume("guesses", 7, 60);
  for (let key = 0; key < 10; key += 1) {
    await few.consume(`refused ${key}`, 1, 60);
    await few.consume(`refused ${key}`, -1, 60);
  }
  expect((await few.consume("guesses", 1, 60)).used).toBe(8);
});

test("rate limits: limit guesses from one network at many accounts, but not from other networks", async () => {
  const limits = createRateLimits({ enabled: true });
  let account = 0;
  const guess = (address: string) => () => limits.login({ address, account: `user${(account += 1)}` }, wrong);
  expect(await times(301, guess("2001:db8::1"))).toEqual({
    LOGIN_BAD_CREDENTIALS: 300,
    TOO_MANY_REQUESTS: 1,
  });
  expect(await times(1, guess("2001:db8::2:3:4:5"))).toEqual({ TOO_MANY_REQUESTS: 1 });
  expect(await times(1, guess("2001:db8:0:1::1"))).toEqual({ LOGIN_BAD_CREDENTIALS: 1 });
});

test("rate limits: rejected logins to one account do not use up the limit of the network", async () => {
  const limits = createRateLimits({ enabled: true });
  await times(1000, () => limits.login(victim, wrong));
  expect(await outcome(limits.login({ ...victim, account: "colleague@example.com" }, right))).toBe("done");
});

test("rate limits: limit mails to an account per network and over all networks, separately for each kind", async () => {
  const limits = createRateLimits({ enabled: true });
  expect(await times(6, () => limits.forgotPassword(victim))).toEqual({ done: 5, TOO_MANY_REQUESTS: 1 });
  expect(await outcome(limits.forgotPassword({ ...victim, account: "bob@example.com" }))).toBe("done");
  expect(await outcome(limits.requestVerify(victim))).toBe("done");
  let network = 0;
  const elsewhere = () => limits.forgotPassword({ ...victim, address: `198.51.100.${(network += 1)}` });
  expect(await times(26, elsewhere)).toEqual({ done: 25, TOO_MANY_REQUESTS: 1 });
});

test("rate limits: limit registrations and uploads", async () => {
  const limits = createRateLimits({ enabled: true });
  expect(await times(101, () => limits.register(victim))).toEqual({ done: 100, TOO_MANY_REQUESTS: 1 });
  expect(await times(1001, () => limits.upload(victim))).toEqual({ done: 1000, TOO_MANY_REQUESTS: 1 });
});

test("rate limits: limit edits and reports of an account over all networks", async () => {
  const limits = createRateLimits({ enabled: true });
  expect(await times(1001, () => limits.edit(victim))).toEqual({ done: 1000, TOO_MANY_REQUESTS: 1 });
  expect(await times(101, () => limits.report(victim))).toEqual({ done: 100, TOO_MANY_REQUESTS: 1 });
  expect(await outcome(limits.report({ account: "bob" }))).toBe("done");
});

test("rate limits: neither limit nor count anything when disabled", async () => {
  const counters = { consume: () => Promise.reject(new Error("counted")) };
  const limits = createRateLimits({ enabled: false, counters });
  expect(await times(400, () => limits.login(victim, wrong))).toEqual({ LOGIN_BAD_CREDENTIALS: 400 });
  expect(await times(200, () => limits.register(victim))).toEqual({ done: 200 });
});

test("memory counters: drop windows that have ended and, beyond the capacity, the oldest", async () => {
  let time = 0;
  const counters = createMemoryCounters({ capacity: 3, now: () => time });
  const used = async (key: string, points = 1) => (await counters.consume(key, points, 10)).used;
  expect(await used("a")).toBe(1);
  expect(await used("a", -5)).toBe(0);
  expect(await used("a", 2)).toBe(2);
  time = 10_000;
  expect(await used("a", -1)).toBe(0);
  expect(await used("a")).toBe(1);
  for (const key of ["b", "c"]) await used(key);
  expect(await used("a")).toBe(2);
  await used("d");
  expect(await used("c")).toBe(2);
  expect(await used("d")).toBe(2);
  expect(await used("a")).toBe(1);
});
