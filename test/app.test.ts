import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import { TestService } from "./support/service.ts";

let service: TestService;
beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.close());

/** Routes that need no token. */
const open = new Set([
  "GET /",
  "GET /docs",
  "GET /redoc",
  "GET /openapi.json",
  "GET /favicon.ico",
  "GET /manifest.webmanifest",
  "GET /offline.js",
  "GET /health",
  "GET /livez",
  "GET /readyz",
  "GET /metrics",
  "GET /media/:key",
  "GET /media/*",
  "POST /auth/register",
  "POST /auth/jwt/login",
  "POST /auth/session/login",
  "POST /auth/cookie/login",
  "POST /auth/forgot-password",
  "POST /auth/reset-password",
  "POST /auth/request-verify-token",
  "POST /auth/verify",
  "GET /auth/oidc/authorize",
  "GET /auth/oidc/callback",
  "GET /auth/oidc/logout",
  "OPTIONS /uploads",
  "OPTIONS /uploads/:id",
]);

describe("routes", () => {
  test("routes: every guarded route responds with 401 before any other check", async () => {
    const guarded = service.app.routes.filter(
      ({ method, path }) => !open.has(`${method} ${path}`) && !/^\/(assets|docs|redoc)\//.test(path),
    );
    expect(guarded.length).toBeGreaterThan(4);
    for (const { method, path } of guarded) {
      for (const headers of [{}, { authorization: "Bearer nonsense" }]) {
        const answer = await service.fetch(`${path.replace(":post_id", "x").replace(":id", "x")}?limit=bad`, {
          method,
          headers: { ...headers, "content-type": "application/json" },
          ...(method === "GET" ? {} : { body: "{broken" }),
        });
        expect([method, path, answer.status]).toEqual([method, path, 401]);
        if (method !== "HEAD") expect(await answer.json()).toEqual({ detail: "Unauthorized" });
      }
    }
  });

  test("routes: an unknown route gets 404, and a wrong method 405 with Allow", async () => {
    const unknown = await service.fetch("/nope");
    expect([unknown.status, await unknown.json()]).toEqual([404, { detail: "Not Found" }]);
    const wrong = await service.fetch("/posts/x", { method: "PUT" });
    expect([wrong.status, await wrong.json()]).toEqual([405, { detail: "Method Not Allowed" }]);
    expect(wrong.headers.get("allow")).toBe("DELETE, GET, HEAD, PATCH");
  });
});

test("errors: an unknown error becomes a bare 500, and only the log has its message", async () => {
  const failing = await TestService.start();
  failing.services.database.users.byEmailKey = () => Promise.reject(new Error("the disk is on fire"));
  const answer = await failing.login("ada@example.com");
  expect([answer.status, await answer.json()]).toEqual([500, { detail: "Internal Server Error" }]);
  expect(failing.logged.join("")).toContain("the disk is on fire");
  await failing.close();
});
