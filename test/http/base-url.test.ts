import { afterAll, describe, expect, test } from "bun:test";

import { readConfig } from "../../src/config/config.ts";
import { BaseUrl } from "../../src/http/base-url.ts";
import { Connections } from "../../src/http/connections.ts";
import { pngPhoto } from "../support/media-samples.ts";
import { TestService } from "../support/service.ts";

const own = "http://localhost:8000";
const asking = (headers: Record<string, string>) => new Request("http://localhost/feed", { headers });

function baseUrl(environment: Record<string, string> = {}, peer = "127.0.0.1") {
  const config = readConfig(environment);
  const connections = new Connections(config.trustProxy);
  // The part of the server that is used.
  connections.listen({
    requestIP: () => ({ address: peer }),
    timeout() {},
  } as unknown as Bun.Server<undefined>);
  return new BaseUrl(config, connections);
}

describe("base URL: without PUBLIC_URL", () => {
  test.each([
    ["192.168.1.5:8000", "http://192.168.1.5:8000"],
    ["Photos.Example.COM", "http://photos.example.com"],
    ["my_nas.local:8000", "http://my_nas.local:8000"],
    ["[fe80::1]:8000", "http://[fe80::1]:8000"],
    ["photos.example.com:80", "http://photos.example.com"],
    ["photos.example.com.", "http://photos.example.com."],
    ["image_sharing:8000", "http://image_sharing:8000"],
    ["_photos_._tcp.local", "http://_photos_._tcp.local"],
    ["xn--bcher-kva.example", "http://xn--bcher-kva.example"],
    ["1.2.3.4", "http://1.2.3.4"],
    ["a.example:1", "http://a.example:1"],
    ["a.example:65535", "http://a.example:65535"],
    [`${"a".repeat(63)}.example`, `http://${"a".repeat(63)}.example`],
  ])("base URL: uses the host of the request: %s", (host, expected) => {
    expect(baseUrl().of(asking({ host }))).toBe(expected);
  });

  test.each([
    "",
    "a b",
    "a.example/path",
    "a.example?q",
    "a.example#f",
    "user@a.example",
    "user:password@a.example",
    "a.example:99999",
    "a.example:",
    "a.example:80:80",
    'a.example"><script>',
    "a.example, b.example",
    "[::1",
    "[1.2.3]",
    "999.1.1.1",
    "bücher.example",
    "a%2eexample",
    "x".repeat(300),
    ".",
    "..",
    "-",
    "a..b",
    ".a.example",
    "a.example..",
    "-a.example",
    "a-.example",
    "a.-.example",
    "a.example-",
    `${"a".repeat(64)}.example`,
    `${"a.".repeat(127)}example`,
    "1",
    "1.2.3",
    "0x7f.1",
    "1.2.3.4:0",
    "a.example:0",
    "a.example:00000",
    "a.example:65536",
    "[::1]:0",
    "[::1]:65536",
  ])("base URL: does not use the invalid Host %p", (host) => {
    expect(baseUrl().of(asking({ host }))).toBe(own);
  });

  test("base URL: is localhost for a request without a host", () => {
    expect(baseUrl().of(new Request("http://localhost/feed"))).toBe(own);
    const url = baseUrl({ PORT: "0" });
    url.listen(54_321);
    expect(url.of(new Request("http://localhost/feed"))).toBe("http://localhost:54321");
  });

  test("base URL: uses the host of each request, not of an earlier one", () => {
    const url = baseUrl();
    for (const host of ["a.example", "b.example", "b.example", "a b", "a.example"])
      expect(url.of(asking({ host }))).toBe(host === "a b" ? own : `http://${host}`);
  });

  test("base URL: uses https only if a trusted proxy reports it", () => {
    const headers = { host: "a.example", "x-forwarded-proto": "https" };
    const of = (trustProxy: string, peer?: string, more = {}) =>
      baseUrl({ TRUST_PROXY: trustProxy }, peer).of(asking({ ...headers, ...more }));
    expect(of("off")).toBe("http://a.example");
    expect(of("1")).toBe("https://a.example");
    expect(of("10.0.0.0/8", "10.1.2.3")).toBe("https://a.example");
    expect(of("10.0.0.0/8", "192.0.2.1")).toBe("http://a.example");
    expect(of("1", undefined, { "x-forwarded-proto": "https, http" })).toBe("https://a.example");
    expect(of("1", undefined, { "x-forwarded-proto": "http, https" })).toBe("http://a.example");
    expect(of("1", undefined, { "x-forwarded-proto": "httpsx" })).toBe("http://a.example");
  });

  test("base URL: mails never use the host of a request", () => {
    const url = baseUrl();
    url.of(asking({ host: "evil.example" }));
    expect(url.forMails).toBe(own);
  });
});

test("base URL: PUBLIC_URL overrides the headers of the request", () => {
  const url = baseUrl({ PUBLIC_URL: "https://photos.example.com/app/", TRUST_PROXY: "1" });
  expect(url.of(asking({ host: "a.example" }))).toBe("https://photos.example.com/app");
  expect(url.forMails).toBe("https://photos.example.com/app");
});

describe("base URL: service without PUBLIC_URL", () => {
  let service: TestService;
  afterAll(() => service.close());

  test("base URL: responses use the Host of the request, and mails use localhost", async () => {
    service = await TestService.start();
    const { token, email } = await service.signUp();
    const at = (host: string) => ({ token, headers: { host } });
    for (let i = 0; i < 2; i++)
      expect((await service.upload(token, new Blob([await pngPhoto()]))).status).toBe(200);
    for (const host of ["192.168.1.5:8000", "localhost:8000", "192.168.1.5:8000"]) {
      const response = await service.fetch("/feed?limit=1", at(host));
      expect(response.headers.get("link")).toStartWith(`<http://${host}/feed?limit=1&cursor=`);
      const [post] = (
        (await response.json()) as { posts: { id: string; url: string; thumbnail_url: string }[] }
      ).posts;
      expect(post!.url).toStartWith(`http://${host}/media/`);
      expect(post!.thumbnail_url).toStartWith(`http://${host}/media/`);
      const single = await service.fetch(`/posts/${post!.id}`, at(host));
      expect(await single.json()).toMatchObject({ url: post!.url, thumbnail_url: post!.thumbnail_url });
    }
    await service.fetch("/auth/forgot-password", { json: { email }, headers: { host: "evil.example" } });
    await service.mailedToken(email);
    expect(service.mails.at(-1)!.text).toContain("\nhttp://localhost:8000/#/reset?token=");
    expect(JSON.stringify(service.mails)).not.toContain("evil.example");
  });
});
