import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";

import { SignJWT } from "jose";

import { pngPhoto } from "../support/media-samples.ts";
import { TestService } from "../support/service.ts";
import { until } from "../support/until.ts";

const secret = "a secret for tests, of more than 32 bytes";

type Account = Awaited<ReturnType<TestService["signUp"]>>;

let service: TestService;
let root: Account;
let owner: Account;
let photo: Blob;
beforeAll(async () => {
  service = await TestService.start({ JWT_SECRET_KEY: secret });
  root = await service.signUp();
  await service.promote(root);
  photo = new Blob([await pngPhoto()]);
});
afterAll(() => service.close());
beforeEach(async () => {
  owner = await service.signUp();
});

const told = async (answer: Response) => [answer.status, await answer.json()];
const unauthorized = [401, { detail: "Unauthorized" }];
const forbidden = [403, { detail: "Forbidden" }];
const patchMe = (json: object, to = service, { token } = owner) =>
  to.fetch("/users/me", { method: "PATCH", token, json });
const patch = (id: string, json: object, to = service, { token } = root) =>
  to.fetch(`/users/${id}`, { method: "PATCH", token, json });
const logOut = ({ token }: Account) => service.fetch("/auth/jwt/logout", { method: "POST", token });
const remove = ({ id }: Account) => service.fetch(`/users/${id}`, { method: "DELETE", token: root.token });
const account = ({ id }: Account) => service.services.database.users.byId(id);
const status = async (answer: Promise<Response>) => (await answer).status;
async function mailed(path: "forgot-password" | "request-verify-token", email: string): Promise<string> {
  await service.fetch(`/auth/${path}`, { json: { email } });
  return (await service.mailedToken(email)) as string;
}
async function reset({ email }: Account): Promise<void> {
  const token = await mailed("forgot-password", email);
  const password = "the owner's new password";
  expect(await status(service.fetch("/auth/reset-password", { json: { token, password } }))).toBe(200);
}

/** Events that revoke one token or all tokens of an account. */
const ends: [string, (account: Account) => Promise<unknown>][] = [
  ["its token was logged out", logOut],
  ["the password was reset by mail", reset],
  ["the password was changed", (one) => patch(one.id, { password: "a brand new secret" })],
  ["the account was deactivated", ({ id }) => patch(id, { is_active: false })],
  [
    "the account was deactivated and activated again",
    async ({ id }) => [await patch(id, { is_active: false }), await patch(id, { is_active: true })],
  ],
  ["the account was deleted", remove],
];

describe("PATCH /users/me during hashing", () => {
  test.each(ends)(
    "PATCH /users/me: answers 401 and changes nothing when, during hashing, %s",
    async (_, end) => {
      let before: unknown;
      const node = service.interrupted("hashing", async () => {
        await end(owner);
        before = await account(owner);
      });
      const stolen = { email: `thief-${owner.email}`, password: "the thief's password" };
      expect(await told(await patchMe(stolen, node))).toEqual(unauthorized);
      expect(await account(owner)).toEqual(before as never);
    },
  );

  test("PATCH /users/me: lets one of two concurrent password changes with the same token succeed", async () => {
    const passwords = ["first new secret", "second new secret"];
    const answers = await Promise.all(passwords.map((password) => patchMe({ password })));
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 401]);
    const winner = passwords[answers.findIndex((answer) => answer.ok)]!;
    expect(await status(service.login(owner.email, winner))).toBe(200);
  });

  test("PATCH /users/me: succeeds when only the address was changed during hashing, and keeps the new address", async () => {
    const email = `new-${owner.email}`;
    const node = service.interrupted("hashing", () => patchMe({ email }));
    expect(await told(await patchMe({ password: "a brand new secret" }, node))).toMatchObject([
      200,
      { email },
    ]);
    expect(await status(service.login(email, "a brand new secret"))).toBe(200);
  });

  test("PATCH /users/me: rejects a password that became the account's address during hashing", async () => {
    const email = `new-${owner.email}`;
    const node = service.interrupted("hashing", () => patchMe({ email }));
    expect(await told(await patchMe({ password: email }, node))).toMatchObject([
      400,
      { detail: { code: "UPDATE_USER_INVALID_PASSWORD" } },
    ]);
    expect(await status(service.login(email))).toBe(200);
  });

  test("PATCH /users/me: never transfers is_verified to an address that was not verified", async () => {
    const victim = `victim-${owner.email}`;
    const token = await mailed("request-verify-token", owner.email);
    // Restores and verifies the original address while a second change to the victim's address is hashing.
    const back = async () => {
      await patchMe({ email: owner.email });
      const again = await mailed("request-verify-token", owner.email);
      for (const one of [token, again]) await service.fetch("/auth/verify", { json: { token: one } });
      expect(await account(owner)).toMatchObject({ isVerified: true });
    };
    await patchMe({ email: victim });
    const node = service.interrupted("hashing", back);
    const moved = await told(await patchMe({ email: victim, password: "a brand new secret" }, node));
    expect(moved).toMatchObject([200, { email: victim, is_verified: false }]);
  });
});

describe("similar addresses", () => {
  test.each([
    ["admin", "admın", false],
    ["strasse", "straße", false],
    ["ada", "Ada", false],
    ["ada", "ada", true],
  ])(
    "PATCH /users/me: a verified address %s changed to %s leaves is_verified at %p",
    async (local, other, stays) => {
      const domain = `${crypto.randomUUID()}.example.com`;
      owner = await service.signUp(`${local}@${domain}`);
      const token = await mailed("request-verify-token", owner.email);
      expect(await status(service.fetch("/auth/verify", { json: { token } }))).toBe(200);
      const email = `${other}@${domain}`;
      expect(await told(await patchMe({ email: `${other}@${domain.toUpperCase()}` }))).toMatchObject([
        200,
        { email, is_verified: stays },
      ]);
    },
  );
});

describe("PATCH /users/{id} during hashing", () => {
  let admin: Account;
  beforeEach(async () => {
    admin = await service.signUp();
    await service.promote(admin);
  });
  const password = "set by a superuser";
  const waiting = (event: () => Promise<unknown>) =>
    patch(owner.id, { password, is_superuser: true }, service.interrupted("hashing", event), admin);

  test.each(ends)(
    "PATCH /users/{id}: answers 401 and changes nothing when, during hashing, %s",
    async (_, end) => {
      const before = await account(owner);
      expect(await told(await waiting(() => end(admin)))).toEqual(unauthorized);
      expect(await account(owner)).toEqual(before!);
    },
  );

  test("PATCH /users/{id}: answers 403 and changes nothing when the sender lost superuser rights during hashing", async () => {
    const before = await account(owner);
    expect(await told(await waiting(() => patch(admin.id, { is_superuser: false })))).toEqual(forbidden);
    expect(await account(owner)).toEqual(before!);
  });

  test("PATCH /users/{id}: answers 404 when the account was deleted during hashing", async () => {
    expect(await status(waiting(() => remove(owner)))).toBe(404);
  });

  test("PATCH /users/{id}: its password replaces one that the owner reset during hashing", async () => {
    expect(await status(waiting(() => reset(owner)))).toBe(200);
    expect(await status(service.login(owner.email, password))).toBe(200);
    expect(await status(service.login(owner.email, "the owner's new password"))).toBe(400);
  });

  test("PATCH /users/{id}: applies is_verified only to the address from before hashing, not to a later one", async () => {
    const email = `new-${owner.email}`;
    const node = service.interrupted("hashing", () => patch(owner.id, { email }));
    const answer = await patch(owner.id, { password, is_verified: true }, node, admin);
    expect(await told(answer)).toMatchObject([200, { email, is_verified: false }]);
  });
});

test("PATCH /users/{id}: lets one of two superusers who demote each other at the same time succeed", async () => {
  for (let round = 0; round < 10; round++) {
    const [a, b] = [await service.signUp(), await service.signUp()];
    for (const one of [a, b]) await service.promote(one);
    const answers = await Promise.all([
      patch(b.id, { is_superuser: false }, service, a),
      patch(a.id, { is_superuser: false }, service, b),
    ]);
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 403]);
    const flags = [await account(a), await account(b)].map((one) => one?.isSuperuser);
    expect(flags.sort()).toEqual([false, true]);
  }
});

describe("uploads", () => {
  const nothingLeft = async () => {
    await until(async () => (await service.tempFiles()).length === 0);
    const { posts } = service.services.database;
    expect([await service.mediaFiles(), await posts.page(1)]).toEqual([[], []]);
    expect(await posts.countUnfinished()).toEqual({ pending: 0, deleting: 0 });
  };

  test.each(ends)(
    "upload: answers 401 and leaves no file or post when, while the file was stored, %s",
    async (_, end) => {
      const node = service.interrupted("storing", () => end(owner));
      expect(await told(await node.upload(owner.token, photo))).toEqual(unauthorized);
      await service.services.background.drain();
      await nothingLeft();
    },
  );

  test.each(ends)(
    "upload: answers 401 and leaves no file or post when, while the body was received, %s",
    async (_, end) => {
      const form = new FormData();
      form.set("file", photo, "photo.png");
      const whole = new Response(form);
      const bytes = await whole.clone().bytes();
      let begun = false;
      const body = new ReadableStream(
        {
          async pull(controller) {
            if (!begun) controller.enqueue(bytes.subarray(0, bytes.length / 2));
            else {
              await end(owner);
              controller.enqueue(bytes.subarray(bytes.length / 2));
              controller.close();
            }
            begun = true;
          },
        },
        // Pulls nothing until the request is authenticated and its body is read.
        { highWaterMark: 0 },
      );
      const headers = { "content-type": whole.headers.get("content-type")! };
      const answer = await service.fetch("/upload", { method: "POST", token: owner.token, body, headers });
      expect(await told(answer)).toEqual(unauthorized);
      await nothingLeft();
    },
  );

  test("upload: publishes when only the address was changed while the file was stored", async () => {
    const node = service.interrupted("storing", () => patchMe({ email: `new-${owner.email}` }));
    const answer = await node.upload(owner.token, photo);
    const { id } = (await answer.json()) as { id: string };
    expect(answer.status).toBe(200);
    await service.fetch(`/posts/${id}`, { method: "DELETE", token: owner.token });
    await nothingLeft();
  });

  test("upload: may take longer than its token is valid, unless the token was revoked before it expired", async () => {
    const expires = Math.floor(Date.now() / 1000) + 4;
    const shortLived = (jti: string) =>
      new SignJWT({ sub: owner.id, aud: ["fastapi-users:auth"], exp: expires, jti })
        .setProtectedHeader({ alg: "HS256" })
        .sign(new TextEncoder().encode(secret));
    const [ended, kept] = [await shortLived("ended"), await shortLived("kept")];
    const expire = async () => {
      await Bun.sleep(expires * 1000 - Date.now() + 50);
      expect(await status(service.fetch("/users/me", { token: kept }))).toBe(401);
      // Removes expired revocations.
      await service.services.sweeper.sweep();
    };
    const loggedOut = service.interrupted("storing", async () => {
      await logOut({ ...owner, token: ended });
      await expire();
    });
    const [refused, late] = await Promise.all([
      loggedOut.upload(ended, photo),
      service.interrupted("storing", expire).upload(kept, photo),
    ]);
    expect(await told(refused)).toEqual(unauthorized);
    expect(late.status).toBe(200);
    const { id } = (await late.json()) as { id: string };
    await service.fetch(`/posts/${id}`, { method: "DELETE", token: owner.token });
    await nothingLeft();
  });

  test("upload: answers 403 and leaves nothing when REQUIRE_VERIFIED_EMAIL is on and the address is no longer verified", async () => {
    const strict = await TestService.start({ REQUIRE_VERIFIED_EMAIL: "true" });
    const email = "ada@example.com";
    await strict.register(email);
    await strict.fetch("/auth/request-verify-token", { json: { email } });
    await strict.fetch("/auth/verify", { json: { token: await strict.mailedToken(email) } });
    const { access_token: token } = (await (await strict.login(email)).json()) as { access_token: string };
    const move = () =>
      strict.fetch("/users/me", { method: "PATCH", token, json: { email: "new@example.com" } });
    const answer = await strict.interrupted("storing", move).upload(token, photo);
    expect(await told(answer)).toEqual(forbidden);
    expect([await strict.mediaFiles(), await strict.services.database.posts.page(1)]).toEqual([[], []]);
    await strict.close();
  });
});

describe("mailed tokens", () => {
  const used = async (path: "reset-password" | "verify", token: string) =>
    told(await service.fetch(`/auth/${path}`, { json: { token, password: "a brand new secret" } }));
  const bad = [
    [400, { detail: "RESET_PASSWORD_BAD_TOKEN" }],
    [400, { detail: "VERIFY_USER_BAD_TOKEN" }],
  ];

  test.each<[string, () => Promise<unknown>]>([
    ["a change of the address", () => patchMe({ email: `new-${owner.email}` })],
    [
      "a change of the address that was undone",
      async () => [await patchMe({ email: `new-${owner.email}` }), await patchMe({ email: owner.email })],
    ],
    ["a change to the same address in upper case", () => patchMe({ email: owner.email.toUpperCase() })],
    ["a change of the address by a superuser", () => patch(owner.id, { email: `new-${owner.email}` })],
    ["a change of the password", () => patchMe({ password: "another new secret" })],
    [
      "deactivation and reactivation of the account",
      async () => [await patch(owner.id, { is_active: false }), await patch(owner.id, { is_active: true })],
    ],
  ])("mailed tokens: are invalid after %s", async (_, change) => {
    const resetToken = await mailed("forgot-password", owner.email);
    const verifyToken = await mailed("request-verify-token", owner.email);
    await change();
    expect([await used("reset-password", resetToken), await used("verify", verifyToken)]).toEqual(bad);
  });

  test("mailed tokens: stay valid after a logout, a login and a change to the same address", async () => {
    const resetToken = await mailed("forgot-password", owner.email);
    const verifyToken = await mailed("request-verify-token", owner.email);
    await patchMe({ email: owner.email });
    await logOut(owner);
    await service.login(owner.email);
    expect(await used("verify", verifyToken)).toMatchObject([200, { is_verified: true }]);
    expect(await used("reset-password", resetToken)).toEqual([200, null]);
  });

  test("mailed tokens: a password reset fails when the address was changed during hashing", async () => {
    const token = await mailed("forgot-password", owner.email);
    const node = service.interrupted("hashing", () => patchMe({ email: `new-${owner.email}` }));
    const answer = await node.fetch("/auth/reset-password", {
      json: { token, password: "a brand new secret" },
    });
    expect(await told(answer)).toEqual(bad[0]!);
    expect(await status(service.login(`new-${owner.email}`))).toBe(200);
  });
});

describe("login", () => {
  test("login: keeps a password that was changed during the rehash, and issues a token that is already revoked", async () => {
    const imported = await Bun.password.hash("imported secret", { algorithm: "bcrypt", cost: 4 });
    const { users } = service.services.database;
    await users.change("operator", owner, { hashedPassword: imported });
    const node = service.interrupted("hashing", () => patch(owner.id, { password: "a brand new secret" }));
    const answer = await node.login(owner.email, "imported secret");
    const { access_token: token } = (await answer.json()) as { access_token: string };
    expect(await status(service.fetch("/users/me", { token }))).toBe(401);
    expect(await status(service.login(owner.email, "a brand new secret"))).toBe(200);
    expect(await status(service.login(owner.email, "imported secret"))).toBe(400);
  });
});

test("PATCH /users/me: one token can change the address and then the password", async () => {
  const email = `new-${owner.email}`;
  expect(await status(patchMe({ email }))).toBe(200);
  expect(await status(service.fetch("/users/me", { token: owner.token }))).toBe(200);
  expect(await status(patchMe({ password: "a brand new secret" }))).toBe(200);
  expect(await status(service.fetch("/users/me", { token: owner.token }))).toBe(401);
  expect(await status(service.login(email, "a brand new secret"))).toBe(200);
});
