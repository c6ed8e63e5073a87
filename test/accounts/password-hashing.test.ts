import { afterEach, expect, mock, spyOn, test } from "bun:test";

import { createPasswordHashing } from "../../src/accounts/password-hashing.ts";
import { ApiError } from "../../src/errors.ts";
import { errorResponse } from "../../src/http/error-response.ts";

const parties = ["account:ada", "network:203.0.113.9"];
const hashing = createPasswordHashing({ concurrency: 1, queueLimit: 50, partyLimit: 50 });
const verify = (password: string, hash: string) => hashing.verify(password, hash, parties);
afterEach(() => mock.restore());

test("password hashing: a hash of the current scheme matches only its password and needs no rehash", async () => {
  const hash = await hashing.hash("correct horse", parties);
  expect(hash).toStartWith("$argon2id$v=19$m=65536,t=1,p=1$");
  expect(await hashing.hash("correct horse", parties)).not.toBe(hash);
  expect(await verify("correct horse", hash)).toEqual({
    valid: true,
    needsRehash: false,
    unaffordable: false,
  });
  expect(await verify("Correct horse", hash)).toEqual({
    valid: false,
    needsRehash: false,
    unaffordable: false,
  });
  expect((await verify("", hash)).valid).toBe(false);
});

test("password hashing: an imported hash matches only its password and needs a rehash", async () => {
  // Created in Python with argon2-cffi and bcrypt, like those of FastAPI Users.
  for (const hash of [
    "$argon2id$v=19$m=65536,t=3,p=4$oTDNMa5bZ+Cy+3P1VpNMPQ$pzUtIK5ezk2CgHb34RvwMTzXCD3Qkcaow/mmdRTKcNI",
    "$2b$04$ugn.8Yg1uIDC7PQW/zLrEejfbQqXIYq9WhUOssLI9CGrf1tSBS9Dq",
    "$2a$04$eyT/rTLFSjOH7WlZ3apgQuha6ouxLYxNWCCh9c34bx5pziicmowpC",
  ]) {
    expect(await verify("correct horse", hash)).toEqual({
      valid: true,
      needsRehash: true,
      unaffordable: false,
    });
    expect(await verify("wrong horse", hash)).toEqual({
      valid: false,
      needsRehash: true,
      unaffordable: false,
    });
  }
});

test("password hashing: an imported bcrypt hash compares the first 72 bytes, even if they end within a character", async () => {
  const bytes = new TextEncoder().encode("x" + "é".repeat(60));
  const hash = await Bun.password.hash(bytes.subarray(0, 72), { algorithm: "bcrypt", cost: 4 });
  expect((await verify("x" + "é".repeat(60), hash)).valid).toBe(true);
  expect((await verify("x" + "é".repeat(35) + "è", hash)).valid).toBe(true);
  expect((await verify("x" + "é".repeat(34), hash)).valid).toBe(false);
});

test.each([
  "",
  "!",
  "secret",
  "$argon2id$v=19$m=65536,t=3,p=4$x",
  "$argon2id$v=19$m=0,t=0,p=0$c29tZXNhbHRzb21lc2FsdA$c29tZWhhc2hzb21laGFzaHNvbWVoYXNo",
  "$2b$03$9uHFfJCFYzZfKvCL8AnaausfuNMY4/GCuKowXPDNy.BXRvaMh8a3u",
  "$2b$04$short",
  "$pbkdf2-sha256$29000$a$b",
])("password hashing: no password matches the malformed or unknown hash %p", async (hash) => {
  expect(await verify("secret", hash)).toEqual({ valid: false, needsRehash: true, unaffordable: false });
  expect((await verify("", hash)).valid).toBe(false);
});

test.each([
  ["$2b$15$9uHFfJCFYzZfKvCL8AnaausfuNMY4/GCuKowXPDNy.BXRvaMh8a3u"],
  ["$2b$31$9uHFfJCFYzZfKvCL8AnaausfuNMY4/GCuKowXPDNy.BXRvaMh8a3u"],
  ["$argon2id$v=19$m=262145,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$c29tZWhhc2hzb21laGFzaHNvbWVoYXNo"],
  ["$argon2id$v=19$m=4294967296,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$c29tZWhhc2hzb21laGFzaHNvbWVoYXNo"],
  ["$argon2id$v=19$m=65536,t=11,p=1$c29tZXNhbHRzb21lc2FsdA$c29tZWhhc2hzb21laGFzaHNvbWVoYXNo"],
  ["$argon2id$v=19$m=65536,t=4294967295,p=1$c29tZXNhbHRzb21lc2FsdA$c29tZWhhc2hzb21laGFzaHNvbWVoYXNo"],
  ["$argon2id$v=19$m=65536,t=1,p=17$c29tZXNhbHRzb21lc2FsdA$c29tZWhhc2hzb21laGFzaHNvbWVoYXNo"],
  ["$argon2id$v=19$m=65536,t=1,p=16777215$c29tZXNhbHRzb21lc2FsdA$c29tZWhhc2hzb21laGFzaHNvbWVoYXNo"],
])("password hashing: verifies the dummy hash instead of the unaffordable hash %p", async (hash) => {
  const computed = spyOn(Bun.password, "verify");
  expect(await verify("secret", hash)).toEqual({ valid: false, needsRehash: true, unaffordable: true });
  expect(computed.mock.calls.map(([, tried]) => tried)).toEqual([
    expect.stringMatching(/^\$argon2id\$v=19\$m=65536,t=1,p=1\$A{43}\$/),
  ]);
});

test("password hashing: the most expensive affordable hashes match their passwords", async () => {
  for (const scheme of [
    { algorithm: "bcrypt", cost: 14 },
    { algorithm: "argon2id", memoryCost: 262_144, timeCost: 1 },
    { algorithm: "argon2id", memoryCost: 8_192, timeCost: 10 },
  ] as const) {
    const hash = await Bun.password.hash("correct horse", scheme);
    expect(await verify("correct horse", hash)).toEqual({
      valid: true,
      needsRehash: true,
      unaffordable: false,
    });
  }
}, 60_000);

/** Replaces verification with a short wait, and records the largest number of concurrent verifications. */
function instantVerification() {
  let running = 0;
  const seen = { most: 0 };
  spyOn(Bun.password, "verify").mockImplementation(async () => {
    seen.most = Math.max(seen.most, ++running);
    await Bun.sleep(1);
    running -= 1;
    return false;
  });
  return seen;
}

test("password hashing: runs hashes larger than the current scheme one at a time, and counts all as pending", async () => {
  const wide = createPasswordHashing({ concurrency: 8, queueLimit: 50, partyLimit: 50 });
  const large = "$argon2id$v=19$m=262144,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$c29tZWhhc2hzb21laGFzaHNvbWVoYXNo";
  const seen = instantVerification();
  const all = Array.from({ length: 5 }, () => wide.verify("secret", large, parties));
  expect(wide.pending()).toBe(5);
  await Promise.all(all);
  expect([seen.most, wide.pending()]).toEqual([1, 0]);
  await Promise.all(Array.from({ length: 5 }, () => wide.verifyDummy("secret", parties)));
  expect(seen.most).toBe(5);
});

test("password hashing: an account holds at most 16 places and delays another account by one hash", async () => {
  instantVerification();
  const fair = createPasswordHashing({ concurrency: 1, queueLimit: 256, partyLimit: 16 });
  const order: string[] = [];
  const run = async (name: string, ...of: string[]) => {
    await fair.verifyDummy("secret", of);
    order.push(name);
  };
  const busy = Array.from({ length: 260 }, () => run("busy", "account:busy", "network:203.0.113.9"));
  const other = run("other", "account:other", "network:203.0.113.9");
  const outcomes = await Promise.allSettled(busy);
  await other;
  expect(order.indexOf("other")).toBe(1);
  // The other account took the place of one of the 16.
  expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(15);
  for (const outcome of outcomes)
    if (outcome.status === "rejected") expect(outcome.reason).toMatchObject({ code: "OVERLOADED" });
});

test("password hashing: rejects a hash at once with Retry-After when the queue is full, and completes the others", async () => {
  const small = createPasswordHashing({ concurrency: 1, queueLimit: 1, partyLimit: 16 });
  const first = small.hash("one password", parties);
  const second = small.verifyDummy("one password", parties);
  expect(small.pending()).toBe(2);
  const refused = await small.verify("one password", "", parties).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(ApiError);
  expect(refused).toMatchObject({ code: "OVERLOADED" });
  expect(errorResponse(refused).headers.get("retry-after")).toBe("5");
  expect(await first).toStartWith("$argon2id$");
  await second;
  expect(small.pending()).toBe(0);
});
