import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import { openApiDocument } from "../../src/openapi/document.ts";
import { createOpenApiCheck, type OpenApiDocument } from "../support/openapi-check.ts";
import { TestService } from "../support/service.ts";

let service: TestService;
let check: ReturnType<typeof createOpenApiCheck>;
beforeAll(async () => {
  service = await TestService.start();
  check = createOpenApiCheck((await openApiDocument(service.app)) as OpenApiDocument);
});
afterAll(() => service.close());

const user = {
  id: "3f2f9d6a-6d0b-4a53-9d0e-0a5f3a1c7b42",
  email: "ada@example.com",
  name: null,
  is_active: true,
  is_superuser: false,
  is_verified: false,
};
const json = (body: unknown, status = 200, headers: Record<string, string> = {}) =>
  Response.json(body, { status, headers: { "x-request-id": "1", ...headers } });
const empty = (status: number, headers: Record<string, string> = {}) =>
  new Response(null, { status, headers: { "x-request-id": "1", ...headers } });
const cached = { etag: '"1"', "cache-control": "no-cache" };

describe("response check of the tests", () => {
  test.each<[string, string, string, Response]>([
    ["JSON that fits", "GET", "/users/me", json(user)],
    ["a compressed body", "GET", "/users/me", gzipped(user)],
    ["the answer to HEAD", "HEAD", "/users/me", new Response(null, json(user))],
    ["null", "POST", "/auth/forgot-password", json(null, 202)],
    ["a shared error", "GET", "/feed", json({ detail: "Forbidden" }, 403)],
    ["401", "GET", "/feed", json({ detail: "Unauthorized" }, 401, { "www-authenticate": "Bearer" })],
    ["a code", "POST", "/auth/jwt/login", json({ detail: "LOGIN_BAD_CREDENTIALS" }, 400)],
    ["a sentence that goes on", "POST", "/upload", json({ detail: "File too large: at most 9" }, 413)],
    ["no body", "DELETE", `/users/${user.id}`, empty(204)],
    ["an error of a route that is not there", "GET", "/nope", json({ detail: "Not Found" }, 404)],
    ["a cached copy", "GET", "/media/1.jpg", empty(304, cached)],
  ])("response check: accepts %s", async (_, method, path, response) => {
    expect(await check(method, path, response)).toBeUndefined();
  });

  test.each<[string, string, string, Response, string]>([
    ["a route", "GET", "/secrets", json({}), "the route is not documented"],
    ["a method", "PUT", "/users/me", json(user), "the route is not documented"],
    ["a status", "GET", "/users/me", json(user, 418), "the status is not documented"],
    ["a content type", "GET", "/users/me", withType("text/html"), "the content type text/html is not"],
    ["a field", "GET", "/users/me", json({ ...user, age: 3 }), '"additionalProperty":"age"'],
    ["an inner field", "GET", "/feed", json({ posts: [{ a: 1 }], next_cursor: null }), '"a"'],
    ["a missing field", "GET", "/users/me", json({ ...user, email: undefined }), '"missingProperty":"email"'],
    ["a type", "GET", "/users/me", json({ ...user, is_active: 1 }), "/is_active must be boolean"],
    ["a format", "GET", "/users/me", json({ ...user, id: "7" }), '/id must match format "uuid"'],
    ["a null", "GET", "/users/me", json({ ...user, email: null }), "/email must be string"],
    ["a code", "POST", "/auth/jwt/login", json({ detail: "NOPE" }, 400), "/detail must be equal to one of"],
    ["an error", "GET", "/feed", json({ detail: "Out of order" }, 503), "none of the examples"],
    ["a header", "GET", "/users/me", json(user, 200, { "x-secret": "1" }), "the header x-secret is not"],
    ["a missing header", "GET", "/users/me", Response.json(user), "the header X-Request-Id is missing"],
    ["a header's type", "GET", "/feed", json({ detail: "" }, 503, { "retry-after": "soon" }), "Retry-After"],
    ["a body", "DELETE", `/users/${user.id}`, json(user, 204), "a body is not documented"],
    ["an error's shape", "GET", "/nope", json({ message: "no" }, 404), '"missingProperty":"detail"'],
  ])("response check: rejects %s", async (_, method, path, response, problem) => {
    expect(await check(method, path, response)).toContain(problem);
  });

  test("response check: covers every request of a TestService and leaves the body readable", async () => {
    const { token } = await service.signUp();
    expect(await (await service.fetch("/users/me", { token })).json()).toMatchObject({ is_active: true });
    const broken = await TestService.start();
    broken.services.database.users.viewer = () =>
      Promise.resolve({ ...user, isActive: "yes", isSuperuser: false, isVerified: true } as never);
    const { token: theirs } = await broken.signUp();
    await expect(broken.fetch("/users/me", { token: theirs })).rejects.toThrow("/is_active must be boolean");
    await broken.close();
  });
});

function gzipped(body: unknown): Response {
  const headers = {
    "x-request-id": "1",
    "content-type": "application/json",
    "content-encoding": "gzip",
  };
  return new Response(Bun.gzipSync(JSON.stringify(body)), { headers });
}

function withType(type: string): Response {
  return json(user, 200, { "content-type": type });
}
