import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import { parseName } from "../../src/accounts/user-name.ts";
import { TestService } from "../support/service.ts";

let service: TestService;
let user: Awaited<ReturnType<TestService["signUp"]>>;
beforeAll(async () => {
  service = await TestService.start();
  user = await service.signUp();
});
afterAll(() => service.close());

const patch = async (json: unknown) => {
  const answer = await service.fetch("/users/me", { method: "PATCH", token: user.token, json });
  return [answer.status, await answer.json()];
};
const me = async () => (await service.fetch("/users/me", { token: user.token })).json();

describe("display names", () => {
  test("PATCH /users/me: sets, keeps and removes the display name", async () => {
    expect(await patch({ name: " Ada " })).toMatchObject([200, { name: "Ada" }]);
    expect(await patch({})).toMatchObject([200, { name: "Ada" }]);
    expect(await me()).toMatchObject({ name: "Ada" });
    expect(await patch({ name: null })).toMatchObject([200, { name: null }]);
    expect(await me()).toMatchObject({ name: null });
  });

  test("PATCH /users/{id}: lets a superuser change a display name", async () => {
    const root = await service.signUp();
    await service.promote(root);
    const json = { name: "Grace" };
    const answer = await service.fetch(`/users/${user.id}`, { method: "PATCH", token: root.token, json });
    expect(await answer.json()).toMatchObject({ id: user.id, name: "Grace" });
  });

  test.each([
    ["", "string_too_short"],
    [" \u200b ", "string_too_short"],
    ["\u3164\u115f\uffa0", "string_too_short"],
    ["\u2800", "string_too_short"],
    ["x".repeat(51), "string_too_long"],
    ["x".repeat(60_000), "string_too_long"],
    ["a\nb", "value_error"],
    ["a\0b", "value_error"],
    ["a\u202eb", "value_error"],
    ["a\u200f", "value_error"],
    ["a\ud800b", "value_error"],
    [7, "string_type"],
    [{}, "string_type"],
  ])("PATCH /users/me: rejects the display name %j with 422 %s", async (name, type) => {
    expect(await patch({ name })).toMatchObject([422, { detail: [{ type, loc: ["body", "name"] }] }]);
  });

  test("display name: has at most 50 code points after trimming", () => {
    expect(parseName(` ${"😀".repeat(50)} `)).toBe("😀".repeat(50));
    expect(parseName("😀".repeat(51))).toMatchObject({ type: "string_too_long" });
  });
});
