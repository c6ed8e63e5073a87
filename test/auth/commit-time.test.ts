import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";

import { SignJWT } from "jose";

import { pngPhoto } from "../support/media-samples.ts";
import { TestService } from "../support/service.ts";

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

/** What ends an account's token, or all of them. */
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

describe("PATCH /users/me that waits for its hash", () => {
  test.each(ends)("is 401 and changes nothing when meanwhile %s", async (_, end) => {
    let before: unknown;
    const node = service.interrupted("hashing", async () => {
      await end(owner);
      before = await account(owner);
    });
    const stolen = { email: `thief-${owner.email}`, password: "the thief's password" };
    expect(await told(await patchMe(stolen, node))).toEqual(unauthorized);
    expect(await account(owner)).toEqual(before as never);
  });

  test("of two at once by one token, one wins", async () => {
    const passwords = ["first new secret", "second new secret"];
    const answers = await Promise.all(passwords.map((password) => patchMe({ password })));
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 401]);
    const winner = passwords[answers.findIndex((answer) => answer.ok)]!;
    expect(await status(service.login(owner.email, winner))).toBe(200);
  });

  test("goes on when only the address was changed meanwhile, and keeps it", async () => {
    const email = `new-${owner.email}`;
    const node = service.interrupted("hashing", () => patchMe({ email }));
    expect(await told(await patchMe({ password: "a brand new secret" }, node))).toMatchObject([
      200,
      { email },
    ]);
    expect(await status(service.login(email, "a brand new secret"))).toBe(200);
  });

  test("refuses a password that became the address meanwhile", async () => {
    const email = `new-${owner.email}`;
    const node = service.interrupted("hashing", () => patchMe({ email }));
    expect(await told(await patchMe({ password: email }, node))).toMatchObject([
      400,
      { detail: { code: "UPDATE_USER_INVALID_PASSWORD" } },
    ]);
    expect(await status(service.login(email))).toBe(200);
  });

  test("never carries is_verified to an address that nobody proved", async () => {
    const victim = `victim-${owner.email}`;
    const token = await mailed("request-verify-token", owner.email);
    // It comes back to its own address and proves it, while a second change to the victim's waits.
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

describe("an address that looks like the verified one", () => {
  test.each([
    ["admin", "admın", false],
    ["strasse", "straße", false],
    ["ada", "Ada", false],
    ["ada", "ada", true],
  ])("%s changed to %s: verified afterwards is %p", async (local, other, stays) => {
    const domain = `${crypto.randomUUID()}.example.com`;
    owner = await service.signUp(`${local}@${domain}`);
    const token = await mailed("request-verify-token", owner.email);
    expect(await status(service.fetch("/auth/verify", { json: { token } }))).toBe(200);
    const email = `${other}@${domain}`;
    expect(await told(await patchMe({ email: `${other}@${domain.toUpperCase()}` }))).toMatchObject([
      200,
      { email, is_verified: stays },
    ]);
  });
});

describe("a superuser's PATCH that waits for its hash", () => {
  let admin: Account;
  beforeEach(async () => {
    admin = await service.signUp();
    await service.promote(admin);
  });
  const password = "set by a superuser";
  const waiting = (event: () => Promise<unknown>) =>
    patch(owner.id, { password, is_superuser: true }, service.interrupted("hashing", event), admin);

  test.each(ends)("is 401 and changes nothing when meanwhile %s", async (_, end) => {
    const before = await account(owner);
    expect(await told(await waiting(() => end(admin)))).toEqual(unauthorized);
    expect(await account(owner)).toEqual(before!);
  });

  test("is 403 and changes nothing when its sender is no superuser any more", async () => {
    const before = await account(owner);
    expect(await told(await waiting(() => patch(admin.id, { is_superuser: false })))).toEqual(forbidden);
    expect(await account(owner)).toEqual(before!);
  });

  test("is 404 when the account was deleted meanwhile", async () => {
    expect(await status(waiting(() => remove(owner)))).toBe(404);
  });

  test("holds over a reset by the account's owner, and ends the tokens of both", async () => {
    expect(await status(waiting(() => reset(owner)))).toBe(200);
    expect(await status(service.login(owner.email, password))).toBe(200);
    expect(await status(service.login(owner.email, "the owner's new password"))).toBe(400);
  });

  test("says is_verified of the address that the superuser saw, not of a later one", async () => {
    const email = `new-${owner.email}`;
    const node = service.interrupted("hashing", () => patch(owner.id, { email }));
    const answer = await patch(owner.id, { password, is_verified: true }, node, admin);
    expect(await told(answer)).toMatchObject([200, { email, is_verified: false }]);
  });
});

test("of two superusers who demote each other at once, one stays", async () => {
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

describe("an upload", () => {
  const nothingLeft = async () => {
    for (let tries = 0; tries < 50 && (await service.tempFiles()).length > 0; tries++) await Bun.sleep(2);
    const { posts } = service.services.database;
    expect([await service.tempFiles(), await service.mediaFiles(), await posts.page(1)]).toEqual([
      [],
      [],
      [],
    ]);
    expect(await posts.countUnfinished()).toEqual({ pending: 0, deleting: 0 });
  };

  test.each(ends)("is 401 and leaves nothing when %s while its file was stored", async (_, end) => {
    const node = service.interrupted("storing", () => end(owner));
    expect(await told(await node.upload(owner.token, photo))).toEqual(unauthorized);
    await service.services.background.drain();
    await nothingLeft();
  });

  test.each(ends)("is 401 and leaves nothing when %s while its body came in", async (_, end) => {
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
      // Nothing is pulled before the request was let in and its body is read.
      { highWaterMark: 0 },
    );
    const headers = { "content-type": whole.headers.get("content-type")! };
    const answer = await service.fetch("/upload", { method: "POST", token: owner.token, body, headers });
    expect(await told(answer)).toEqual(unauthorized);
    await nothingLeft();
  });

  test("is published when only the address was changed meanwhile", async () => {
    const node = service.interrupted("storing", () => patchMe({ email: `new-${owner.email}` }));
    const answer = await node.upload(owner.token, photo);
    const { id } = (await answer.json()) as { id: string };
    expect(answer.status).toBe(200);
    await service.fetch(`/posts/${id}`, { method: "DELETE", token: owner.token });
    await nothingLeft();
  });

  test("may outlast its token, unless that was logged out before it expired", async () => {
    const expires = Math.floor(Date.now() / 1000) + 4;
    const shortLived = (jti: string) =>
      new SignJWT({ sub: owner.id, aud: ["fastapi-users:auth"], exp: expires, jti })
        .setProtectedHeader({ alg: "HS256" })
        .sign(new TextEncoder().encode(secret));
    const [ended, kept] = [await shortLived("ended"), await shortLived("kept")];
    const expire = async () => {
      await Bun.sleep(expires * 1000 - Date.now() + 50);
      expect(await status(service.fetch("/users/me", { token: kept }))).toBe(401);
      // Forgets the tokens that are not needed any more.
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

  test("with REQUIRE_VERIFIED_EMAIL is 403 and leaves nothing when the address is not verified any more", async () => {
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
    ["the address was changed", () => patchMe({ email: `new-${owner.email}` })],
    [
      "the address was changed and changed back",
      async () => [await patchMe({ email: `new-${owner.email}` }), await patchMe({ email: owner.email })],
    ],
    ["the address was changed to a look-alike", () => patchMe({ email: owner.email.toUpperCase() })],
    ["a superuser changed the address", () => patch(owner.id, { email: `new-${owner.email}` })],
    ["the password was changed", () => patchMe({ password: "another new secret" })],
    [
      "the account was deactivated and activated again",
      async () => [await patch(owner.id, { is_active: false }), await patch(owner.id, { is_active: true })],
    ],
  ])("are dead once %s", async (_, change) => {
    const resetToken = await mailed("forgot-password", owner.email);
    const verifyToken = await mailed("request-verify-token", owner.email);
    await change();
    expect([await used("reset-password", resetToken), await used("verify", verifyToken)]).toEqual(bad);
  });

  test("survive a logout, a login and a change to the same address", async () => {
    const resetToken = await mailed("forgot-password", owner.email);
    const verifyToken = await mailed("request-verify-token", owner.email);
    await patchMe({ email: owner.email });
    await logOut(owner);
    await service.login(owner.email);
    expect(await used("verify", verifyToken)).toMatchObject([200, { is_verified: true }]);
    expect(await used("reset-password", resetToken)).toEqual([200, null]);
  });

  test("a reset that waits for its hash fails when the address was changed meanwhile", async () => {
    const token = await mailed("forgot-password", owner.email);
    const node = service.interrupted("hashing", () => patchMe({ email: `new-${owner.email}` }));
    const answer = await node.fetch("/auth/reset-password", {
      json: { token, password: "a brand new secret" },
    });
    expect(await told(answer)).toEqual(bad[0]!);
    expect(await status(service.login(`new-${owner.email}`))).toBe(200);
  });
});

describe("a login", () => {
  test("whose imported hash is replaced while the password is changed keeps the new one and gives a dead token", async () => {
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

test("changing the address and then the password works with the token of before", async () => {
  const email = `new-${owner.email}`;
  expect(await status(patchMe({ email }))).toBe(200);
  expect(await status(service.fetch("/users/me", { token: owner.token }))).toBe(200);
  expect(await status(patchMe({ password: "a brand new secret" }))).toBe(200);
  expect(await status(service.fetch("/users/me", { token: owner.token }))).toBe(401);
  expect(await status(service.login(email, "a brand new secret"))).toBe(200);
});
