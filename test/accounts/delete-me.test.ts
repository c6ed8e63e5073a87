import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";

import { pngPhoto } from "../support/media-samples.ts";
import { TestService } from "../support/service.ts";

const password = "correct horse battery";

let service: TestService;
let user: Awaited<ReturnType<TestService["signUp"]>>;
beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.close());
beforeEach(async () => {
  user = await service.signUp();
});

const remove = (json: unknown, token: string | undefined = user.token) =>
  service.fetch("/users/me", { method: "DELETE", token, json });

describe("DELETE /users/me", () => {
  test("DELETE /users/me: deletes the account with its posts, media, tokens and sessions", async () => {
    const other = await service.signUp();
    const upload = await service.upload(user.token, new Blob([await pngPhoto()]));
    const { id } = (await upload.json()) as { id: string };
    const sessions = [await service.beginSession(user.email), await service.beginSession(user.email)];
    const answer = await remove({ password }, sessions[0]);
    expect([answer.status, await answer.text()]).toEqual([204, ""]);
    for (const token of sessions) expect((await service.fetch("/users/me", { token })).status).toBe(401);
    expect((await service.fetch(`/posts/${id}`, { token: other.token })).status).toBe(404);
    expect((await service.fetch("/users/me", { token: user.token })).status).toBe(401);
    expect((await remove({ password })).status).toBe(401);
    expect((await service.login(user.email)).status).toBe(400);
    for (let i = 0; i < 2; i++) await service.services.background.drain();
    expect(service.logged.some((line) => line.includes("post.bytes_not_deleted"))).toBe(false);
    expect((await service.register(user.email)).status).toBe(201);
  });

  test("DELETE /users/me: answers CURRENT_PASSWORD_WRONG and keeps the account", async () => {
    for (const wrong of ["wrong horse battery", "", "a\0b"]) {
      const answer = await remove({ password: wrong });
      expect([answer.status, await answer.json()]).toEqual([400, { detail: "CURRENT_PASSWORD_WRONG" }]);
    }
    expect((await service.fetch("/users/me", { token: user.token })).status).toBe(200);
  });

  test("DELETE /users/me: answers 401 before 422, and 422 without a password", async () => {
    expect((await remove({}, "")).status).toBe(401);
    for (const json of [{}, { password: null }, { password: 7 }, []])
      expect((await remove(json)).status).toBe(422);
    expect((await service.fetch("/users/me", { method: "DELETE", token: user.token })).status).toBe(422);
  });

  test("DELETE /users/me: exactly one of several concurrent calls succeeds", async () => {
    const answers = await Promise.all([1, 2, 3, 4].map(() => remove({ password })));
    expect(answers.map(({ status }) => status).sort()).toEqual([204, 401, 401, 401]);
  });

  test("DELETE /users/me: wrong passwords count against the limit of logins and current passwords", async () => {
    const limited = await TestService.start({ RATE_LIMIT: "on" });
    try {
      const { token, email } = await limited.signUp();
      const session = await limited.beginSession(email);
      const tries = [];
      for (let i = 0; i < 21; i++)
        tries.push(
          (await limited.fetch("/users/me", { method: "DELETE", token, json: { password: "wrong" } })).status,
        );
      expect(tries).toEqual([...Array.from({ length: 20 }, () => 400), 429]);
      expect((await limited.login(email)).status).toBe(429);
      const change = { password: "a brand new secret", current_password: password };
      const patch = await limited.fetch("/users/me", { method: "PATCH", token: session, json: change });
      expect(patch.status).toBe(429);
    } finally {
      await limited.close();
    }
  });
});
