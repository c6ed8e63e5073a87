import { afterAll, beforeAll, beforeEach, describe, expect, spyOn, test } from "bun:test";

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

const patch = (json: unknown, token = user.token) =>
  service.fetch("/users/me", { method: "PATCH", token, json });
const told = async (answer: Response) => [answer.status, await answer.json()];

describe("PATCH /users/me", () => {
  test("PATCH /users/me: changes nothing without an address or password, and ignores the flags", async () => {
    const flags = { is_superuser: true, is_verified: true, is_active: false };
    for (const body of [{}, flags, { is_active: null }, { password: null }])
      expect(await told(await patch(body))).toEqual([
        200,
        {
          id: user.id,
          email: user.email,
          name: null,
          is_active: true,
          is_superuser: false,
          is_verified: false,
        },
      ]);
  });

  test("PATCH /users/me: a new address is not verified", async () => {
    await service.services.database.users.change("operator", user, { isVerified: true });
    const email = `moved-${user.email}`;
    expect(await told(await patch({ email }))).toMatchObject([200, { email, is_verified: false }]);
    expect((await service.login(email)).status).toBe(200);
    expect((await service.login(user.email)).status).toBe(400);
  });

  test("PATCH /users/me: accepts your own address in another case, and rejects another account's", async () => {
    const own = user.email.replace("@", "X@").toUpperCase();
    expect((await patch({ email: own })).status).toBe(200);
    expect((await patch({ email: own.toLowerCase() })).status).toBe(200);
    const other = await service.signUp();
    expect(await told(await patch({ email: other.email.toUpperCase() }))).toEqual([
      400,
      { detail: "UPDATE_USER_EMAIL_ALREADY_EXISTS" },
    ]);
  });

  test("PATCH /users/me: a new password revokes every token, including the one of the request", async () => {
    const second = (await (await service.login(user.email)).json()) as { access_token: string };
    expect((await patch({ password: "a brand new secret" })).status).toBe(200);
    for (const token of [user.token, second.access_token])
      expect((await service.fetch("/users/me", { token })).status).toBe(401);
    const { access_token } = (await (await service.login(user.email, "a brand new secret")).json()) as {
      access_token: string;
    };
    expect((await service.fetch("/users/me", { token: access_token })).status).toBe(200);
  });

  test("PATCH /users/me: rejects a weak password with a reason and changes nothing", async () => {
    for (const password of ["", "short", user.email])
      expect(await told(await patch({ password, email: "x@example.com" }))).toEqual([
        400,
        { detail: { code: "UPDATE_USER_INVALID_PASSWORD", reason: expect.any(String) } },
      ]);
    expect((await service.login(user.email)).status).toBe(200);
  });

  test("PATCH /users/me: reports a taken address before hashing, but after a weak password", async () => {
    const other = await service.signUp();
    const [{ hashing }, fetch] = [service.services, service.firstHandler];
    const hash = spyOn(hashing, "hash");
    // Sent to the node whose hashing is observed.
    const change = (json: unknown) =>
      fetch(
        new Request("http://localhost/users/me", {
          method: "PATCH",
          headers: { authorization: `Bearer ${user.token}`, "content-type": "application/json" },
          body: JSON.stringify(json),
        }),
      );
    const taken = other.email.toUpperCase();
    expect(await told(await change({ email: taken, password: "a brand new secret" }))).toEqual([
      400,
      { detail: "UPDATE_USER_EMAIL_ALREADY_EXISTS" },
    ]);
    for (const password of ["short", "Password1"])
      expect(await told(await change({ email: taken, password }))).toEqual([
        400,
        { detail: { code: "UPDATE_USER_INVALID_PASSWORD", reason: expect.any(String) } },
      ]);
    expect(hash).toHaveBeenCalledTimes(0);
    // The account's own address in another case is not taken.
    expect((await change({ email: user.email.toUpperCase(), password: "a brand new secret" })).status).toBe(
      200,
    );
    expect(hash).toHaveBeenCalledTimes(1);
    hash.mockRestore();
  });

  test("PATCH /users/me: answers 422 to an invalid body", async () => {
    for (const body of [{ email: null }, { email: "x" }, { is_active: "perhaps" }, [], null])
      expect((await patch(body)).status).toBe(422);
  });
});

test("login: issues a revoked token when the password changes during the login", async () => {
  const { database } = service.services;
  const byEmailKey = database.users.byEmailKey;
  const racing: typeof service.services = {
    ...service.services,
    database: {
      ...database,
      users: {
        ...database.users,
        byEmailKey: async (key) => {
          const found = await byEmailKey(key);
          await patch({ password: "changed in between" });
          return found;
        },
      },
    },
  };
  const { login } = await import("../../src/accounts/accounts.ts");
  const found = await login(racing, user.email, "correct horse battery", []);
  const token = await service.services.tokens.issueAccess(found);
  expect((await service.fetch("/users/me", { token })).status).toBe(401);
});
