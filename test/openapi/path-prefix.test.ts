import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import { Browser, chromium } from "../support/browser.ts";
import { TestService } from "../support/service.ts";

if (!chromium) console.log("skipped: the test of the documentation below a path prefix needs Chromium");

describe.skipIf(!chromium)("documentation pages behind a proxy that strips a path prefix", () => {
  let service: TestService;
  let proxy: Bun.Server<undefined>;
  /** Requests to the proxy outside the prefix. */
  const strays: string[] = [];
  beforeAll(async () => {
    service = await TestService.start();
    proxy = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch(request) {
        const { pathname, search, origin } = new URL(request.url);
        const inner = /^\/my\/photos(\/.*)$/.exec(pathname)?.[1];
        if (inner !== undefined) return service.handler(new Request(origin + inner + search, request));
        strays.push(pathname);
        return new Response("not ours", { status: 404 });
      },
    });
  });
  afterAll(async () => {
    await proxy.stop(true);
    await service.close();
  });

  test("Swagger UI: logs in and calls the API below a path prefix", async () => {
    await service.register("ada@example.com");
    const browser = await Browser.open(`${proxy.url.origin}/my/photos/docs/`, { width: 1280, height: 1000 });
    const { view } = browser;
    const click = (selector: string) =>
      view.evaluate(`document.querySelector(${JSON.stringify(selector)}).click()`);
    await browser.until(`document.querySelector(".auth-wrapper .authorize")`);
    await click(".auth-wrapper .authorize");
    await browser.until(`document.querySelector("#oauth_username")`);
    await browser.fill("#oauth_username", "ada@example.com");
    await browser.fill("#oauth_password", "correct horse battery");
    await click(".modal-ux .auth-btn-wrapper .authorize");
    await browser.until(`document.querySelector(".modal-ux")?.innerText.includes("Logout")`);
    await click(".modal-ux .btn-done");

    const me = "#operations-users-readMe";
    await click(`${me} .opblock-summary-control`);
    await browser.until(`document.querySelector("${me} .execute, ${me} .try-out__btn")`);
    await view.evaluate(`document.querySelector("${me} .try-out__btn:not(.cancel)")?.click()`);
    await browser.until(`document.querySelector("${me} .execute")`);
    await click(`${me} .execute`);
    await browser.until(
      `document.querySelector("${me} .live-responses-table")?.innerText.includes("ada@example.com")`,
    );
    await browser.picture("docs-below-a-prefix");
    expect([browser.errors, strays]).toEqual([[], []]);
    browser.close();
  }, 60_000);

  test("ReDoc: renders the document below a path prefix", async () => {
    const browser = await Browser.open(`${proxy.url.origin}/my/photos/redoc`, { width: 1280, height: 1000 });
    await browser.until(`document.querySelector("#redoc h5")`);
    await browser.picture("redoc-below-a-prefix");
    expect([browser.errors, strays]).toEqual([[], []]);
    browser.close();
  }, 60_000);
});
