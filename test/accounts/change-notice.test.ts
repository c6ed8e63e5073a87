import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";

import { TestService } from "../support/service.ts";

let service: TestService;
let ada: Awaited<ReturnType<TestService["signUp"]>>;
beforeAll(async () => {
  service = await TestService.start({ PUBLIC_URL: "https://photos.example.com" });
});
afterAll(() => service.close());
beforeEach(async () => {
  ada = await service.signUp();
  service.mails.length = 0;
});

const patch = (json: object, { id, token }: { id: string; token: string } = { ...ada, id: "me" }) =>
  service.fetch(`/users/${id}`, { method: "PATCH", token, json });

/** Receivers and subjects of the mails since the last call. */
async function sent(): Promise<string[][]> {
  await service.drain();
  return service.mails.splice(0).map(({ to, subject }) => [to, subject]);
}

test("notices: a new address and a new password are told to the address from before", async () => {
  const email = `new-${ada.email}`;
  await patch({ email });
  expect(await sent()).toEqual([[ada.email, "Your email address was changed"]]);
  await patch({ email: ada.email, password: "a brand new secret" });
  expect(await sent()).toEqual([[email, "Your email address and password were changed"]]);
  const { access_token: token } = (await (await service.login(ada.email, "a brand new secret")).json()) as {
    access_token: string;
  };
  await patch({ password: "another new secret" }, { id: "me", token });
  expect(await sent()).toEqual([[ada.email, "Your password was changed"]]);
});

test("notices: go to the owner when a superuser changes the account, and after a reset by mail", async () => {
  const root = await service.signUp();
  await service.promote(root);
  await patch({ password: "a brand new secret" }, { id: ada.id, token: root.token });
  expect(await sent()).toEqual([[ada.email, "Your password was changed"]]);
  await service.fetch("/auth/forgot-password", { json: { email: ada.email } });
  const token = await service.mailedToken(ada.email);
  await sent();
  const reset = { token, password: "another new secret" };
  expect((await service.fetch("/auth/reset-password", { json: reset })).status).toBe(200);
  expect(await sent()).toEqual([[ada.email, "Your password was changed"]]);
});

test("notices: none for a change that fails or changes neither address nor password", async () => {
  const bob = await service.signUp();
  await patch({ email: ada.email, is_active: false });
  await patch({ email: bob.email });
  await patch({ password: "short" });
  expect(await sent()).toEqual([]);
});

test("notices: go to the address that another request had set meanwhile", async () => {
  const email = `new-${ada.email}`;
  const node = service.interrupted("hashing", () => patch({ email }));
  const json = { email: `third-${ada.email}`, password: "a brand new secret" };
  await node.fetch("/users/me", { method: "PATCH", token: ada.token, json });
  expect(await sent()).toEqual([
    [ada.email, "Your email address was changed"],
    [email, "Your email address and password were changed"],
  ]);
});

test("notices: an address gets ten in an hour at most, and the changes succeed all the same", async () => {
  const limited = await TestService.start({ RATE_LIMIT: "on" });
  const { token } = await limited.signUp("mallory@example.com");
  const move = (email: string) =>
    limited.fetch("/users/me", { method: "PATCH", token, json: { email } }).then(({ status }) => status);
  for (let i = 0; i < 12; i++)
    expect([await move("victim@example.com"), await move("mallory@example.com")]).toEqual([200, 200]);
  await limited.drain();
  expect(limited.mails.filter(({ to }) => to === "victim@example.com")).toHaveLength(10);
  expect(limited.mails.filter(({ to }) => to === "mallory@example.com")).toHaveLength(10);
  await limited.close();
});
