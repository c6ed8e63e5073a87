import { expect, test } from "bun:test";

import { createGate } from "../../src/gate.ts";
import { createPasswordHashing } from "../../src/auth/password-hashing.ts";
import { ApiError, errorResponse } from "../../src/errors.ts";

const hashing = createPasswordHashing({ concurrency: 1, queueLimit: 50 });

test("a hash of ours fits its password and no other, and is kept", async () => {
  const hash = await hashing.hash("correct horse");
  expect(hash).toStartWith("$argon2id$v=19$m=65536,t=1,p=1$");
  expect(await hashing.hash("correct horse")).not.toBe(hash);
  expect(await hashing.verify("correct horse", hash)).toEqual({ valid: true, needsRehash: false });
  expect(await hashing.verify("Correct horse", hash)).toEqual({ valid: false, needsRehash: false });
  expect((await hashing.verify("", hash)).valid).toBe(false);
});

test("imported hashes fit their passwords and ask for replacement", async () => {
  // Made by argon2-cffi and bcrypt in Python, as FastAPI Users does.
  for (const hash of [
    "$argon2id$v=19$m=65536,t=3,p=4$oTDNMa5bZ+Cy+3P1VpNMPQ$pzUtIK5ezk2CgHb34RvwMTzXCD3Qkcaow/mmdRTKcNI",
    "$2b$04$ugn.8Yg1uIDC7PQW/zLrEejfbQqXIYq9WhUOssLI9CGrf1tSBS9Dq",
    "$2a$04$eyT/rTLFSjOH7WlZ3apgQuha6ouxLYxNWCCh9c34bx5pziicmowpC",
  ]) {
    expect(await hashing.verify("correct horse", hash)).toEqual({ valid: true, needsRehash: true });
    expect(await hashing.verify("wrong horse", hash)).toEqual({ valid: false, needsRehash: true });
  }
});

test("an imported bcrypt hash sees 72 bytes of a long password, even in the middle of a character", async () => {
  const bytes = new TextEncoder().encode("x" + "é".repeat(60));
  const hash = await Bun.password.hash(bytes.subarray(0, 72), { algorithm: "bcrypt", cost: 4 });
  expect((await hashing.verify("x" + "é".repeat(60), hash)).valid).toBe(true);
  expect((await hashing.verify("x" + "é".repeat(35) + "è", hash)).valid).toBe(true);
  expect((await hashing.verify("x" + "é".repeat(34), hash)).valid).toBe(false);
});

test.each([
  "",
  "!",
  "secret",
  "$argon2id$v=19$m=65536,t=3,p=4$x",
  "$argon2id$v=19$m=999999,t=99,p=1$c29tZXNhbHRzb21lc2FsdA$c29tZWhhc2hzb21laGFzaHNvbWVoYXNo",
  "$argon2id$v=19$m=0,t=0,p=0$c29tZXNhbHRzb21lc2FsdA$c29tZWhhc2hzb21laGFzaHNvbWVoYXNo",
  "$2b$31$9uHFfJCFYzZfKvCL8AnaausfuNMY4/GCuKowXPDNy.BXRvaMh8a3u",
  "$2b$04$short",
  "$pbkdf2-sha256$29000$a$b",
])("what is no hash fits no password: %p", async (hash) => {
  expect(await hashing.verify("secret", hash)).toEqual({ valid: false, needsRehash: true });
  expect((await hashing.verify("", hash)).valid).toBe(false);
});

test("beyond the queue a hash is refused at once with Retry-After, and the others still come", async () => {
  const small = createPasswordHashing({ concurrency: 1, queueLimit: 1 });
  const first = small.hash("one password");
  const second = small.verifyAgainstNobody("one password");
  expect(small.pending()).toBe(2);
  const refused = await small.verify("one password", "").catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(ApiError);
  expect(refused).toMatchObject({ code: "OVERLOADED" });
  expect(errorResponse(refused).headers.get("retry-after")).toBe("5");
  expect(await first).toStartWith("$argon2id$");
  await second;
  expect(small.pending()).toBe(0);
});

test("the gate never lets more than its number run, keeps their order, and survives failures", async () => {
  const gate = createGate({ concurrency: 2, queueLimit: 10 });
  const started: number[] = [];
  let running = 0;
  let most = 0;
  const results = await Promise.allSettled(
    Array.from({ length: 10 }, (_, index) =>
      gate.pass(async () => {
        started.push(index);
        most = Math.max(most, ++running);
        await Bun.sleep(1);
        running -= 1;
        if (index % 3 === 0) throw new Error("failed");
        return index;
      }),
    ),
  );
  expect(most).toBe(2);
  expect(started).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(results.filter(({ status }) => status === "rejected")).toHaveLength(4);
  expect(gate.pending()).toBe(0);
  expect(await gate.pass(async () => "next")).toBe("next");
});
