import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Browser, chromium } from "../support/browser.ts";
import { jpegPhoto } from "../support/media-samples.ts";
import { ServiceProcess } from "../support/process.ts";

if (!chromium) console.log("skipped: the test of Swagger UI needs Chromium");

describe.skipIf(!chromium)("Swagger UI", () => {
  let dataDir: string;
  let service: ServiceProcess;
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "image-sharing-docs-"));
    service = new ServiceProcess(dataDir);
    await service.start();
    await Bun.write(join(dataDir, "walk.jpg"), await jpegPhoto(120, 90));
  });
  afterAll(async () => {
    await service.kill();
    await rm(dataDir, { recursive: true, force: true });
  });

  test("Swagger UI: Authorize and Try it out upload a photo without storing credentials in the browser", async () => {
    await service.signUp("ada@example.com");
    const browser = await Browser.open(`${service.address}/docs`, { width: 1280, height: 1000 });
    const { view } = browser;
    // As stored by an earlier version of the page.
    await view.evaluate(`localStorage.setItem("authorized", '{"password":"correct horse battery"}')`);
    await view.navigate(`${service.address}/docs`);
    const click = (selector: string) =>
      view.evaluate(`document.querySelector(${JSON.stringify(selector)}).click()`);

    await browser.until(`document.querySelector(".auth-wrapper .authorize")`);
    await click(".auth-wrapper .authorize");
    await browser.until(`document.querySelector("#oauth_username")`);
    await browser.fill("#oauth_username", "ada@example.com");
    await browser.fill("#oauth_password", "correct horse battery");
    await click(".modal-ux .auth-btn-wrapper .authorize");
    await browser.until(`document.querySelector(".modal-ux")?.innerText.includes("Logout")`);
    await browser.picture("docs-authorized");
    await click(".modal-ux .btn-done");

    const upload = "#operations-posts-upload";
    await click(`${upload} .opblock-summary-control`);
    await browser.until(`document.querySelector("${upload} .try-out__btn")`);
    // Requests are disabled until the user presses Try it out.
    expect(await view.evaluate(`document.querySelector("${upload} .execute")`)).toBeNull();
    await click(`${upload} .try-out__btn`);
    await browser.until(`document.querySelector("${upload} input[type=file]")`);
    await browser.choose(`${upload} input[type=file]`, [join(dataDir, "walk.jpg")]);
    await click(`${upload} .execute`);
    const status = `document.querySelector("${upload} .live-responses-table tbody .response-col_status")?.innerText`;
    await browser.until(`/^\\d{3}/.test(${status})`);
    await browser.picture("docs-uploaded");
    expect(await view.evaluate(status)).toStartWith("200");

    const feed = "#operations-posts-readFeed";
    await click(`${feed} .opblock-summary-control`);
    await browser.until(`document.querySelector("${feed} .try-out__btn")`);
    await click(`${feed} .try-out__btn`);
    await browser.until(`document.querySelector("${feed} .execute")`);
    await click(`${feed} .execute`);
    await browser.until(
      `document.querySelector("${feed} .live-responses-table")?.innerText.includes("walk.jpg")`,
    );
    const stored = `JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])`;
    expect(await view.evaluate(stored)).toBe('[{},{},""]');
    expect(browser.errors).toEqual([]);
    expect(browser.requests.filter((url) => !/^data:/.test(url) && !url.startsWith(service.address))).toEqual(
      [],
    );
    browser.close();
  }, 60_000);
});
