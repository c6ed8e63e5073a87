import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import { Validator } from "@seriousme/openapi-schema-validator";

import { createApp } from "../../src/app.ts";
import { openApiDocument } from "../../src/openapi/document.ts";
import { pngPhoto } from "../support/media-samples.ts";
import { expectDocumented } from "../support/openapi-check.ts";
import { TestService } from "../support/service.ts";

interface Schema {
  example?: object;
  enum?: string[];
  properties?: Record<string, Schema & { anyOf?: Schema[] }>;
}
interface Operation {
  summary: string;
  description: string;
  tags: string[];
  operationId: string;
  security: object[];
  parameters?: { name: string; description?: string; schema: object }[];
  requestBody?: { content: Record<string, { schema: { $ref: string } }> };
  responses: Record<string, { $ref: string } | ResponseObject>;
}
interface ResponseObject {
  description: string;
  headers: Record<string, { $ref: string }>;
  content?: Record<string, { schema: object; examples?: object; example?: unknown }>;
}
interface OpenApi {
  paths: Record<string, Record<string, Operation>>;
  servers: { url: string }[];
  components: {
    schemas: Record<string, Schema>;
    responses: Record<string, ResponseObject>;
    headers: Record<string, { description: string }>;
    securitySchemes: { OAuth2PasswordBearer: { flows: { password: { tokenUrl: string } } } };
  };
}

let service: TestService;
let document: OpenApi;
beforeAll(async () => {
  // The examples of errors are those of a service without ffmpeg, which accepts fewer formats.
  service = await TestService.start({ FFMPEG: "off" });
  document = (await (await service.fetch("/openapi.json")).json()) as OpenApi;
});
afterAll(() => service.close());

const operations = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );

/** Resolves a response of an operation that may be a reference. */
function responseOf(path: string, method: string, status: number): ResponseObject | undefined {
  const found = document.paths[path]?.[method]?.responses[status];
  if (!found || !("$ref" in found)) return found;
  return document.components.responses[found.$ref.replace("#/components/responses/", "")];
}
const examplesOf = (path: string, method: string, status: number): object =>
  responseOf(path, method, status)?.content?.["application/json"]?.examples ?? {};

describe("the OpenAPI document", () => {
  test("OpenAPI document: is valid", async () => {
    expect(await new Validator().validate({ ...structuredClone(document) })).toEqual({ valid: true });
  });

  test("OpenAPI document: is the same each time it is generated", async () => {
    const again = await openApiDocument(createApp(service.services));
    expect(JSON.stringify(again)).toBe(JSON.stringify(document));
  });

  test("OpenAPI document: has exactly the routes of the app", () => {
    const pages = /^\/(docs|redoc|openapi\.json|assets|favicon\.ico|manifest\.webmanifest|offline\.js)|^\/$/;
    const template = (path: string) =>
      path === "/media/*" ? "/media/{transformation}/{key}" : path.replace(/:(\w+)/g, "{$1}");
    const routes = service.app.routes
      .filter(({ path }) => !pages.test(path))
      .map(({ method, path }) => `${method} ${template(path)}`);
    expect(
      operations()
        .map(({ path, method }) => `${method.toUpperCase()} ${path}`)
        .sort(),
    ).toEqual(routes.sort());
  });

  test("OpenAPI document: describes the purpose, responses and errors of every operation", () => {
    const ids = new Set<string>();
    for (const { path, method, operation } of operations()) {
      const name = `${method} ${path}`;
      const { summary, description, tags, operationId, parameters = [], responses } = operation;
      expect([name, tags.length]).toEqual([name, 1]);
      expect(description.length).toBeGreaterThan(summary.length + 10);
      expect(description).not.toStartWith(summary);
      for (const parameter of parameters)
        expect([name, parameter.name, parameter.description]).toEqual([
          name,
          parameter.name,
          expect.stringMatching(/\.$/),
        ]);
      ids.add(operationId);
      const statuses = Object.keys(responses).map(Number);
      expect([name, statuses.filter((status) => status < 300 && status !== 206).length]).toEqual([name, 1]);
      const expected = method === "get" ? [500, 503] : [500, 503, 507];
      expect([name, statuses]).toEqual([name, expect.arrayContaining(expected)]);
      for (const status of statuses) {
        const { content, description, headers } = responseOf(path, method, status)!;
        expect(description).toMatch(/\w\.$/);
        expect(Object.keys(headers)).toContain("X-Request-Id");
        if (status === 204) expect(content).toBeUndefined();
        else for (const { schema } of Object.values(content ?? {})) expect(schema).toBeObject();
      }
    }
    expect(ids.size).toBe(operations().length);
  });

  test("OpenAPI document: has shared errors and headers as components", () => {
    const { responses, headers } = document.components;
    const all = [
      ...Object.values(responses),
      ...operations().flatMap(({ operation }) =>
        Object.entries(operation.responses).flatMap(([status, response]) => {
          if ("$ref" in response) return [];
          // /health also answers 503 with its ordinary body.
          if (Number(status) >= 400) expect(["416", "503"]).toContain(status);
          return [response];
        }),
      ),
    ];
    for (const response of all)
      for (const [name, { $ref }] of Object.entries(response.headers)) {
        expect($ref).toBe(`#/components/headers/${name}`);
        expect(headers[name]?.description).toEndWith(".");
      }
  });

  test("OpenAPI document: lists the error codes of a route, and no schema has the name of a built-in type", () => {
    const { schemas } = document.components;
    expect(schemas["LoginBadRequest"]?.properties?.["detail"]?.enum).toEqual([
      "LOGIN_BAD_CREDENTIALS",
      "LOGIN_USER_NOT_VERIFIED",
      "There was an error parsing the body",
    ]);
    expect(schemas["RegisterBadRequest"]?.properties?.["detail"]?.anyOf).toEqual([
      { type: "string", enum: ["REGISTER_BAD_INVITATION", "REGISTER_USER_ALREADY_EXISTS"] } as Schema,
      { $ref: "#/components/schemas/InvalidPassword" } as Schema,
    ]);
    expect(schemas["InvalidPassword"]?.properties?.["code"]?.enum).toContain("REGISTER_INVALID_PASSWORD");
    expect(Object.keys(schemas)).not.toContainAnyValues([
      ...Object.getOwnPropertyNames(globalThis),
      "Exception",
      "NSError",
    ]);
  });

  test("OpenAPI document: has URLs that work behind any host and path prefix", () => {
    for (const where of ["http://localhost:8000/", "https://example.com/my/photos/"]) {
      const at = `${where}openapi.json`;
      expect(document.servers.map(({ url }) => new URL(url, at).href)).toEqual([where]);
      const { tokenUrl } = document.components.securitySchemes.OAuth2PasswordBearer.flows.password;
      expect(new URL(tokenUrl, at).href).toBe(`${where}auth/jwt/login`);
    }
  });

  test("OpenAPI document: has example bodies that the API accepts and that make no superusers", async () => {
    const superuser = await service.signUp();
    await service.promote(superuser);
    const { id } = await service.signUp();
    const statuses: Record<string, number> = {};
    for (const { path, method, operation } of operations()) {
      const { operationId, requestBody } = operation;
      if (!requestBody || operationId === "upload") continue;
      // Bytes have no example.
      if (["application/offset+octet-stream", "image/*"].some((type) => type in requestBody.content))
        continue;
      const [[type, { schema }] = ["", { schema: { $ref: "" } }]] = Object.entries(requestBody.content);
      const { example, properties = {} } = document.components.schemas[schema.$ref.split("/").at(-1)!]!;
      // Documentation pages show `true` for a flag without an example.
      if ("is_superuser" in properties) expect(Object.keys(example ?? {})).not.toContain("is_superuser");
      const shown =
        example ??
        Object.fromEntries(Object.entries(properties).map(([name, { example }]) => [name, example]));
      const answer = await service.fetch(path.replace(/\{\w+\}/, id), {
        method: method.toUpperCase(),
        token: superuser.token,
        ...(type === "application/json"
          ? { json: shown }
          : { body: new URLSearchParams(shown as Record<string, string>) }),
      });
      statuses[operationId] = answer.status;
    }
    expect(statuses).toEqual({
      register: 201,
      login: 200,
      oidcAssociateAuthorizeConfirmed: 404,
      cookieLogin: 204,
      sessionLogin: 200,
      forgotPassword: 202,
      // The example is not a valid token.
      resetPassword: 400,
      requestVerifyToken: 202,
      verify: 400,
      changeMe: 200,
      deleteMe: 400,
      createInvitation: 201,
      changeUser: 200,
      // The id is not that of a post.
      editPost: 404,
      reportPost: 404,
    });
  });

  test("OpenAPI document: lists exactly the accepted content types", () => {
    const taken = Object.fromEntries(
      operations()
        .filter(({ operation }) => operation.requestBody)
        .map(({ operation }) => [operation.operationId, Object.keys(operation.requestBody!.content)]),
    );
    expect(taken["upload"]).toEqual(["multipart/form-data"]);
    expect(taken["login"]).toEqual(["application/x-www-form-urlencoded", "multipart/form-data"]);
    expect(taken["register"]).toEqual(["application/json"]);
    expect(taken["appendToUpload"]).toEqual(["application/offset+octet-stream"]);
    expect(JSON.stringify(document)).not.toMatch(
      /"problem"|"documented"|x-description|email-address|unpkg|jsdelivr/,
    );
  });

  test("OpenAPI document: names the schema of every body, with flags as booleans", () => {
    for (const { operation } of operations())
      for (const { schema } of Object.values(operation.requestBody?.content ?? {}))
        expect(schema).toEqual({ $ref: expect.stringMatching(/^#\/components\/schemas\/[A-Z]\w+Body$/) });
    const { RegisterBody, ChangeUserBody, UploadBody } = document.components.schemas;
    const about = { description: expect.any(String) };
    expect(RegisterBody?.properties?.["is_active"]).toEqual({
      type: "boolean",
      nullable: true,
      ...about,
    } as Schema);
    expect(ChangeUserBody?.properties?.["is_active"]).toEqual({ type: "boolean", ...about } as Schema);
    expect(UploadBody?.properties?.["file"]).toEqual({
      type: "string",
      format: "binary",
      ...about,
    } as Schema);
  });

  test("OpenAPI document: requires a token for exactly the guarded routes", async () => {
    const schemes = [{ OAuth2PasswordBearer: [] }, { SessionBearer: [] }, { APIKeyCookie: [] }];
    for (const { path, method, operation } of operations()) {
      const answer = await service.fetch(path.replace(/\{\w+\}/, "x"), { method: method.toUpperCase() });
      const security = answer.status === 401 ? schemes : [];
      expect([path, method, operation.security]).toEqual([path, method, security]);
    }
  });

  test("OpenAPI document: has the schema {} for null", async () => {
    const content = { "application/json": { schema: {}, example: null } };
    expect(responseOf("/auth/forgot-password", "post", 202)?.content).toEqual(content);
    expect(responseOf("/auth/request-verify-token", "post", 202)?.content).toEqual(content);
    expect(responseOf("/auth/reset-password", "post", 200)?.content).toEqual(content);
  });

  test("OpenAPI document: lists the content types and headers of media", () => {
    const schema = { type: "string", format: "binary" };
    for (const status of [200, 206]) {
      const { content, headers } = responseOf("/media/{key}", "get", status)!;
      expect(content).toEqual({ "image/*": { schema }, "video/*": { schema } });
      const ofFile = ["Accept-Ranges", "Cache-Control", "Content-Disposition", "ETag"];
      expect(Object.keys(headers)).toEqual(expect.arrayContaining(ofFile));
    }
    expect(Object.keys(responseOf("/media/{key}", "get", 206)!.headers)).toContain("Content-Range");
    expect(Object.keys(responseOf("/media/{key}", "get", 416)!.headers)).toContain("Content-Range");
    expect(Object.keys(responseOf("/media/{key}", "get", 302)!.headers)).toContain("Location");
  });
});

test("OpenAPI document: has every error with its exact body as an example", async () => {
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
    const examples = Object.values(examplesOf(path, method, answer.status)) as { value: unknown }[];
    const where = [path, method, answer.status];
    expect([...where, examples.map(({ value }) => value)]).toEqual([
      ...where,
      expect.arrayContaining([await answer.json()]),
    ]);
  }
});

test.each([
  ["SQLITE_FULL", 507, "Storage is full"],
  ["SQLITE_BUSY", 503, "Service temporarily unavailable"],
])("OpenAPI document: documents %s for every route", async (code, status, detail) => {
  const failing = await TestService.start();
  const { token } = await failing.signUp();
  const { users } = failing.services.database;
  const fail = () => Promise.reject(Object.assign(new Error(code), { code }));
  Object.assign(users, { byEmailKey: fail, viewer: fail });
  const ask = async (method: string, path: string, body: BodyInit | null, type: string) => {
    const headers = { authorization: `Bearer ${token}`, "content-type": type };
    const request = new Request(`http://localhost${path}`, { method, body, headers });
    // Uses the service whose database fails.
    const answer = await failing.firstHandler(request);
    await expectDocumented(failing.app, request, answer);
    return answer;
  };
  const answers = [
    await ask("POST", "/auth/jwt/login", "username=ada&password=x", "application/x-www-form-urlencoded"),
    await ask("POST", "/auth/jwt/logout", null, "text/plain"),
    await ask("PATCH", "/users/me", "{}", "application/json"),
  ];
  for (const answer of answers) expect([answer.status, await answer.json()]).toEqual([status, { detail }]);
  await failing.close();
});

test("OpenAPI document: documents other responses with their bodies", async () => {
  const statuses = (path: string) => Object.keys(document.paths[path]?.["get"]?.responses ?? {});
  expect(statuses("/media/{key}")).toEqual(["200", "206", "302", "304", "404", "412", "416", "500", "503"]);
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

test("OpenAPI document: documents the errors of an unverified account", async () => {
  const strict = await TestService.start();
  const { token } = await strict.signUp();
  const verified = await TestService.start({ DATA_DIR: strict.dataDir, REQUIRE_VERIFIED_EMAIL: "true" });
  for (const path of ["/users/me", "/feed"]) {
    const answer = await verified.fetch(path, { token });
    expect([answer.status, await answer.json()]).toEqual([403, { detail: "Forbidden" }]);
    expect(examplesOf(path, "get", 403)).toEqual({
      FORBIDDEN: { summary: expect.any(String), value: { detail: "Forbidden" } },
    });
  }
  await verified.close({ keepData: true });
  await strict.close();
});

describe.each(["/docs", "/redoc"])("%s", (path) => {
  test("loads everything from the service and lets browsers cache only versioned files", async () => {
    const page = await service.fetch(path);
    const html = await page.text();
    expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(html).not.toMatch(/https?:\/\//);
    const references = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, reference]) => reference ?? "");
    const assets = references.filter((reference) => !reference.startsWith("data:"));
    expect(assets.length).toBeGreaterThan(1);
    for (const reference of assets) {
      // Relative, so that it works below any path prefix.
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

test.each(["/docs", "/redoc"])(
  "documentation pages: %s/ redirects to the page, whose references are relative",
  async (path) => {
    const answer = await service.fetch(`${path}/?a=b`);
    const prefixed = `https://example.com/photos${path}/?a=b`;
    expect([answer.status, new URL(answer.headers.get("location") ?? "", prefixed).href]).toEqual([
      308,
      `https://example.com/photos${path}`,
    ]);
  },
);
