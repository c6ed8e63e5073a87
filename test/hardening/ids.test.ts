import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import { pngPhoto } from "../support/media-samples.ts";
import { TestService } from "../support/service.ts";

let service: TestService;
beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.close());

/** The forms that Python's `uuid.UUID` accepts, encoded for a path. */
const forms = (id: string) => [
  id.toUpperCase(),
  id.replaceAll("-", ""),
  encodeURIComponent(`{${id}}`),
  `urn:uuid:${id}`,
  id.replace(/./, (first) => `%${first.charCodeAt(0).toString(16)}`),
];
const none = ["nope", "%00", "%ff", "a%2fb", "x".repeat(5000), "'%20or%201=1", "12345678"];

describe("ids", () => {
  test("ids: a post's id is accepted in every UUID form, and anything else gets 404", async () => {
    const { token } = await service.signUp();
    const { id } = (await (await service.upload(token, new Blob([await pngPhoto()]))).json()) as {
      id: string;
    };
    for (const form of forms(id)) expect((await service.fetch(`/posts/${form}`, { token })).status).toBe(200);
    for (const form of none)
      for (const method of ["GET", "DELETE"]) {
        const answer = await service.fetch(`/posts/${form}`, { method, token });
        expect(answer.status).toBe(404);
        expect(await answer.json()).toEqual({ detail: "Post not found" });
      }
    const upper = await service.fetch(`/posts/${id.toUpperCase()}`, { method: "DELETE", token });
    expect(upper.status).toBe(200);
  });

  test("ids: a user's id is accepted in every UUID form, and anything else gets 404", async () => {
    const [admin, user] = [await service.signUp(), await service.signUp()];
    await service.promote(admin);
    for (const form of forms(user.id))
      expect((await service.fetch(`/users/${form}`, { token: admin.token })).status).toBe(200);
    for (const form of none)
      for (const method of ["GET", "DELETE"]) {
        const answer = await service.fetch(`/users/${form}`, { method, token: admin.token });
        expect(answer.status).toBe(404);
        expect(await answer.json()).toEqual({ detail: "Not Found" });
      }
  });
});
