import { expect, test } from "bun:test";

import type { TestProvider } from "../../support/oidc-provider.ts";
import { errorOf, serviceWithProvider, signIn, tokenOf } from "../../support/provider-sign-in.ts";
import type { TestService } from "../../support/service.ts";

let provider: TestProvider;
let service: TestService;
serviceWithProvider((started) => ({ provider, service } = started), {
  PASSWORD_LOGIN: "off",
  OIDC_NAME: "Sign in with Example",
});

const off: [number, unknown] = [403, "PASSWORD_LOGIN_OFF"];
const password = "correct horse battery";

test("PASSWORD_LOGIN=off: refuses every route of passwords, before it reads the body", async () => {
  const user = await service.signUp();
  const form = new URLSearchParams({ username: user.email, password });
  for (const path of ["jwt", "session", "cookie"])
    for (const body of [form, "", new URLSearchParams()])
      expect(await errorOf(await service.fetch(`/auth/${path}/login`, { method: "POST", body }))).toEqual(
        off,
      );
  for (const [path, json] of [
    ["register", { email: "grace@example.com", password }],
    ["register", {}],
    ["forgot-password", { email: user.email }],
    ["reset-password", { token: "x", password }],
  ] as const)
    expect(await errorOf(await service.fetch(`/auth/${path}`, { json }))).toEqual(off);
  const patch = { method: "PATCH", token: user.token, json: { password: "another horse battery" } };
  expect(await errorOf(await service.fetch("/users/me", patch))).toEqual(off);
  await service.promote(user);
  expect(await errorOf(await service.fetch(`/users/${user.id}`, patch))).toEqual(off);
});

test("PASSWORD_LOGIN=off: a password counts neither as a way to sign in nor as a confirmation", async () => {
  const user = await service.signUp();
  await service.services.database.users.change("operator", user, { isVerified: true });
  provider.user = { sub: crypto.randomUUID(), email: user.email, email_verified: true };
  const token = await tokenOf(await signIn(service, provider));
  const answer = await service.fetch("/users/me/identities", { token });
  const { identities, has_password } = (await answer.json()) as {
    identities: { id: string }[];
    has_password: boolean;
  };
  expect(has_password).toBe(false);
  const unlink = { method: "DELETE", token };
  const unlinked = await service.fetch(`/users/me/identities/${identities[0]!.id}`, unlink);
  expect(await errorOf(unlinked)).toEqual([400, "LAST_SIGN_IN_METHOD"]);
  // Another credential than a session that has just begun, with the right password.
  const removal = { method: "DELETE", token: user.token, json: { password } };
  expect(await errorOf(await service.fetch("/users/me", removal))).toEqual([
    400,
    "CURRENT_PASSWORD_REQUIRED",
  ]);
  expect((await service.fetch("/users/me", { ...removal, token, json: {} })).status).toBe(204);
});

test("PASSWORD_LOGIN=off: the page learns of it, and of the button's text", async () => {
  const page = await (await service.fetch("/")).text();
  const [, settings = ""] = /data-settings="([^"]*)"/.exec(page) ?? [];
  expect(JSON.parse(settings.replaceAll("&quot;", '"'))).toMatchObject({
    passwordLogin: false,
    provider: { name: "Sign in with Example" },
  });
  expect(page).not.toContain(provider.settings["OIDC_CLIENT_ID"]!);
});
