import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import { pngPhoto } from "../support/media-samples.ts";
import { TestService } from "../support/service.ts";

let service: TestService;
let root: Awaited<ReturnType<TestService["signUp"]>>;
beforeAll(async () => {
  service = await TestService.start();
  root = await service.signUp("root@example.com");
  await service.promote(root);
});
afterAll(() => service.close());

interface Page {
  users: { id: string; email: string; posts: number; bytes: number }[];
  next_cursor: string | null;
}
const list = async (query: string, token = root.token) => {
  const answer = await service.fetch(`/users${query}`, { token });
  return { status: answer.status, body: (await answer.json()) as Page & { detail: unknown } };
};

describe("GET /users", () => {
  test("GET /users: shows accounts with their usage, newest first, in pages", async () => {
    const ada = await service.signUp("ada@example.com");
    const upload = await service.upload(ada.token, new Blob([await pngPhoto()]));
    const { bytes } = (await upload.json()) as { bytes: number };
    const first = await list("?limit=1");
    expect(first.status).toBe(200);
    expect(first.body.users).toEqual([
      {
        id: ada.id,
        email: ada.email,
        name: null,
        is_active: true,
        is_superuser: false,
        is_verified: false,
        created_at: expect.stringMatching(/^\d{4}-.*Z$/),
        posts: 1,
        bytes,
      } as Page["users"][0],
    ]);
    const second = await list(`?limit=1&cursor=${first.body.next_cursor}`);
    expect(second.body).toMatchObject({ users: [{ id: root.id, posts: 0, bytes: 0 }], next_cursor: null });
  });

  test("GET /users: searches addresses and names", async () => {
    const token = (await service.signUp("searched@example.com")).token;
    await service.fetch("/users/me", { method: "PATCH", token, json: { name: "Grace Hopper" } });
    for (const search of ["SEARCHED@", "grace%20h", "%20grace"]) {
      const { users } = (await list(`?search=${search}`)).body;
      expect([search, users.map(({ email }) => email)]).toEqual([search, ["searched@example.com"]]);
    }
    expect((await list("?search=%25")).body).toMatchObject({ users: [], next_cursor: null });
  });

  test.each([
    [`?search=${"x".repeat(255)}`, "search", "string_too_long"],
    ["?search=a%00b", "search", "value_error"],
    ["?limit=0", "limit", "greater_than_equal"],
    ["?limit=201", "limit", "less_than_equal"],
    ["?limit=x", "limit", "int_parsing"],
    ["?cursor=x", "cursor", "value_error"],
  ])("GET /users: rejects %s with 422", async (query, field, type) => {
    const { status, body } = await list(query);
    expect([status, body.detail]).toMatchObject([422, [{ type, loc: ["query", field] }]]);
  });

  test("GET /users: answers 403 to other users, before 422, and 401 without a token", async () => {
    const { token } = await service.signUp();
    expect((await list("?limit=0", token)).status).toBe(403);
    expect((await list("", "")).status).toBe(401);
  });

  test("superusers: leave an audit line when they change or delete an account", async () => {
    const user = await service.signUp();
    const ask = (method: string, json?: unknown) =>
      service.fetch(`/users/${user.id}`, { method, token: root.token, ...(json ? { json } : {}) });
    await ask("PATCH", { is_active: false });
    await ask("DELETE");
    const lines = service.logged.map((line) => JSON.parse(line) as Record<string, unknown>);
    const audit = lines.filter((line) => line["actor"] === root.id && line["user"] === user.id);
    expect(audit).toMatchObject([
      { event: "user.changed", changes: ["is_active"], id: expect.any(String) },
      { event: "user.deleted", id: expect.any(String) },
    ]);
  });
});

describe("usage", () => {
  test("GET /users/me: tells the usage only when asked for it", async () => {
    const ada = await service.signUp();
    const me = async (query: string) =>
      (await (await service.fetch(`/users/me${query}`, { token: ada.token })).json()) as { usage?: object };
    expect(await me("")).not.toHaveProperty("usage");
    expect(await me("?x=y")).not.toHaveProperty("usage");
    expect((await me("?include=usage")).usage).toEqual({ posts: 0, bytes: 0, quota: null });
    const upload = await service.upload(ada.token, new Blob([await pngPhoto()]));
    const { id, bytes } = (await upload.json()) as { id: string; bytes: number };
    expect((await me("?include=usage")).usage).toEqual({ posts: 1, bytes, quota: null });
    await service.fetch(`/posts/${id}`, { method: "DELETE", token: ada.token });
    expect((await me("?include=usage")).usage).toEqual({ posts: 0, bytes: 0, quota: null });
  });

  test("GET /users/me: rejects an unknown include with 422", async () => {
    const answer = await service.fetch("/users/me?include=usage&include=secrets", { token: root.token });
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({
      detail: [{ type: "string_pattern_mismatch", loc: ["query", "include"] }],
    });
  });
});
