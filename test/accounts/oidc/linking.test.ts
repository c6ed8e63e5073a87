import { beforeEach, describe, expect, setSystemTime, test } from "bun:test";

import type { TestProvider } from "../../support/oidc-provider.ts";
import {
  begin,
  complete,
  cookiesOf,
  errorOf,
  html,
  link,
  publicUrl,
  serviceWithProvider,
  signIn,
  tokenOf,
} from "../../support/provider-sign-in.ts";
import type { TestService } from "../../support/service.ts";

let provider: TestProvider;
let service: TestService;
let ada: Awaited<ReturnType<TestService["signUp"]>>;
serviceWithProvider((started) => ({ provider, service } = started));
beforeEach(async () => {
  provider.reset();
  const sub = crypto.randomUUID();
  provider.user = { sub, email: `${sub}@id.example.com`, email_verified: true };
  ada = await service.signUp();
});

const password = "correct horse battery";
const path = "/auth/associate/oidc/authorize";

interface SignInMethods {
  identities: { id: string; issuer: string; email: string | null }[];
  has_password: boolean;
}
const methods = async (token: string) =>
  (await (await service.fetch("/users/me/identities", { token })).json()) as SignInMethods;
const unlink = (id: string, token: string) =>
  service.fetch(`/users/me/identities/${id}`, { method: "DELETE", token });

/** Runs a task as if this many minutes had passed. */
async function later(minutes: number, task: () => Promise<unknown>): Promise<void> {
  setSystemTime(new Date(Date.now() + minutes * 60_000));
  try {
    await task();
  } finally {
    setSystemTime();
  }
}

/** A session of a new account without a password. */
const newSession = async () => tokenOf(await signIn(service, provider));

describe("linking", () => {
  test("linking: adds the provider's identity to the account, which signs in with both, and mails a notice", async () => {
    const response = await link(service, provider, ada.token);
    expect([response.status, ((await response.json()) as { id: string }).id]).toEqual([200, ada.id]);
    expect(await methods(ada.token)).toMatchObject({
      identities: [{ issuer: provider.issuer, email: provider.user.email! }],
      has_password: true,
    });
    const token = await tokenOf(await signIn(service, provider));
    const { id, email } = (await (await service.fetch("/users/me", { token })).json()) as {
      id: string;
      email: string;
    };
    expect([id, email]).toEqual([ada.id, ada.email]);
    await service.drain();
    const notices = service.mails.filter(({ to }) => to === ada.email);
    expect(notices.map(({ subject }) => subject)).toEqual(["A new way to sign in to your account"]);
    expect(notices[0]!.text).toContain(new URL(provider.issuer).host);
    expect(service.logged.join("")).toContain(`"event":"identity.linked"`);
  });

  test("linking: a browser returns to the account view", async () => {
    const session = await service.beginSession(ada.email);
    const cookie = `fastapiusersauth=${session}`;
    const begun = await service.fetch(path, { headers: { cookie, ...html } });
    expect(begun.status).toBe(200);
    const { authorization_url } = (await begun.json()) as { authorization_url: string };
    const callback = await provider.signIn(authorization_url);
    const cookies = { cookie: `${cookie}; ${cookiesOf(begun)}` };
    const response = await complete(service, callback, cookies, { headers: html });
    expect([response.status, response.headers.get("location")]).toEqual([303, `${publicUrl}/#/account`]);
    const repeated = await complete(service, callback, cookies, { headers: html });
    expect(repeated.headers.get("location")).toBe(`${publicUrl}/#/account?error=OAUTH_INVALID_STATE`);
    const signedOut = await complete(service, callback, begunCookie(begun), { headers: html });
    expect(signedOut.headers.get("location")).toBe(`${publicUrl}/#/account?error=UNAUTHORIZED`);
  });
  const begunCookie = (response: Response) => ({ cookie: cookiesOf(response) });

  test("linking: takes an access token, a session of the last ten minutes, or the current password", async () => {
    const session = await service.beginSession(ada.email);
    expect((await service.fetch(path, { token: session })).status).toBe(200);
    await later(11, async () => {
      expect((await service.fetch(path, { token: ada.token })).status).toBe(200);
      expect(await errorOf(await service.fetch(path, { token: session }))).toEqual([
        400,
        "CURRENT_PASSWORD_REQUIRED",
      ]);
      const post = (json: object) => service.fetch(path, { token: session, json });
      expect(await errorOf(await post({}))).toEqual([400, "CURRENT_PASSWORD_REQUIRED"]);
      expect(await errorOf(await post({ password: "wrong" }))).toEqual([400, "CURRENT_PASSWORD_WRONG"]);
      expect((await post({ password: 7 })).status).toBe(422);
      expect((await post({ password })).status).toBe(200);
    });
  });

  test("linking: is for signed-in users, and with the cookie only for pages of the service", async () => {
    expect((await service.fetch(path)).status).toBe(401);
    expect((await service.fetch(path, { json: {} })).status).toBe(401);
    const cookie = `fastapiusersauth=${await service.beginSession(ada.email)}`;
    const foreign = { cookie, origin: "https://evil.example" };
    expect((await service.fetch(path, { json: {}, headers: foreign })).status).toBe(403);
    // A link on another website gets JSON, which leads nowhere.
    const opened = await service.fetch(path, { headers: { cookie, ...html } });
    expect([opened.status, opened.headers.get("location")]).toEqual([200, null]);
  });

  test("unlinking: removes one identity, but never the last way to sign in", async () => {
    await link(service, provider, ada.token);
    const { identities } = await methods(ada.token);
    const { id } = identities[0]!;
    expect((await unlink(crypto.randomUUID(), ada.token)).status).toBe(404);
    expect((await unlink(id, (await service.signUp()).token)).status).toBe(404);
    expect((await unlink(id, ada.token)).status).toBe(204);
    expect((await unlink(id, ada.token)).status).toBe(404);
    expect((await methods(ada.token)).identities).toEqual([]);

    const session = await newSession();
    const [own] = (await methods(session)).identities;
    expect(await errorOf(await unlink(own!.id, session))).toEqual([400, "LAST_SIGN_IN_METHOD"]);
    provider.user = { sub: crypto.randomUUID() };
    await link(service, provider, session);
    const both = (await methods(session)).identities;
    const statuses = (await Promise.all(both.map(({ id: each }) => unlink(each, session)))).map(
      ({ status }) => status,
    );
    expect(statuses.sort()).toEqual([204, 400]);
  });

  test("unlinking: an identity of a former provider is no way to sign in", async () => {
    const session = await newSession();
    const { id } = (await (await service.fetch("/users/me", { token: session })).json()) as { id: string };
    const former = { issuer: "https://former.example.com", subject: crypto.randomUUID(), email: null };
    const user = (await service.services.database.users.byId(id))!;
    expect(await service.services.database.identities.linkByAddress(user, former, new Date())).toBe(true);
    const { identities } = await methods(session);
    const current = identities.find(({ issuer }) => issuer === provider.issuer)!;
    expect(await errorOf(await unlink(current.id, session))).toEqual([400, "LAST_SIGN_IN_METHOD"]);
    const other = identities.find(({ issuer }) => issuer !== provider.issuer)!;
    expect((await unlink(other.id, session)).status).toBe(204);
  });
});

describe("account without a password", () => {
  test("account without a password: changes its address and sets a password with a session of the last ten minutes", async () => {
    const session = await newSession();
    expect((await methods(session)).has_password).toBe(false);
    const patch = (json: object) => service.fetch("/users/me", { method: "PATCH", token: session, json });
    const email = `${crypto.randomUUID()}@example.com`;
    await later(11, async () => {
      for (const json of [
        { email },
        { password: "a better horse battery" },
        { email, current_password: "!" },
      ])
        expect(await errorOf(await patch(json))).toEqual([400, "CURRENT_PASSWORD_REQUIRED"]);
    });
    expect((await patch({ email })).status).toBe(200);
    expect((await patch({ password: "a better horse battery" })).status).toBe(200);
    expect((await service.login(email, "a better horse battery")).status).toBe(200);
    const again = await tokenOf(await signIn(service, provider));
    expect((await methods(again)).has_password).toBe(true);
    const answer = await service.fetch("/users/me", { method: "PATCH", token: again, json: { password } });
    expect(await errorOf(answer)).toEqual([400, "CURRENT_PASSWORD_REQUIRED"]);
  });

  test("account without a password: gets one by a reset mail, and keeps its identity", async () => {
    await newSession();
    const email = provider.user.email!;
    await service.fetch("/auth/forgot-password", { json: { email } });
    const reset = { token: await service.mailedToken(email), password: "a better horse battery" };
    expect((await service.fetch("/auth/reset-password", { json: reset })).status).toBe(200);
    expect((await service.fetch("/auth/reset-password", { json: reset })).status).toBe(400);
    expect((await service.login(email, reset.password)).status).toBe(200);
    expect((await signIn(service, provider)).status).toBe(200);
  });

  test("account without a password: is deleted with a session of the last ten minutes, and so is its identity", async () => {
    const session = await newSession();
    const remove = () => service.fetch("/users/me", { method: "DELETE", token: session, json: {} });
    await later(11, async () =>
      expect(await errorOf(await remove())).toEqual([400, "CURRENT_PASSWORD_REQUIRED"]),
    );
    const { id } = (await (await service.fetch("/users/me", { token: session })).json()) as { id: string };
    expect((await remove()).status).toBe(204);
    expect(await service.services.database.identities.list(id)).toEqual([]);
    const next = await newSession();
    expect(
      ((await (await service.fetch("/users/me", { token: next })).json()) as { id: string }).id,
    ).not.toBe(id);
  });

  test("export: account.json names the linked identities", async () => {
    await link(service, provider, ada.token);
    const archive = await (await service.fetch("/users/me/export", { token: ada.token })).bytes();
    const text = new TextDecoder("latin1").decode(archive);
    expect(text).toContain(`"issuer": "${provider.issuer}"`);
    expect(text).toContain(provider.user.email!);
  });
});

test("flow: expires after ten minutes", async () => {
  const flow = await begin(service);
  const callback = await provider.signIn(flow.url);
  await later(11, async () =>
    expect(await errorOf(await complete(service, callback, flow))).toEqual([400, "OAUTH_INVALID_STATE"]),
  );
});
