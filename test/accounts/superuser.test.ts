import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";

import { pngPhoto } from "../support/media-samples.ts";
import { TestService } from "../support/service.ts";

let service: TestService;
let root: Awaited<ReturnType<TestService["signUp"]>>;
let user: typeof root;
beforeAll(async () => {
  service = await TestService.start();
  root = await service.signUp();
  await service.promote(root);
});
afterAll(() => service.close());
beforeEach(async () => {
  user = await service.signUp();
});

const ask = (method: string, id: string, json?: unknown, token: string | undefined = root.token) =>
  service.fetch(`/users/${id}`, { method, token, ...(json === undefined ? {} : { json }) });
const told = async (answer: Response) => [answer.status, await answer.json()];

describe("superusers", () => {
  test("GET /users/{id}: returns any account to a superuser", async () => {
    expect(await told(await ask("GET", user.id.toUpperCase()))).toEqual([
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

  test("/users/{id}: answers 403 to other users, before 404 and 422", async () => {
    for (const id of [user.id, crypto.randomUUID(), "x"]) {
      expect(await told(await ask("GET", id, undefined, user.token))).toEqual([403, { detail: "Forbidden" }]);
      expect((await ask("PATCH", id, { email: 1 }, user.token)).status).toBe(403);
      expect((await ask("DELETE", id, undefined, user.token)).status).toBe(403);
      expect((await ask("GET", id, undefined, "")).status).toBe(401);
    }
  });

  test("/users/{id}: answers 404 for an unknown or malformed id", async () => {
    for (const id of [crypto.randomUUID(), "x", "%00", "..%2f"]) {
      expect(await told(await ask("GET", id))).toEqual([404, { detail: "Not Found" }]);
      expect((await ask("PATCH", id, {})).status).toBe(404);
      expect((await ask("DELETE", id)).status).toBe(404);
    }
  });

  test("PATCH /users/{id}: sets flags, and a deactivation revokes tokens for good", async () => {
    expect(await told(await ask("PATCH", user.id, { is_active: "off", is_verified: true }))).toMatchObject([
      200,
      { is_active: false, is_verified: true },
    ]);
    expect((await service.login(user.email)).status).toBe(400);
    expect((await service.fetch("/users/me", { token: user.token })).status).toBe(401);
    expect((await ask("PATCH", user.id, { is_active: true })).status).toBe(200);
    expect((await service.fetch("/users/me", { token: user.token })).status).toBe(401);
    expect((await ask("PATCH", user.id, { is_active: null })).status).toBe(422);
  });

  test("DELETE /users/{id}: deletes the user's posts and media, and revokes their tokens", async () => {
    const upload = await service.upload(user.token, new Blob([await pngPhoto()]));
    const { id } = (await upload.json()) as { id: string };
    expect((await ask("DELETE", user.id)).status).toBe(204);
    expect((await service.fetch(`/posts/${id}`, { token: root.token })).status).toBe(404);
    expect((await service.fetch("/users/me", { token: user.token })).status).toBe(401);
    await service.services.background.drain();
    expect(await service.mediaFiles()).toBeEmpty();
    expect((await service.register(user.email)).status).toBe(201);
  });
});
