import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import { headers as documentedHeaders } from "../../src/openapi/headers.ts";
import { parseAllowedOrigins } from "../../src/config/allowed-origins.ts";
import { pngPhoto } from "../support/media-samples.ts";
import { TestService } from "../support/service.ts";

describe("cors origins", () => {
  test.each([
    [
      "https://app.example.com",
      ["https://app.example.com"],
      ["http://app.example.com", "https://example.com", "https://app.example.com:444", "null", ""],
    ],
    ["https://App.Example.com:443/", ["https://app.example.com"], ["https://App.Example.com"]],
    [
      "http://localhost:3000",
      ["http://localhost:3000"],
      ["http://localhost", "http://localhost:30000", "https://localhost:3000"],
    ],
    ["http://[::1]:3000", ["http://[::1]:3000"], ["http://[::1]"]],
    ["https://bücher.example", ["https://xn--bcher-kva.example"], []],
    [
      "https://*.example.com",
      [
        "https://a.example.com",
        "https://a.b.example.com",
        "https://pr-12--site.example.com",
        "https://a_b.example.com",
        `https://${"a".repeat(63)}.example.com`,
      ],
      [
        "https://example.com",
        "https://.example.com",
        "http://a.example.com",
        "https://a.example.com:8443",
        "https://aexample.com",
        "https://a.example.com.evil.test",
        "https://evil.test/.example.com",
        "https://evil.test#.example.com",
        "https://a-example.com",
        "https://a.exampleXcom",
        "https://x@a.example.com",
        "https://-.example.com",
        "https://-a.example.com",
        "https://a-.example.com",
        "https://a..example.com",
        "https://..example.com",
        "https://b.-.example.com",
        `https://${"a".repeat(64)}.example.com`,
      ],
    ],
    [
      "https://*.example.com:8443",
      ["https://a.example.com:8443"],
      ["https://a.example.com", "https://a.example.com:84433"],
    ],
    ["http://*.localhost:3000", ["http://tenant.localhost:3000"], ["http://localhost:3000"]],
    ["capacitor://localhost", ["capacitor://localhost"], ["capacitor://localhost.evil", "ionic://localhost"]],
    ["ionic://localhost, tauri://localhost", ["ionic://localhost", "tauri://localhost"], []],
    ["app://obsidian.md", ["app://obsidian.md"], ["app://obsidian-md"]],
    [
      "chrome-extension://aapbdbdomjkkjkaonfhkkikfgjllcleb",
      ["chrome-extension://aapbdbdomjkkjkaonfhkkikfgjllcleb"],
      ["chrome-extension://x"],
    ],
    [
      "moz-extension://2c127fa4-62c7-7e4f-90e5-472b45eecfdc",
      ["moz-extension://2c127fa4-62c7-7e4f-90e5-472b45eecfdc"],
      [],
    ],
    ["safari-web-extension://5A3C1F0E-77D8", ["safari-web-extension://5A3C1F0E-77D8"], []],
    [
      "https://a.example,https://b.example",
      ["https://a.example", "https://b.example"],
      ["https://a.example,https://b.example"],
    ],
  ] as const)("cors origins: %p lists what it says", (text, listed, others) => {
    const origins = parseAllowedOrigins(text)!;
    expect(listed.filter((origin) => !origins.lists(origin))).toEqual([]);
    expect(others.filter((origin) => origins.lists(origin))).toEqual([]);
    expect([origins.anybody, origins.nobody, origins.listsAny]).toEqual([false, false, true]);
  });

  test.each([
    "null",
    "example.com",
    "localhost:3000",
    "https://",
    "https://example.com/app",
    "https://example.com?x",
    "https://user@example.com",
    "https://*",
    "https://*.com",
    "https://*.*.example.com",
    "https://a.*.example.com",
    "https://app*.example.com",
    "https://*.1.2.3.4",
    "https://-.example.com",
    "https://a..example.com",
    "https://*.a..example.com",
    "https://*.-.example.com",
    "*.example.com",
    "https://*example.com",
    "capacitor://*",
    "capacitor://",
    "capacitor://localhost/",
    "chrome-extension://*",
    "file://",
    "file://localhost",
    "data:text/html,x",
    "javascript://x",
    "ws://example.com",
    "https://a.example https://b.example",
    "https://a.example,",
  ])("cors origins: rejects %p", (text) => {
    expect(parseAllowedOrigins(text)).toBeUndefined();
    expect(parseAllowedOrigins(`https://a.example, ${text}`)).toBeUndefined();
  });

  test("cors origins: * allows all, even beside others", () => {
    expect(parseAllowedOrigins("*")).toMatchObject({ anybody: true, nobody: false, listsAny: false });
    expect(parseAllowedOrigins("https://a.example, *")).toMatchObject({ anybody: true, listsAny: true });
  });
});

describe("cors: pages of listed origins", () => {
  let service: TestService;
  let open: TestService;
  beforeAll(async () => {
    service = await TestService.start({ CORS_ORIGINS: "https://*.example.com, capacitor://localhost" });
    open = await TestService.start({ CORS_ORIGINS: "*" });
  });
  afterAll(async () => {
    await service.close();
    await open.close();
  });

  const preflight = (to: TestService, origin: string, names?: string, path = "/feed", method = "GET") =>
    to.fetch(path, {
      method: "OPTIONS",
      headers: {
        origin,
        "access-control-request-method": method,
        ...(names !== undefined && { "access-control-request-headers": names }),
      },
    });

  test.each([
    "range",
    "if-range",
    "cache-control",
    "x-requested-with",
    "traceparent",
    "authorization,content-type,sentry-trace,baggage",
    "a, b , c",
  ])("cors: a preflight allows the headers %p", async (names) => {
    for (const [to, origin, allowed] of [
      [service, "https://app.example.com", "https://app.example.com"],
      [service, "capacitor://localhost", "capacitor://localhost"],
      [open, "https://other.test", "*"],
    ] as const) {
      const { status, headers } = await preflight(to, origin, names);
      expect([status, headers.get("access-control-allow-origin")]).toEqual([204, allowed]);
      expect(headers.get("access-control-allow-headers")).toBe(names);
      expect(headers.get("access-control-max-age")).toBe("600");
      expect(headers.get("vary")).toContain("access-control-request-headers");
    }
  });

  test("cors: does not reflect an invalid list of headers", async () => {
    for (const names of ["a b", "a,,b", "a:b", "a;b", "<script>", `x${",x".repeat(3000)}`, "é"]) {
      const { headers } = await preflight(service, "https://app.example.com", names);
      expect(headers.get("access-control-allow-headers")).toBe(
        "authorization, content-type, idempotency-key, x-request-id",
      );
    }
    const { headers } = await preflight(service, "https://app.example.com");
    expect(headers.get("access-control-allow-headers")).toContain("authorization");
  });

  test("cors: a preflight allows the methods of all routes", async () => {
    const methods = new Set(["HEAD", ...service.app.routes.map(({ method }) => method)]);
    const { headers } = await preflight(service, "https://app.example.com", "range", "/posts/1", "DELETE");
    expect(headers.get("access-control-allow-methods")?.split(", ").sort()).toEqual([...methods].sort());
  });

  test("cors: allows nothing to an unlisted origin, and varies by origin", async () => {
    for (const origin of ["https://example.com", "https://evil.test", "null"]) {
      const { status, headers } = await preflight(service, origin, "range");
      const names = [...headers.keys()].filter((name) => name.startsWith("access-control"));
      expect([status, names, headers.get("vary")]).toEqual([
        204,
        [],
        "access-control-request-headers, origin",
      ]);
      const answer = await service.fetch("/health", { headers: { origin } });
      expect([...answer.headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
      expect(answer.headers.get("vary")).toContain("origin");
    }
  });

  test("cors: exposes every documented response header and Content-Length", async () => {
    const { token } = await service.signUp();
    const { url } = (await (await service.upload(token, new Blob([await pngPhoto()]))).json()) as {
      url: string;
    };
    const media = new URL(url).pathname;
    // No page can read `Set-Cookie` (Fetch standard, forbidden response-header names).
    const unlisted = ["cache-control", "last-modified", "set-cookie"];
    for (const [path, init] of [
      ["/health", {}],
      ["/feed", {}],
      [media, {}],
      [media, { range: "bytes=0-1" }],
      [media, { "if-none-match": "*" }],
    ] as const) {
      const { headers } = await service.fetch(path, {
        headers: { origin: "https://a.example.com", ...init },
      });
      expect(headers.get("access-control-allow-origin")).toBe("https://a.example.com");
      const exposed = headers.get("access-control-expose-headers")?.split(", ") ?? [];
      const needed = [...Object.keys(documentedHeaders).map((name) => name.toLowerCase()), "content-length"];
      expect(needed.filter((name) => !exposed.includes(name) && !unlisted.includes(name))).toEqual([]);
      expect(headers.get("vary")?.split(", ")).toContain("origin");
    }
  });

  test("cors: with every origin allowed, responses do not vary by origin", async () => {
    const { headers } = await open.fetch("/health", { headers: { origin: "https://other.test" } });
    expect(headers.get("access-control-allow-origin")).toBe("*");
    expect(headers.get("vary")).toBe("accept-encoding");
  });

  test("cors: listed origins may send credentials, and * never allows them", async () => {
    const both = await TestService.start({ CORS_ORIGINS: "https://app.example.com, *" });
    const allowed = async (to: TestService, origin: string) => {
      const answers = [await to.fetch("/health", { headers: { origin } }), await preflight(to, origin)];
      return answers.map(({ headers }) =>
        ["origin", "credentials"].map((name) => headers.get(`access-control-allow-${name}`)),
      );
    };
    const twice = (...allowing: (string | null)[]) => [allowing, allowing];
    const app = "https://app.example.com";
    expect(await allowed(service, app)).toEqual(twice(app, "true"));
    expect(await allowed(service, "capacitor://localhost")).toEqual(twice("capacitor://localhost", "true"));
    expect(await allowed(service, "https://evil.test")).toEqual(twice(null, null));
    expect(await allowed(open, app)).toEqual(twice("*", null));
    expect(await allowed(both, app)).toEqual(twice(app, "true"));
    expect(await allowed(both, "https://evil.test")).toEqual(twice("*", null));
    expect((await both.fetch("/health")).headers.get("vary")).toContain("origin");
    await both.close();
  });
});
