import { afterAll, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";

import { pngPhoto } from "../support/media-samples.ts";
import { freshDatabase, hasPostgres } from "../support/postgres.ts";
import { TestService } from "../support/service.ts";

// Many passwords are hashed here.
setDefaultTimeout(60_000);

describe.skipIf(!hasPostgres)("sessions of two nodes on one database", () => {
  let a: TestService;
  let b: TestService;
  let ada: Awaited<ReturnType<TestService["signUp"]>>;
  let session: string;
  beforeAll(async () => {
    const settings = {
      DATABASE_URL: await freshDatabase(),
      JWT_SECRET_KEY: "the same secret on every node, 32 bytes",
      PUBLIC_URL: "https://photos.example.com",
      RATE_LIMIT: "on",
    };
    [a, b] = await Promise.all([TestService.start(settings), TestService.start(settings)]);
  });
  afterAll(() => Promise.all([a.close(), b.close()]));
  beforeEach(async () => {
    ada = await a.signUp();
    session = await a.beginSession(ada.email);
  });

  const me = async (node: TestService, token: string) => (await node.fetch("/users/me", { token })).status;
  const patch = (node: TestService, json: object, token = session) =>
    node.fetch("/users/me", { method: "PATCH", token, json });

  test.each<[string, () => Promise<unknown>]>([
    ["a logout", () => b.fetch("/auth/session/logout", { method: "POST", token: session })],
    [
      "its end by another device",
      () => b.fetch("/users/me/sessions", { method: "DELETE", token: ada.token }),
    ],
    ["a new password", () => patch(b, { password: "a brand new secret" }, ada.token)],
    ["a deactivation", () => b.services.database.users.change("operator", ada, { isActive: false })],
  ])("sessions: %s at one node ends a session at the other at once", async (_, end) => {
    expect([await me(a, session), await me(b, session)]).toEqual([200, 200]);
    await end();
    expect([await me(a, session), await me(b, session)]).toEqual([401, 401]);
  });

  test("upload: answers 401 and leaves nothing when another node ended its session meanwhile", async () => {
    const node = a.interrupted("storing", () =>
      b.fetch("/auth/session/logout", { method: "POST", token: session }),
    );
    const response = await node.upload(session, new Blob([await pngPhoto()]));
    expect([response.status, await response.json()]).toEqual([401, { detail: "Unauthorized" }]);
    await a.services.background.drain();
    expect([await a.mediaFiles(), await b.services.database.posts.page(1)]).toEqual([[], []]);
  });

  test("sessions: a use that one node has recorded is not recorded again by the other", async () => {
    const { sessions } = b.services.database;
    const [found] = await sessions.list(ada.id, new Date());
    const old = { id: found!.id, lastUsedAt: new Date(0), expiresAt: found!.expiresAt };
    await sessions.extend(old, new Date(Date.now() + 60_000));
    const lastUse = async () => (await sessions.list(ada.id, new Date()))[0]!.lastUsedAt.getTime();
    await Promise.all([me(a, session), me(b, session)]);
    await Promise.all([a.drain(), b.drain()]);
    const recorded = await lastUse();
    expect(recorded).toBeGreaterThan(0);
    await Promise.all([me(a, session), me(b, session)]);
    await Promise.all([a.drain(), b.drain()]);
    expect(await lastUse()).toBe(recorded);
  });

  test("rate limits: wrong passwords at a login of one node count for the current password at the other", async () => {
    const change = (node: TestService, current_password: string) =>
      patch(node, { password: "a brand new secret", current_password });
    for (let i = 0; i < 10; i++) {
      expect((await a.login(ada.email, "wrong")).status).toBe(400);
      expect((await change(b, "wrong")).status).toBe(400);
    }
    expect((await change(a, "correct horse battery")).status).toBe(429);
    expect((await b.login(ada.email)).status).toBe(429);
    expect(await me(b, session)).toBe(200);
  });
});
