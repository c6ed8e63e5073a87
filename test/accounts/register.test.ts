import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import { TestService } from "../support/service.ts";

let service: TestService;
beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.close());

const post = (json: unknown) => service.fetch("/auth/register", { json });
const missing = (field: string) => ({ type: "missing", loc: ["body", field], msg: "Field required" });

describe("register", () => {
  test("register: creates an active, unverified account without superuser rights, and ignores submitted flags", async () => {
    const answer = await post({
      email: "ada@example.com",
      password: "correct horse battery",
      is_active: false,
      is_superuser: true,
      is_verified: "yes",
    });
    expect(answer.status).toBe(201);
    const user = await answer.json();
    expect(user).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      email: "ada@example.com",
      name: null,
      is_active: true,
      is_superuser: false,
      is_verified: false,
    });
  });

  test("register: keeps a display name, trimmed and in Unicode normalization form C", async () => {
    const names = { "  Ada Lovelace ": "Ada Lovelace", "E\u0301lodie": "\u00c9lodie", "👩‍👩‍👧": "👩‍👩‍👧" };
    for (const [i, [name, stored]] of Object.entries({ ...names, null: null }).entries()) {
      const json = {
        email: `named-${i}@example.com`,
        password: "correct horse battery",
        name: stored && name,
      };
      expect(await (await post(json)).json()).toMatchObject({ name: stored });
    }
  });

  test("register: rejects an address that is taken in another case", async () => {
    await service.register("Grace@example.com");
    const answer = await service.register("grace@EXAMPLE.com");
    expect(answer.status).toBe(400);
    expect(await answer.json()).toEqual({ detail: "REGISTER_USER_ALREADY_EXISTS" });
  });

  test("register: lets one of many concurrent registrations of an address succeed", async () => {
    const answers = await Promise.all(Array.from({ length: 12 }, () => service.register("rush@example.com")));
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([201, ...Array.from({ length: 11 }, () => 400)]);
  });

  test("register: rejects a weak password with a reason, also for a taken address", async () => {
    await service.register("weak@example.com");
    for (const password of ["short", "weak@example.com", "x".repeat(1025)]) {
      const answer = await post({ email: "weak@example.com", password });
      expect(answer.status).toBe(400);
      const { detail } = (await answer.json()) as { detail: { code: string; reason: string } };
      expect(detail).toEqual({ code: "REGISTER_INVALID_PASSWORD", reason: expect.any(String) });
      expect(detail.reason).not.toContain(password);
    }
  });

  test("register: rejects a common password in any case, with a reason", async () => {
    for (const password of ["password", "Password1", "12345678", "QWERTYUIOP"]) {
      const answer = await post({ email: "common@example.com", password });
      expect([password, answer.status, await answer.json()]).toEqual([
        password,
        400,
        {
          detail: {
            code: "REGISTER_INVALID_PASSWORD",
            reason: "Password is too common: it is one of those that are guessed first",
          },
        },
      ]);
    }
    expect((await post({ email: "common@example.com", password: "correct horse battery" })).status).toBe(201);
  });

  test.each([
    [{}, [missing("email"), missing("password")]],
    [{ email: "a@example.com" }, [missing("password")]],
    [
      { email: null, password: 1 },
      [
        { type: "string_type", loc: ["body", "email"], msg: "Input should be a valid string" },
        { type: "string_type", loc: ["body", "password"], msg: "Input should be a valid string" },
      ],
    ],
    [
      { email: "a@example.com", password: "long enough", is_active: "perhaps" },
      [
        {
          type: "bool_parsing",
          loc: ["body", "is_active"],
          msg: "Input should be a valid boolean, unable to interpret input",
        },
      ],
    ],
    [
      [],
      [
        {
          type: "model_attributes_type",
          loc: ["body"],
          msg: "Input should be a valid dictionary or object to extract fields from",
        },
      ],
    ],
  ])("register: answers 422 with the location of each problem in %j", async (body, detail) => {
    const answer = await post(body);
    expect(answer.status).toBe(422);
    expect(await answer.json()).toEqual({ detail });
  });

  test.each(["nobody", "a@b", "a b@example.com", "@example.com", "a@", "a@example.com\u0000"])(
    "register: rejects %p as an address",
    async (email) => {
      const answer = await post({ email, password: "sesame-secret-1" });
      expect(answer.status).toBe(422);
      const text = await answer.text();
      expect(JSON.parse(text).detail).toMatchObject([{ type: "value_error", loc: ["body", "email"] }]);
      expect(text).not.toContain("sesame-secret-1");
    },
  );

  test("register: answers 422 json_invalid to malformed JSON, without echoing it", async () => {
    const answer = await service.fetch("/auth/register", {
      method: "POST",
      body: '{"password": "sesame-secret-1",',
      headers: { "content-type": "application/json" },
    });
    expect(answer.status).toBe(422);
    const text = await answer.text();
    expect(JSON.parse(text).detail).toMatchObject([
      { type: "json_invalid", loc: ["body", expect.any(Number)] },
    ]);
    expect(text).not.toContain("sesame");
  });

  test("register: answers 422 missing without a body", async () => {
    const answer = await service.fetch("/auth/register", { method: "POST" });
    expect(answer.status).toBe(422);
    expect(await answer.json()).toEqual({
      detail: [{ type: "missing", loc: ["body"], msg: "Field required" }],
    });
  });

  test("register: answers 413 to a body over 64 kB", async () => {
    const answer = await post({ email: "big@example.com", password: "x".repeat(70_000) });
    expect(answer.status).toBe(413);
  });

  test("register: answers 422 to a password with a lone surrogate", async () => {
    const answer = await service.fetch("/auth/register", {
      method: "POST",
      body: '{"email":"half@example.com","password":"long enough \\ud800"}',
      headers: { "content-type": "application/json" },
    });
    expect(answer.status).toBe(422);
  });
});
