import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";

import { TestService } from "../support/service.ts";

const password = "correct horse battery";
const required = [400, { detail: "CURRENT_PASSWORD_REQUIRED" }];
const wrong = [400, { detail: "CURRENT_PASSWORD_WRONG" }];

let service: TestService;
let ada: Awaited<ReturnType<TestService["signUp"]>>;
let session: string;
beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.close());
beforeEach(async () => {
  ada = await service.signUp();
  session = await service.beginSession(ada.email);
});

const patch = (json: object, token = session, path = "/users/me") =>
  service.fetch(path, { method: "PATCH", token, json });
const answer = async (json: object, token?: string, path?: string) => {
  const response = await patch(json, token, path);
  return [response.status, await response.json()];
};
const stored = async () => service.services.database.users.byId(ada.id);

describe("changes with a session", () => {
  test.each<[string, object]>([
    ["password", { password: "a brand new secret" }],
    ["address", { email: "new@example.org" }],
  ])("PATCH /users/me: needs the current password for a new %s with a session", async (_, change) => {
    const before = await stored();
    expect(await answer(change)).toEqual(required);
    expect(await answer({ ...change, current_password: null })).toEqual(required);
    for (const guess of ["", "wrong", `${password} `, "\ud800", "x\0"])
      expect(await answer({ ...change, current_password: guess })).toEqual(wrong);
    expect(await stored()).toEqual(before);
  });

  test("PATCH /users/me: changes address and password with a session and the current password", async () => {
    const email = `new-${ada.email}`;
    const changes = { email, password: "a brand new secret", current_password: password };
    expect(await answer(changes)).toMatchObject([200, { id: ada.id, email }]);
    expect((await service.login(email, "a brand new secret")).status).toBe(200);
  });

  test("DELETE /users/{own id}: a superuser's session needs DELETE /users/me, and an access token does not", async () => {
    await service.services.database.users.change("operator", (await stored())!, { isSuperuser: true });
    const remove = (token: string) => service.fetch(`/users/${ada.id}`, { method: "DELETE", token });
    const refused = await remove(session);
    expect([refused.status, await refused.json()]).toEqual(required);
    expect(await stored()).toBeDefined();
    expect((await remove(ada.token)).status).toBe(204);
    expect(await stored()).toBeUndefined();
  });

  test("PATCH /users/me: answers with the current password's errors before those of the new values", async () => {
    const taken = await service.signUp();
    expect(await answer({ password: "short" })).toEqual(required);
    expect(await answer({ email: taken.email, password: "short", current_password: "x" })).toEqual(wrong);
    expect(await answer({ password: "short", current_password: password })).toMatchObject([
      400,
      { detail: { code: "UPDATE_USER_INVALID_PASSWORD" } },
    ]);
    expect(await answer({ email: taken.email, current_password: password })).toEqual([
      400,
      { detail: "UPDATE_USER_EMAIL_ALREADY_EXISTS" },
    ]);
    for (const value of [1, [], {}])
      expect(await answer({ password: "a brand new secret", current_password: value })).toEqual([
        422,
        {
          detail: [
            { type: "string_type", loc: ["body", "current_password"], msg: "Input should be a valid string" },
          ],
        },
      ]);
  });

  test("PATCH /users/me: needs no current password where neither address nor password change", async () => {
    for (const change of [
      {},
      { name: "Ada" },
      { email: ada.email },
      { password: null },
      { is_active: false },
    ])
      expect(await answer(change)).toMatchObject([200, { email: ada.email, is_active: true }]);
    expect(await answer({ email: ada.email.toUpperCase() })).toEqual(required);
  });

  test("PATCH /users/me: an unchanged address does not undo a change by another request", async () => {
    const email = `new-${ada.email}`;
    const node = service.interrupted("hashing", () => patch({ email }, ada.token));
    const response = await node.fetch("/users/me", {
      method: "PATCH",
      token: session,
      json: { email: ada.email, password: "a brand new secret", current_password: password },
    });
    expect([response.status, await response.json()]).toMatchObject([200, { email }]);
  });

  test("PATCH /users/me: needs no current password with an access token, and does not check one", async () => {
    const email = `new-${ada.email}`;
    expect(await answer({ email, current_password: "wrong" }, ada.token)).toMatchObject([200, { email }]);
    expect((await patch({ password: "a brand new secret" }, ada.token)).status).toBe(200);
  });

  test("PATCH /users/{id}: superusers need their current password for their own account only", async () => {
    await service.promote(ada);
    const bob = await service.signUp();
    const own = `/users/${ada.id}`;
    for (const path of [own, own.toUpperCase().replace("USERS", "users"), own.replaceAll("-", "")])
      expect(await answer({ password: "a brand new secret" }, session, path)).toEqual(required);
    expect(await answer({ email: "new@example.org", current_password: "x" }, session, own)).toEqual(wrong);
    expect((await patch({ is_verified: true }, session, own)).status).toBe(200);
    const others = { email: `new-${bob.email}`, password: "a brand new secret" };
    expect((await patch(others, session, `/users/${bob.id}`)).status).toBe(200);
    const changed = { password: "another new secret", current_password: password };
    expect((await patch(changed, session, own)).status).toBe(200);
  });
});

describe("the limit for guesses", () => {
  test("rate limits over HTTP: all logins and the current password share the limit of 20 wrong passwords", async () => {
    const limited = await TestService.start({ RATE_LIMIT: "on", TRUST_PROXY: "1" });
    const email = "ada@example.com";
    const from = (address: string) => ({ "x-forwarded-for": address });
    await limited.register(email);
    const token = await limited.beginSession(email, password, from("192.0.2.1"));
    const logIn = (kind: string, typed: string, address = "203.0.113.1") =>
      limited.fetch(`/auth/${kind}/login`, {
        method: "POST",
        body: new URLSearchParams({ username: email, password: typed }),
        headers: from(address),
      });
    const change = (current_password: string, address = "203.0.113.1") =>
      limited.fetch("/users/me", {
        method: "PATCH",
        token,
        json: { email: "new@example.com", current_password },
        headers: from(address),
      });
    const guesses = [
      () => logIn("jwt", "wrong"),
      () => logIn("session", "wrong"),
      () => logIn("cookie", "wrong"),
      () => change("wrong"),
    ];
    for (let round = 0; round < 5; round++)
      for (const guess of guesses) expect((await guess()).status).toBe(400);
    for (const guess of [...guesses, () => change(password), () => logIn("session", password)]) {
      const response = await guess();
      expect([response.status, await response.json()]).toEqual([429, { detail: "Too many requests" }]);
      expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
    }
    expect((await limited.fetch("/users/me", { token })).status).toBe(200);
    expect((await change(password, "198.51.100.7")).status).toBe(200);
    await limited.close();
  });

  test("rate limits over HTTP: a request without its current password uses up no guesses", async () => {
    const limited = await TestService.start({ RATE_LIMIT: "on" });
    await limited.register("ada@example.com");
    const token = await limited.beginSession("ada@example.com");
    const change = (json: object) => limited.fetch("/users/me", { method: "PATCH", token, json });
    for (let i = 0; i < 30; i++) expect((await change({ email: "new@example.com" })).status).toBe(400);
    const json = { email: "new@example.com", current_password: password };
    expect((await change(json)).status).toBe(200);
    await limited.close();
  });
});
