import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import { Validator } from "@seriousme/openapi-schema-validator";
import { FormatRegistry } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";

import { t } from "elysia";

import { components, type Component } from "../../src/docs/schemas.ts";
import { pngPhoto } from "../support/media-samples.ts";
import { TestService } from "../support/service.ts";

interface Operation {
  summary?: string;
  description?: string;
  tags?: string[];
  operationId?: string;
  security?: unknown[];
  requestBody?: { content: Record<string, { schema?: object }> };
  responses: Record<
    string,
    { description?: string; content?: Record<string, { schema?: object; examples?: object }> }
  >;
}

let service: TestService;
let document: {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, { properties: Record<string, object> }> };
};
beforeAll(async () => {
  service = await TestService.start();
  document = (await (await service.fetch("/openapi.json")).json()) as typeof document;
});
afterAll(() => service.close());

const operations = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );

describe("the OpenAPI document", () => {
  test("is valid", async () => {
    expect(await new Validator().validate(structuredClone(document))).toEqual({ valid: true });
  });

  test("has every route, and nothing else", () => {
    const pages = /^\/(docs|redoc|openapi\.json|assets)|^\/$/;
    const routes = service.app.routes
      .filter(({ path }) => !pages.test(path))
      .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, "{$1}")}`);
    expect(
      operations()
        .map(({ path, method }) => `${method.toUpperCase()} ${path}`)
        .sort(),
    ).toEqual(routes.sort());
  });

  test("tells of every operation what it is, what it answers and how it fails", () => {
    const ids = new Set<string>();
    for (const { path, method, operation } of operations()) {
      const name = `${method} ${path}`;
      expect([
        name,
        operation.summary,
        operation.description,
        operation.tags?.length,
        operation.operationId,
      ]).toEqual([name, expect.any(String), expect.any(String), 1, expect.any(String)]);
      ids.add(operation.operationId ?? "");
      const statuses = Object.keys(operation.responses).map(Number);
      expect([name, statuses.filter((status) => status < 300 && status !== 206).length]).toEqual([name, 1]);
      expect([name, statuses]).toEqual([name, expect.arrayContaining([500, 503])]);
      for (const [status, { content, description }] of Object.entries(operation.responses)) {
        expect(description).toBeString();
        if (status === "204") expect(content).toBeUndefined();
        else for (const { schema } of Object.values(content ?? {})) expect(schema).toBeObject();
      }
    }
    expect(ids.size).toBe(operations().length);
  });

  test("lists the content types that are taken, and no others", () => {
    const taken = Object.fromEntries(
      operations()
        .filter(({ operation }) => operation.requestBody)
        .map(({ operation }) => [operation.operationId, Object.keys(operation.requestBody!.content)]),
    );
    expect(taken["upload"]).toEqual(["multipart/form-data"]);
    expect(taken["login"]).toEqual(["application/x-www-form-urlencoded", "multipart/form-data"]);
    expect(taken["register"]).toEqual(["application/json"]);
    expect(JSON.stringify(document)).not.toMatch(/"problem"|x-accepts|email-address|unpkg|jsdelivr/);
  });

  test("names the schema of every body, and takes flags as booleans", () => {
    for (const { operation } of operations())
      for (const { schema } of Object.values(operation.requestBody?.content ?? {}))
        expect(schema).toEqual({ $ref: expect.stringMatching(/^#\/components\/schemas\/[A-Z]\w+Body$/) });
    const { RegisterBody, ChangeUserBody, UploadBody } = document.components.schemas;
    expect(RegisterBody?.properties["is_active"]).toEqual({ type: "boolean", nullable: true });
    expect(ChangeUserBody?.properties["is_active"]).toEqual({ type: "boolean" });
    expect(UploadBody?.properties["file"]).toEqual({ type: "string", format: "binary" });
  });

  test("says who may ask exactly where a token is needed", async () => {
    for (const { path, method, operation } of operations()) {
      const answer = await service.fetch(path.replace(/\{\w+\}/, "x"), { method: method.toUpperCase() });
      expect([path, method, operation.security !== undefined]).toEqual([path, method, answer.status === 401]);
    }
  });
});

test("answers are as documented", async () => {
  for (const format of ["uuid", "uri", "date-time", "email"])
    FormatRegistry.Set(format, (text) => text.length > 0);
  const fits = async (component: Component, answer: Response) => {
    const body = (await answer.json()) as object;
    // The page's posts are a reference in the document, and checked by themselves.
    const schema = component === "FeedPage" ? t.Omit(components.FeedPage, ["posts"]) : components[component];
    expect([component, [...Value.Errors(schema, body)]]).toEqual([component, []]);
    expect([component, Object.keys(body).sort()]).toEqual([
      component,
      Object.keys(components[component].properties).sort(),
    ]);
    return body;
  };
  await fits("UserRead", await service.register("ada@example.com"));
  const { access_token: token } = (await fits("BearerToken", await service.login("ada@example.com"))) as {
    access_token: string;
  };
  await fits("UserRead", await service.fetch("/users/me", { token }));
  const { id } = (await fits("Post", await service.upload(token, new Blob([await pngPhoto()])))) as {
    id: string;
  };
  const page = (await fits("FeedPage", await service.fetch("/feed", { token }))) as { posts: object[] };
  expect(Value.Check(components.Post, page.posts[0])).toBe(true);
  await fits("Post", await service.fetch(`/posts/${id}`, { token }));
  await fits("PostDeleted", await service.fetch(`/posts/${id}`, { method: "DELETE", token }));
  await fits("Health", await service.fetch("/health"));
  await fits("Error", await service.fetch("/feed"));
  await fits("ErrorWithReason", await service.register("b@example.com", "short"));
  await fits("HTTPValidationError", await service.fetch("/auth/register", { json: {} }));
});

test("every error that is met is documented with the very example", async () => {
  const { token, email } = await service.signUp();
  const bob = await service.signUp();
  const { id } = (await (await service.upload(token, new Blob([await pngPhoto()]))).json()) as { id: string };
  const body = new URLSearchParams({ username: email, password: "wrong" });
  const json = { token: "nonsense", email, password: "correct horse battery" };
  const change = (by: string, json: object) =>
    service.fetch("/users/me", { method: "PATCH", token: by, json });
  const met: [path: string, method: string, answer: Response][] = [
    ["/auth/register", "post", await service.register(email)],
    ["/auth/register", "post", await service.register("c@example.com", "short")],
    [
      "/auth/register",
      "post",
      await service.fetch("/auth/register", { json: { email: "x".repeat(70_000) } }),
    ],
    ["/auth/jwt/login", "post", await service.fetch("/auth/jwt/login", { method: "POST", body })],
    ["/auth/jwt/logout", "post", await service.fetch("/auth/jwt/logout", { method: "POST" })],
    ["/auth/reset-password", "post", await service.fetch("/auth/reset-password", { json })],
    ["/auth/verify", "post", await service.fetch("/auth/verify", { json })],
    ["/users/me", "patch", await change(bob.token, { email })],
    ["/users/me", "patch", await change(token, { password: "short" })],
    ["/users/{id}", "get", await service.fetch(`/users/${bob.id}`, { token })],
    ["/upload", "post", await service.upload(token, new Blob(["just words, no picture"]))],
    ["/posts/{post_id}", "get", await service.fetch("/posts/nope", { token })],
    [
      "/posts/{post_id}",
      "delete",
      await service.fetch(`/posts/${id}`, { method: "DELETE", token: bob.token }),
    ],
    ["/media/{key}", "get", await service.fetch("/media/nope")],
  ];
  for (const [path, method, answer] of met) {
    const { content } = document.paths[path]?.[method]?.responses[answer.status] ?? {};
    const examples: object[] = Object.values(content?.["application/json"]?.examples ?? {});
    const value: unknown = await answer.json();
    const where = [path, method, answer.status];
    expect([...where, examples]).toEqual([...where, expect.arrayContaining([{ value }])]);
  }
});

test("answers beside the success are documented with what they hold", async () => {
  const statuses = (path: string) => Object.keys(document.paths[path]?.["get"]?.responses ?? {});
  expect(statuses("/media/{key}")).toEqual(["200", "206", "302", "304", "404", "416", "500", "503"]);
  const { token } = await service.signUp();
  const post = await service.upload(token, new Blob([await pngPhoto()]));
  const { url, bytes } = (await post.json()) as { url: string; bytes: number };
  const { pathname } = new URL(url);
  const asked = async (headers: Record<string, string>) =>
    String((await service.fetch(pathname, { headers })).status);
  const etag = (await service.fetch(pathname)).headers.get("etag") ?? "";
  expect([
    await asked({}),
    await asked({ range: "bytes=0-1" }),
    await asked({ "if-none-match": etag }),
    await asked({ range: `bytes=${bytes + 1}-` }),
  ]).toEqual(["200", "206", "304", "416"]);
});

test("an account that must prove its address first is told so as documented", async () => {
  const strict = await TestService.start();
  const { token } = await strict.signUp();
  const verified = await TestService.start({ DATA_DIR: strict.dataDir, REQUIRE_VERIFIED_EMAIL: "true" });
  for (const path of ["/users/me", "/feed"]) {
    const answer = await verified.fetch(path, { token });
    expect([answer.status, await answer.json()]).toEqual([403, { detail: "Forbidden" }]);
    expect(document.paths[path]?.["get"]?.responses["403"]?.content?.["application/json"]?.examples).toEqual({
      FORBIDDEN: { value: { detail: "Forbidden" } },
    });
  }
  await verified.close({ keepData: true });
  await strict.close();
});

describe.each(["/docs", "/redoc"])("%s", (path) => {
  test("brings all it needs from here, and is kept by browsers only as long as it is the same", async () => {
    const page = await service.fetch(path);
    const html = await page.text();
    expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(html).not.toMatch(/https?:\/\//);
    const references = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, reference]) => reference ?? "");
    const assets = references.filter((reference) => !reference.startsWith("data:"));
    expect(assets.length).toBeGreaterThan(1);
    for (const reference of assets) {
      // Relative, so that it leads here below any path prefix.
      expect(reference).toMatch(/^\w/);
      const asset = new URL(reference, `http://localhost${path}`).pathname;
      const answer = await service.fetch(asset, { headers: { "accept-encoding": "gzip" } });
      if (/\d\.js$/.test(asset)) expect(answer.headers.get("cache-control")).toContain("immutable");
      expect([asset, answer.status, answer.headers.get("content-encoding")]).toEqual([asset, 200, "gzip"]);
      const again = await service.fetch(asset, {
        headers: { "if-none-match": answer.headers.get("etag") ?? "" },
      });
      expect(again.status).toBe(304);
    }
  });
});

test.each(["/docs", "/redoc"])("%s/ leads to the page, whose references are relative", async (path) => {
  const answer = await service.fetch(`${path}/?a=b`);
  const prefixed = `https://example.com/photos${path}/?a=b`;
  expect([answer.status, new URL(answer.headers.get("location") ?? "", prefixed).href]).toEqual([
    308,
    `https://example.com/photos${path}`,
  ]);
});
