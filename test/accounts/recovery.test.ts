import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";

import { TestService } from "../support/service.ts";

let service: TestService;
let user: Awaited<ReturnType<TestService["signUp"]>>;
beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.close());
beforeEach(async () => {
  user = await service.signUp();
});

const ask = (path: string, json: unknown) => service.fetch(`/auth/${path}`, { json });
const told = async (answer: Response) => [answer.status, await answer.json()];
const me = (token: string) => service.fetch("/users/me", { token });
const deactivate = () => service.services.database.users.change("operator", user, { isActive: false });

describe.each(["forgot-password", "request-verify-token"])("%s", (path) => {
  test(`${path}: answers 202 null with or without an account, and mails only the account`, async () => {
    expect(await told(await ask(path, { email: user.email.toUpperCase() }))).toEqual([202, null]);
    expect(await told(await ask(path, { email: "nobody@example.com" }))).toEqual([202, null]);
    expect(await service.mailedToken(user.email)).toBeString();
    expect(await service.mailedToken("nobody@example.com")).toBeUndefined();
  });

  test(`${path}: sends no mail to an inactive account`, async () => {
    await deactivate();
    expect(await told(await ask(path, { email: user.email }))).toEqual([202, null]);
    expect(await service.mailedToken(user.email)).toBeUndefined();
  });

  test(`${path}: answers 422 without a valid address`, async () => {
    for (const body of [{}, { email: null }, { email: "x" }])
      expect((await ask(path, body)).status).toBe(422);
  });
});

describe("reset-password", () => {
  const mailed = async () => {
    await ask("forgot-password", { email: user.email });
    return (await service.mailedToken(user.email)) as string;
  };
  const badToken = [400, { detail: "RESET_PASSWORD_BAD_TOKEN" }];

  test("reset-password: sets a new password once and revokes every access token", async () => {
    const token = await mailed();
    expect(await told(await ask("reset-password", { token, password: "a brand new secret" }))).toEqual([
      200,
      null,
    ]);
    expect((await me(user.token)).status).toBe(401);
    expect((await service.login(user.email)).status).toBe(400);
    const login = await service.login(user.email, "a brand new secret");
    expect((await me(((await login.json()) as { access_token: string }).access_token)).status).toBe(200);
    expect(await told(await ask("reset-password", { token, password: "yet another one" }))).toEqual(badToken);
  });

  test("reset-password: lets one of two concurrent resets with the same token succeed", async () => {
    const token = await mailed();
    const answers = await Promise.all(
      ["first new secret", "second new secret"].map((password) => ask("reset-password", { token, password })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400]);
  });

  test("reset-password: rejects a weak password with a reason, and the token stays valid", async () => {
    const token = await mailed();
    for (const password of ["short", "Password1"])
      expect(await told(await ask("reset-password", { token, password }))).toEqual([
        400,
        { detail: { code: "RESET_PASSWORD_INVALID_PASSWORD", reason: expect.any(String) } },
      ]);
    expect((await ask("reset-password", { token, password: "long enough now" })).status).toBe(200);
  });

  test("reset-password: reports a bad token rather than a weak password", async () => {
    for (const token of ["", "nonsense", user.token])
      expect(await told(await ask("reset-password", { token, password: "x" }))).toEqual(badToken);
  });

  test("reset-password: rejects an inactive account", async () => {
    const token = await mailed();
    await deactivate();
    expect(await told(await ask("reset-password", { token, password: "a brand new secret" }))).toEqual(
      badToken,
    );
  });
});

describe("verify", () => {
  const mailed = async () => {
    await ask("request-verify-token", { email: user.email });
    return (await service.mailedToken(user.email)) as string;
  };
  const badToken = [400, { detail: "VERIFY_USER_BAD_TOKEN" }];

  test("verify: marks the address as verified once", async () => {
    const token = await mailed();
    expect(await told(await ask("verify", { token }))).toEqual([
      200,
      { id: user.id, email: user.email, name: null, is_active: true, is_superuser: false, is_verified: true },
    ]);
    expect(await told(await ask("verify", { token }))).toEqual([
      400,
      { detail: "VERIFY_USER_ALREADY_VERIFIED" },
    ]);
    const sent = service.mails.length;
    await ask("request-verify-token", { email: user.email });
    await service.services.background.drain();
    expect(service.mails).toHaveLength(sent);
  });

  test("verify: rejects a token after the address changed", async () => {
    const token = await mailed();
    const email = `new-${user.email}`;
    await service.fetch("/users/me", { method: "PATCH", token: user.token, json: { email } });
    expect(await told(await ask("verify", { token }))).toEqual(badToken);
  });

  test("verify: rejects an inactive account and a token of another kind", async () => {
    for (const token of ["", "nonsense", user.token])
      expect(await told(await ask("verify", { token }))).toEqual(badToken);
    const token = await mailed();
    expect((await me(token)).status).toBe(401);
    await deactivate();
    expect(await told(await ask("verify", { token }))).toEqual(badToken);
  });
});

test("REQUIRE_VERIFIED_EMAIL: rejects logins and tokens of users without a verified address", async () => {
  const strict = await TestService.start({ REQUIRE_VERIFIED_EMAIL: "true" });
  await strict.register("ada@example.com");
  expect(await told(await strict.login("ada@example.com", "wrong password"))).toEqual([
    400,
    { detail: "LOGIN_BAD_CREDENTIALS" },
  ]);
  expect(await told(await strict.login("ada@example.com"))).toEqual([
    400,
    { detail: "LOGIN_USER_NOT_VERIFIED" },
  ]);
  await strict.fetch("/auth/request-verify-token", { json: { email: "ada@example.com" } });
  await strict.fetch("/auth/verify", { json: { token: await strict.mailedToken("ada@example.com") } });
  const { access_token: token } = (await (await strict.login("ada@example.com")).json()) as {
    access_token: string;
  };
  expect((await strict.fetch("/users/me", { token })).status).toBe(200);
  await strict.fetch("/users/me", { method: "PATCH", token, json: { email: "other@example.com" } });
  expect(await told(await strict.fetch("/feed", { token }))).toEqual([403, { detail: "Forbidden" }]);
  await strict.close();
});
