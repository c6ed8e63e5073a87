import { expect, test } from "bun:test";

import { createMemoryCounters } from "../../src/auth/counters.ts";
import { createRateLimits } from "../../src/auth/rate-limits.ts";
import { ApiError, errorResponse } from "../../src/errors.ts";

const victim = { address: "203.0.113.9", account: "ann@example.com" };
const wrong = () => Promise.reject(new ApiError("LOGIN_BAD_CREDENTIALS"));
const right = async () => "token";

/** What came of it: `done`, or the error's code. */
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

test("after 20 wrong passwords a client is told to wait, even with the right one, until the window ends", async () => {
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

test("wrong passwords sent at once count like those in a row", async () => {
  const limits = createRateLimits({ enabled: true });
  const outcomes = await Promise.all(Array.from({ length: 100 }, () => outcome(limits.login(victim, wrong))));
  expect(outcomes.filter((came) => came === "LOGIN_BAD_CREDENTIALS")).toHaveLength(20);
});

test("failures from elsewhere never lock the owner out", async () => {
  const limits = createRateLimits({ enabled: true });
  for (let network = 0; network < 50; network += 1)
    await times(21, () => limits.login({ ...victim, address: `198.51.100.${network}` }, wrong));
  expect(await outcome(limits.login(victim, right))).toBe("done");
});

test("logins that succeed, find the service busy or an unproved address use nothing up", async () => {
  const limits = createRateLimits({ enabled: true });
  const fail = (code: "OVERLOADED" | "LOGIN_USER_NOT_VERIFIED") => () => Promise.reject(new ApiError(code));
  expect(await times(400, () => limits.login(victim, right))).toEqual({ done: 400 });
  expect(await times(50, () => limits.login(victim, fail("OVERLOADED")))).toEqual({ OVERLOADED: 50 });
  expect(await times(50, () => limits.login(victim, fail("LOGIN_USER_NOT_VERIFIED")))).toEqual({
    LOGIN_USER_NOT_VERIFIED: 50,
  });
});

test("one network guessing at many accounts is stopped, its neighbours are not", async () => {
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

test("one client locked out of an account does not use up its network's share", async () => {
  const limits = createRateLimits({ enabled: true });
  await times(1000, () => limits.login(victim, wrong));
  expect(await outcome(limits.login({ ...victim, account: "colleague@example.com" }, right))).toBe("done");
});

test("mails are limited for an account from one place, and over all places; each kind by itself", async () => {
  const limits = createRateLimits({ enabled: true });
  expect(await times(6, () => limits.forgotPassword(victim))).toEqual({ done: 5, TOO_MANY_REQUESTS: 1 });
  expect(await outcome(limits.forgotPassword({ ...victim, account: "bob@example.com" }))).toBe("done");
  expect(await outcome(limits.requestVerify(victim))).toBe("done");
  let network = 0;
  const elsewhere = () => limits.forgotPassword({ ...victim, address: `198.51.100.${(network += 1)}` });
  expect(await times(26, elsewhere)).toEqual({ done: 25, TOO_MANY_REQUESTS: 1 });
});

test("registrations and uploads are limited", async () => {
  const limits = createRateLimits({ enabled: true });
  expect(await times(101, () => limits.register(victim))).toEqual({ done: 100, TOO_MANY_REQUESTS: 1 });
  expect(await times(1001, () => limits.upload(victim))).toEqual({ done: 1000, TOO_MANY_REQUESTS: 1 });
});

test("switched off, nothing is limited or counted", async () => {
  const counters = { consume: () => Promise.reject(new Error("counted")) };
  const limits = createRateLimits({ enabled: false, counters });
  expect(await times(400, () => limits.login(victim, wrong))).toEqual({ LOGIN_BAD_CREDENTIALS: 400 });
  expect(await times(200, () => limits.register(victim))).toEqual({ done: 200 });
});

test("counters forget ended windows, and beyond their capacity the oldest", async () => {
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
