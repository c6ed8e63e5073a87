import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import { join } from "node:path";

import { createPathPrefix } from "../../src/http/path-prefix.ts";
import { Browser, chromium } from "../support/browser.ts";
import { pngPhoto } from "../support/media-samples.ts";
import { TestService } from "../support/service.ts";

if (!chromium) console.log("skipped: the test of the page below a path prefix needs Chromium");

test.each([
  ["/photos/feed?limit=1", "/feed?limit=1"],
  ["/photos/", "/"],
  ["/photos", "/"],
  ["/photos?q=/photos/", "/?q=/photos/"],
  ["/feed", "/feed"],
  ["/photosfeed", "/photosfeed"],
  ["/photos/nothing", "/nothing"],
  ["/photos/photos/feed", "/photos/feed"],
])("path prefix: %s is %s below /photos", (asked, answered) => {
  const known = new Set(["/", "/feed", "/photos/feed"]);
  const request = new Request(`http://localhost${asked}`);
  const within = createPathPrefix("/photos", (path) => known.has(path))(request);
  expect(within).toBe(request);
  expect(within.url).toBe(`http://localhost${answered}`);
});

test("path prefix: keeps a path that is a route only with the prefix", () => {
  const withoutPrefix = createPathPrefix("/media", (path) => /^\/(feed|media\/\w+)$/.test(path));
  for (const [asked, answered] of [
    ["/media/key", "/media/key"],
    ["/media/media/key", "/media/key"],
    ["/media/feed", "/feed"],
  ])
    expect(withoutPrefix(new Request(`http://localhost${asked}`)).url).toBe(`http://localhost${answered}`);
});

describe.each([
  ["strips", "/my/photos"],
  ["keeps", "/my/photos"],
  ["strips", "/media"],
  ["keeps", "/media"],
])("path prefix: a proxy that %s the path of PUBLIC_URL, %s", (what, prefix) => {
  let service: TestService;
  let server: Bun.Server<undefined>;
  let proxy: Bun.Server<undefined>;
  let token: string;
  let photo: string;
  /** Paths outside the prefix that the proxy was asked for. */
  const strays: string[] = [];
  const at = (path: string, init: RequestInit = {}) =>
    fetch(`${proxy.url.origin}${prefix}${path}`, { ...init, headers: { authorization: `Bearer ${token}` } });

  beforeAll(async () => {
    proxy = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      async fetch(request) {
        const { pathname, search } = new URL(request.url);
        const isOurs = pathname === prefix || pathname.startsWith(`${prefix}/`);
        if (!isOurs) {
          strays.push(pathname);
          return new Response("not ours", { status: 404 });
        }
        const path = what === "keeps" ? pathname : pathname.slice(prefix.length) || "/";
        const { method, headers } = request;
        // Buffered, because fetch cannot send the stream of a received body again.
        const body = await request.arrayBuffer();
        return fetch(server.url.origin + path + search, {
          method,
          headers,
          redirect: "manual",
          decompress: false,
          ...(body.byteLength > 0 && { body }),
        });
      },
    });
    service = await TestService.start({ PUBLIC_URL: `${proxy.url.origin}${prefix}` });
    server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: service.firstHandler });
    service.services.connections.listen(server);
    ({ token } = await service.signUp("ada@example.com"));
    await service.upload(token, new Blob([await pngPhoto()]), "a photo");
    photo = join(service.dataDir, "another.png");
    await Bun.write(photo, await pngPhoto());
  });
  afterAll(async () => {
    await proxy.stop(true);
    await server.stop(true);
    await service.close();
  });

  test("path prefix: the API and the URLs in its responses work behind the proxy", async () => {
    const response = await at("/feed?limit=1");
    expect(response.status).toBe(200);
    const [post] = ((await response.json()) as { posts: { id: string; url: string }[] }).posts;
    expect(post!.url).toStartWith(`${proxy.url.origin}${prefix}/media/`);
    for (const method of ["GET", "HEAD"]) expect((await fetch(post!.url, { method })).status).toBe(200);
    for (const [path, status] of [
      ["/health", 200],
      ["/users/me", 200],
      [`/posts/${post!.id}`, 200],
      ["/openapi.json", 200],
      ["/docs", 200],
      ["/docs/start.js", 200],
      ["/redoc/page.css", 200],
      ["/nothing", 404],
    ] as const)
      expect([path, (await at(path)).status]).toEqual([path, status]);
    expect((await at("/feed", { method: "PUT" })).status).toBe(405);
    expect((await at("/health", { method: "HEAD" })).status).toBe(200);
  });

  test("path prefix: the log has the routes without the prefix", async () => {
    await at("/users/me");
    expect(service.logged.some((line) => line.includes('"route":"/users/me"'))).toBe(true);
    expect(service.logged.join("")).not.toContain(`"route":"${prefix}/users`);
  });

  test.skipIf(!chromium).each(["", "/"])(
    "path prefix: the page shows the feed and shares a photo at a URL that ends with %p",
    async (end) => {
      const browser = await Browser.open(`${proxy.url.origin}${prefix}${end}`, { width: 1000, height: 900 });
      await browser.signIn("ada@example.com");
      await browser.until(`document.querySelector("li.post img")?.naturalWidth > 0`);
      await browser.until(`document.querySelector("header img")?.naturalWidth > 0`);
      const shown = Number(await browser.view.evaluate(`document.querySelectorAll("li.post").length`));
      await browser.choose("#files", [photo]);
      await browser.until(`document.querySelector(".uploads .primary")`);
      await browser.view.evaluate(`document.querySelector(".uploads .primary").click()`);
      await browser.until(`document.querySelectorAll("li.post").length === ${shown + 1}`);
      // Chromium requests it by itself; a page cannot prevent that.
      expect(strays.filter((path) => path !== "/favicon.ico")).toEqual([]);
      // The page asks who is signed in.
      expect(browser.errors.filter((error) => !/status of 401/.test(error))).toEqual([]);
      browser.close();
    },
    60_000,
  );
});
