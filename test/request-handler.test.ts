import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import { pngPhoto } from "./support/media-samples.ts";
import { preferredCoding } from "../src/http/compression.ts";
import { TestService } from "./support/service.ts";

let service: TestService;
let token: string;
beforeAll(async () => {
  service = await TestService.start({ CORS_ORIGINS: "https://app.example.com" });
  ({ token } = await service.signUp());
});
afterAll(() => service.close());

function form(file: string): FormData {
  const form = new FormData();
  form.set("file", new Blob([file]), "a.png");
  return form;
}

describe("responses", () => {
  test("responses: have security headers and a request id, the client's own if it is plain", async () => {
    for (const path of ["/users/me", "/nope", "/health", "/openapi.json"]) {
      const answer = await service.fetch(path, { headers: { "x-request-id": "abc-123" } });
      expect(answer.headers.get("x-request-id")).toBe("abc-123");
      expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
      expect(answer.headers.get("referrer-policy")).toBe("no-referrer");
      expect(answer.headers.get("x-powered-by")).toBeNull();
    }
    for (const id of ["with space", "x".repeat(200), "<script>"]) {
      const answer = await service.fetch("/health", { headers: { "x-request-id": id } });
      expect(answer.headers.get("x-request-id")).toMatch(/^[0-9a-z-]{15,}$/);
    }
  });

  test("responses: a 401 names the authentication scheme", async () => {
    const forged = { method: "GET", token: "forged" };
    for (const [path, init] of [
      ["/users/me", {}],
      ["/feed", forged],
      ["/upload", { method: "POST", body: form("x") }],
      ["/auth/jwt/logout", { method: "POST" }],
    ] as const) {
      const { status, headers } = await service.fetch(path, init);
      expect([path, status, headers.get("www-authenticate")]).toEqual([path, 401, "Bearer"]);
    }
  });

  test("responses: a HEAD response has a Date", async () => {
    for (const path of ["/", "/health", "/users/me", "/nope", "/openapi.json"]) {
      const { headers } = await service.fetch(path, { method: "HEAD" });
      expect(Math.abs(Date.parse(headers.get("date") ?? "") - Date.now())).toBeLessThan(2000);
    }
  });

  test("responses: the API forbids caching", async () => {
    expect((await service.fetch("/users/me", { token })).headers.get("cache-control")).toBe("no-store");
  });

  test("responses: the access log has one line per request, without query, token or address", async () => {
    const before = service.logged.length;
    const answer = await service.fetch("/feed?limit=3&cursor=secret-value", {
      token,
      headers: { "x-request-id": "find-me" },
    });
    const [line = "", ...more] = service.logged.slice(before);
    expect(more).toBeEmpty();
    expect(JSON.parse(line)).toMatchObject({
      level: "info",
      event: "request",
      id: "find-me",
      method: "GET",
      route: "/feed",
      status: 422,
      ms: expect.any(Number),
      bytes: (await answer.bytes()).length,
      user: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    expect(line).not.toContain("secret-value");
    expect(line).not.toContain(token);
    expect(line).not.toContain("@example.com");
  });
});

test("HEAD: a stored photo has the Content-Length of its GET", async () => {
  const photo = await pngPhoto();
  const uploaded = await service.upload(token, new Blob([photo]));
  const { url } = (await uploaded.json()) as { url: string };
  const path = url.slice(url.indexOf("/media/"));
  const get = await service.fetch(path);
  const length = String((await get.bytes()).length);
  const head = await service.fetch(path, { method: "HEAD" });
  expect(await head.text()).toBe("");
  const lengths = [get, head].map(({ headers }) => headers.get("content-length"));
  expect(lengths).toEqual([length, length]);
});

test("routing: finds the path after a short host", async () => {
  for (const host of ["x", "api", "a.b:1", "[::1]"]) {
    const answer = await service.handler(new Request(`http://${host}/health`));
    expect([host, answer.status]).toEqual([host, 200]);
  }
});

describe("cors: pages of other origins", () => {
  const preflight = (origin: string) =>
    service.fetch("/upload", {
      method: "OPTIONS",
      headers: {
        origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization",
      },
    });

  test("cors: listed origins may read responses and errors, with credentials", async () => {
    const asked = await preflight("https://app.example.com");
    expect(asked.status).toBe(204);
    expect(asked.headers.get("access-control-allow-origin")).toBe("https://app.example.com");
    expect(asked.headers.get("access-control-allow-headers")).toContain("authorization");
    const answer = await service.fetch("/feed", { headers: { origin: "https://app.example.com" } });
    expect(answer.status).toBe(401);
    expect(answer.headers.get("access-control-allow-origin")).toBe("https://app.example.com");
    expect(answer.headers.get("access-control-allow-credentials")).toBe("true");
    expect(answer.headers.get("vary")).toContain("origin");
  });

  test("cors: unlisted origins may not read responses", async () => {
    for (const origin of ["https://evil.example", "https://app.example.com.evil.example", "null"])
      expect((await preflight(origin)).headers.get("access-control-allow-origin")).toBeNull();
  });
});

describe("compression", () => {
  test("compression: compresses JSON over a kilobyte if the client accepts it", async () => {
    const asked = await service.fetch("/openapi.json", { headers: { "accept-encoding": "gzip" } });
    expect(asked.headers.get("content-encoding")).toBe("gzip");
    expect(asked.headers.get("vary")).toContain("accept-encoding");
    const plain = Bun.gunzipSync(await asked.bytes());
    const unasked = await service.fetch("/openapi.json");
    expect(unasked.headers.get("content-encoding")).toBeNull();
    expect(Buffer.from(plain).toString()).toBe(await unasked.text());
  });

  test("compression: does not compress small responses", async () => {
    const answer = await service.fetch("/users/me", { token, headers: { "accept-encoding": "gzip, zstd" } });
    expect(answer.headers.get("content-encoding")).toBeNull();
    expect(await answer.json()).toHaveProperty("email");
  });

  test.each([
    [null, undefined],
    ["", undefined],
    ["br", undefined],
    ["gzip;q=0, zstd;q=0", undefined],
    ["gzip", "gzip"],
    ["gzip, deflate, br, zstd", "zstd"],
    ["zstd;q=0.1, gzip;q=0.5", "gzip"],
    ["*", "gzip"],
    ["*;q=0", undefined],
    ["identity, *;q=0.1", undefined],
    ["identity;q=0.1, *", "gzip"],
    ["identity;q=0, *", "gzip"],
    ["br, *", "gzip"],
    ["gzip;q=0, *", undefined],
    ["gzip;q=0.1, *", undefined],
    ["zstd, *;q=0.5", "zstd"],
    ["zstd, *", "zstd"],
    ["zstd;q=0.2, *;q=0.5", "gzip"],
    ["zstd;q=0, *", "gzip"],
    ["identity, gzip", "gzip"],
    ["identity, gzip;q=0.5, zstd;q=0.9", undefined],
    ["identity;q=0.5, gzip;q=0.8", "gzip"],
    ["GZIP; Q=1", "gzip"],
  ] as const)("for Accept-Encoding %p is %p", (accepted, coding) => {
    expect(preferredCoding(accepted)).toBe(coding);
  });
});

describe("Strict-Transport-Security", () => {
  test("Strict-Transport-Security: is in every response if PUBLIC_URL is https", async () => {
    const secure = await TestService.start({
      PUBLIC_URL: "https://photos.example.com/app",
      CORS_ORIGINS: "https://app.example.com",
    });
    const { token } = await secure.signUp();
    const uploaded = await secure.upload(token, new Blob([await pngPhoto()]));
    const { url } = (await uploaded.json()) as { url: string };
    const media = url.slice(url.indexOf("/media/"));
    const tag = (await secure.fetch("/openapi.json")).headers.get("etag") ?? "";
    const preflight = { origin: "https://app.example.com", "access-control-request-method": "POST" };
    const asked: [number, string, Parameters<TestService["fetch"]>[1]?][] = [
      [200, "/users/me", { token }],
      [200, "/feed", { token, headers: { "accept-encoding": "gzip" } }],
      [401, "/users/me"],
      [404, "/nope"],
      [405, "/feed", { method: "PUT" }],
      [415, "/upload", { method: "POST", token, body: form("no image") }],
      [422, "/auth/register", { json: {} }],
      [200, "/"],
      [200, "/openapi.json", { headers: { "accept-encoding": "gzip" } }],
      [304, "/openapi.json", { headers: { "if-none-match": tag } }],
      [200, media],
      [200, media, { method: "HEAD" }],
      [206, media, { headers: { range: "bytes=0-1" } }],
      [304, media, { headers: { "if-none-match": "*" } }],
      [416, media, { headers: { range: "bytes=99999999-" } }],
      [404, "/media/nope"],
      [204, "/upload", { method: "OPTIONS", headers: preflight }],
    ];
    for (const [status, path, init] of asked) {
      const { status: answered, headers } = await secure.fetch(path, init);
      const told = headers.get("strict-transport-security");
      expect([path, answered, told]).toEqual([path, status, "max-age=31536000"]);
    }
    secure.services.lifecycle.stopping = true;
    const { status, headers } = await secure.firstHandler(new Request("http://localhost/feed"));
    expect([status, headers.get("strict-transport-security")]).toEqual([503, "max-age=31536000"]);
    await secure.close();
  });

  test("Strict-Transport-Security: is not sent if PUBLIC_URL is not https", async () => {
    for (const path of ["/", "/health", "/users/me"])
      expect((await service.fetch(path)).headers.has("strict-transport-security")).toBe(false);
  });
});

describe("metrics", () => {
  test("metrics: are for this machine only, unless METRICS=public", async () => {
    expect((await service.fetch("/metrics")).status).toBe(404);
    const open = await TestService.start({ METRICS: "public" });
    // Asks a single node, because each counts for itself.
    const ask = (path: string) => open.firstHandler(new Request(`http://localhost${path}`));
    await ask("/nope?secret=1");
    for (const path of ["/feed/", "/feed/?limit=1", "/users/x/", "/feed//"]) await ask(path);
    const answer = await ask("/metrics");
    const text = await answer.text();
    expect(answer.headers.get("content-length")).toBe(String(Buffer.byteLength(text)));
    const count = 'image_sharing_http_requests_total{method="GET",route=';
    expect(text).toContain(`${count}"none",status="404"} 2`);
    expect(text).toContain(`${count}"/feed",status="401"} 2`);
    expect(text).toContain(`${count}"/users/:id",status="401"} 1`);
    expect(text).toContain("process_resident_memory_bytes");
    expect(text).not.toContain("secret");
    await open.close();
  });
});

test("metrics: a trailing slash gets 404 for every client", async () => {
  const open = await TestService.start({ METRICS: "public" });
  for (const path of ["/metrics/", "/metrics/?a=b"])
    for (const method of ["GET", "HEAD"])
      expect([path, method, (await open.fetch(path, { method })).status]).toEqual([path, method, 404]);
  expect((await open.fetch("/metrics?a=/")).status).toBe(200);
  await open.close();
});

test("routes: an unsupported method gets 405 with and without a trailing slash", async () => {
  for (const path of ["/feed", "/feed/"]) {
    const { status, headers } = await service.fetch(path, { method: "PUT" });
    expect([path, status, headers.get("allow")]).toEqual([path, 405, "GET, HEAD"]);
  }
});

test("shutdown: new requests get 503 while the service stops, and /health reports it", async () => {
  const stopping = await TestService.start();
  stopping.services.lifecycle.stopping = true;
  const ask = (path: string) => stopping.firstHandler(new Request(`http://localhost${path}`));
  const health = await ask("/health");
  expect([health.status, await health.json()]).toEqual([503, { status: "stopping" }]);
  const answer = await ask("/feed");
  expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "5"]);
  await stopping.close();
});
