import { afterEach, beforeEach, describe, expect, test } from "bun:test";

import { createFlowCookie } from "../../../src/accounts/oidc/flow-cookie.ts";
import { createMetadataCache } from "../../../src/accounts/oidc/metadata-cache.ts";
import { createOidcProvider } from "../../../src/accounts/oidc/provider.ts";
import { ApiError } from "../../../src/errors.ts";
import type { TestProvider } from "../../support/oidc-provider.ts";
import {
  begin,
  callbacks,
  complete,
  errorOf,
  html,
  publicUrl,
  serviceWithProvider,
  signIn,
} from "../../support/provider-sign-in.ts";
import { TestService } from "../../support/service.ts";

const unavailable: [number, unknown] = [503, "OAUTH_PROVIDER_UNAVAILABLE"];

describe("provider that fails during a sign-in", () => {
  let provider: TestProvider;
  let service: TestService;
  serviceWithProvider((started) => ({ provider, service } = started));
  beforeEach(() => {
    provider.reset();
    provider.user = { sub: "ada", email: "ada@example.com", email_verified: true };
  });

  test.each<[string, string, () => Response]>([
    ["token endpoint: 502", "/token", () => new Response("<html>Bad Gateway</html>", { status: 502 })],
    ["token endpoint: garbage", "/token", () => new Response("{]", { status: 200 })],
    ["token endpoint: server_error", "/token", () => Response.json({ error: "x" }, { status: 500 })],
    ["token endpoint: endless", "/token", () => new Response("x".repeat(600_000))],
    ["keys: 404", "/jwks", () => new Response("not here", { status: 404 })],
    ["user info: 503", "/me", () => new Response("", { status: 503 })],
  ])("provider: %s is 503 with Retry-After, and nothing else suffers", async (_, path, reply) => {
    provider.replies.set(path, reply);
    const response = await signIn(service, provider);
    expect(response.headers.get("retry-after")).toBe("10");
    expect(await errorOf(response)).toEqual(unavailable);
    const line = service.logged.findLast((text) => text.includes(`"event":"request.failed"`));
    expect(line).toContain(`"code":"OAUTH_PROVIDER_UNAVAILABLE"`);
    expect(line).toContain("ProviderFailure");
    const { token } = await service.signUp();
    expect((await service.fetch("/feed", { token })).status).toBe(200);
    provider.replies.clear();
    expect((await signIn(service, provider)).status).toBe(200);
  });

  test("provider: a client that it does not accept is OAUTH_FAILED, with its error in the log", async () => {
    provider.replies.set("/token", () => Response.json({ error: "invalid_client" }, { status: 401 }));
    expect(await errorOf(await signIn(service, provider))).toEqual([400, "OAUTH_FAILED"]);
    expect(service.logged.join("")).toContain("invalid_client HTTP 401");
  });

  test("provider: texts of its errors are not logged", async () => {
    const text = "a description with a secret";
    const error = { error: `${text}\n`, error_description: text };
    provider.replies.set("/token", () => Response.json(error, { status: 400 }));
    expect(await errorOf(await signIn(service, provider))).toEqual([400, "OAUTH_FAILED"]);
    expect(service.logged.join("")).not.toContain(text);
  });

  test("provider: a browser learns of it on the page, and the log has the reason", async () => {
    const flow = await begin(service);
    const callback = await provider.signIn(flow.url);
    provider.replies.set("/token", () => new Response("", { status: 500 }));
    const before = service.logged.length;
    const response = await complete(service, callback, flow, { headers: html });
    expect([response.status, response.headers.get("location")]).toEqual([
      303,
      `${publicUrl}/#/sign-in?error=OAUTH_PROVIDER_UNAVAILABLE`,
    ]);
    expect(service.logged.slice(before).join("")).toContain(`"event":"request.failed"`);
  });

  test.each([
    ["invalid_scope", "the provider refused: invalid_scope"],
    ["a text that is no code", "the provider refused: unknown"],
  ])("provider: the log has its reason for a refusal in the callback: %s", async (error, reason) => {
    for (const headers of [{}, html]) {
      const flow = await begin(service);
      const state = new URL(flow.url).searchParams.get("state")!;
      const query = new URLSearchParams({ error, state });
      const before = service.logged.length;
      await complete(service, `${callbacks[0]}?${query}`, flow, { headers });
      const logged = service.logged.slice(before).filter((line) => line.includes(`"request.failed"`));
      expect(logged).toEqual([expect.stringContaining(reason)]);
    }
  });
});

describe("provider that cannot be used at all", () => {
  let server: Bun.Server<undefined> | undefined;
  let service: TestService | undefined;
  afterEach(async () => {
    await server?.stop(true);
    await service?.close();
    server = service = undefined;
  });
  const startWith = async (issuer: string) => {
    const client = { OIDC_CLIENT_ID: "c", OIDC_CLIENT_SECRET: "s" };
    return (service = await TestService.start({ OIDC_ISSUER: issuer, ...client, PUBLIC_URL: publicUrl }));
  };

  test("provider: while it is down, sign-ins are 503, and the service asks again after some seconds only", async () => {
    const down = await startWith("http://127.0.0.1:1");
    for (const path of ["/auth/oidc/authorize", "/auth/oidc/logout"]) {
      const response = await down.fetch(path);
      expect([response.headers.get("retry-after"), await errorOf(response)]).toEqual(["10", unavailable]);
    }
    const page = await down.fetch("/auth/oidc/authorize", { headers: html });
    expect([page.status, page.headers.get("location")]).toEqual([
      303,
      `${publicUrl}/#/sign-in?error=OAUTH_PROVIDER_UNAVAILABLE`,
    ]);
    expect((await down.fetch("/health")).status).toBe(200);
    const { email } = await down.signUp();
    expect((await down.login(email)).status).toBe(200);
  });

  test.each<[string, (request: Request) => Response]>([
    ["no JSON", () => new Response("<html>", { headers: { "content-type": "text/html" } })],
    ["another document", () => Response.json({ hello: "world" })],
    ["an array", () => Response.json([])],
    ["a redirect", () => Response.redirect("http://127.0.0.1:1/")],
    ["no end", () => new Response("x".repeat(600_000))],
    ["another issuer", () => Response.json({ issuer: "https://evil.example" })],
    ["incomplete", ({ url }) => Response.json({ issuer: new URL(url).origin })],
  ])("provider: metadata that are %s are 503", async (_, reply) => {
    server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: reply });
    const broken = await startWith(`http://127.0.0.1:${server.port}`);
    expect(await errorOf(await broken.fetch("/auth/oidc/authorize"))).toEqual(unavailable);
  });

  test("provider: the log names the issuer that the provider calls itself", async () => {
    const metadata = { issuer: "http://localhost:9/realms/family" };
    server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => Response.json(metadata) });
    const broken = await startWith(`http://127.0.0.1:${server.port}`);
    await broken.fetch("/auth/oidc/authorize");
    expect(broken.logged.join("")).toContain(`the provider's issuer is ${metadata.issuer}`);
  });

  test("provider: its issuer may end with a slash that the setting lacks, and the other way round", async () => {
    for (const [set, announced] of [
      ["", "/"],
      ["/", ""],
    ]) {
      const started: Bun.Server<undefined> = Bun.serve({
        port: 0,
        hostname: "127.0.0.1",
        fetch: () =>
          Response.json({
            issuer: `http://127.0.0.1:${started.port}/o/photos${announced}`,
            authorization_endpoint: `http://127.0.0.1:${started.port}/authorize`,
          }),
      });
      server = started;
      const settings = { clientId: "c", clientSecret: "s", name: null, scopes: "openid" };
      const issuer = `http://127.0.0.1:${started.port}/o/photos${set}`;
      const { flow } = newFlow();
      const address = await createOidcProvider({ ...settings, issuer }).authorizationUrl(flow);
      expect(address).toStartWith(`http://127.0.0.1:${started.port}/authorize?`);
      await started.stop(true);
    }
  });

  const endless = () => new ReadableStream({ pull: (stream) => stream.enqueue(new Uint8Array(64 * 1024)) });
  test.each<[string, () => Response | Promise<Response>, timeoutSeconds: number]>([
    ["that does not answer", () => new Promise<Response>(() => {}), 0.1],
    ["whose response has no end", () => new Response(endless()), 60],
  ])("provider: one %s is given up", async (_, fetch, timeoutSeconds) => {
    server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch });
    const issuer = `http://127.0.0.1:${server.port}`;
    const settings = { issuer, clientId: "c", clientSecret: "s", name: null, scopes: "openid" };
    const error = await createOidcProvider(settings, timeoutSeconds)
      .authorizationUrl(newFlow().flow)
      .catch((thrown: unknown) => thrown as ApiError);
    expect(error).toMatchObject({ code: "OAUTH_PROVIDER_UNAVAILABLE" });
  });
});

const newFlow = (nowMs?: () => number, secret = "a secret of at least thirty-two bytes") =>
  createFlowCookie(secret, { secure: true }, nowMs).begin({
    redirectUri: "https://photos.example.com/auth/oidc/callback",
    returnTo: "#/",
    invitation: null,
    userId: null,
  });

describe("metadata cache", () => {
  test("metadata cache: shares one load, keeps the result for an hour, and an old one if the next load fails", async () => {
    let now = 0;
    let loads = 0;
    let fails = false;
    const get = createMetadataCache(
      async () => {
        loads++;
        if (fails) throw new Error("down");
        return loads;
      },
      () => now,
    );
    expect(await Promise.all([get(), get()])).toEqual([1, 1]);
    now = 3_599_000;
    expect(await get()).toBe(1);
    now = 3_601_000;
    expect(await get()).toBe(2);
    fails = true;
    now += 3_601_000;
    expect(await get()).toBe(2);
    expect(await get()).toBe(2);
    expect(loads).toBe(3);
    now += 5_001;
    fails = false;
    expect(await get()).toBe(4);
  });

  test("metadata cache: remembers a failure for some seconds", async () => {
    let now = 0;
    let loads = 0;
    const get = createMetadataCache(
      async () => {
        loads++;
        throw new Error(`down ${loads}`);
      },
      () => now,
    );
    for (let i = 0; i < 3; i++) expect(get()).rejects.toThrow("down 1");
    now = 5_001;
    expect(get()).rejects.toThrow("down 2");
  });
});

describe("flow cookie", () => {
  const headers = (cookie: string) => new Headers({ cookie: cookie.split(";", 1)[0]! });

  test("flow cookie: is read with its state only, until it expires, and only with the same secret", () => {
    let now = 1_000_000;
    const { flow, cookie } = newFlow(() => now);
    const read = (state: string | null, secret = "a secret of at least thirty-two bytes") =>
      createFlowCookie(secret, { secure: true }, () => now).read(headers(cookie), state);
    expect(read(flow.state)).toEqual(flow);
    for (const state of [null, "", `${flow.state} `, flow.nonce]) expect(read(state)).toBeUndefined();
    expect(read(flow.state, "another secret of thirty-two bytes!")).toBeUndefined();
    now += 600_001;
    expect(read(flow.state)).toBeUndefined();
  });

  test("flow cookie: is found beside cookies of the same name that other services set", () => {
    const { flow, cookie } = newFlow();
    const own = cookie.split(";", 1)[0]!;
    const both = new Headers({ cookie: `fastapiusersoauthcsrf=abc; a=b; ${own}; fastapiusersoauthcsrf=` });
    const flowCookie = createFlowCookie("a secret of at least thirty-two bytes", { secure: true });
    expect(flowCookie.read(both, flow.state)).toEqual(flow);
  });
});
