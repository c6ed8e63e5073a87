import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Browser, chromium } from "../support/browser.ts";
import { ServiceProcess } from "../support/process.ts";

if (!chromium) console.log("skipped: the tests of the page's languages need Chromium");

describe.skipIf(!chromium)("page: languages", () => {
  let dataDir: string;
  let service: ServiceProcess;
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "image-sharing-languages-"));
    service = new ServiceProcess(dataDir, { REQUIRE_VERIFIED_EMAIL: "true" });
    await service.start();
  }, 60_000);
  afterAll(async () => {
    await service.kill();
    await rm(dataDir, { recursive: true, force: true });
  });

  test("page: is German in a browser that prefers German", async () => {
    const browser = await Browser.open(
      service.address,
      { width: 390, height: 844 },
      { language: "de-AT,en" },
    );
    await browser.until(`document.querySelector("main h1")?.textContent === "Anmelden"`);
    expect(await browser.view.evaluate("[document.documentElement.lang, document.title]")).toEqual([
      "de-AT",
      "Image Sharing – Anmelden",
    ]);
    await browser.fill("input[name=email]", "nobody@example.com");
    await browser.fill("input[name=password]", "wrong");
    await browser.press("Anmelden");
    await browser.until(
      `document.querySelector(".error").textContent === "E-Mail-Adresse oder Passwort ist falsch."`,
    );
    await browser.picture("sign-in-phone-german");
    browser.close();
  }, 60_000);

  test("page: explains after registering that the address has to be verified first", async () => {
    const browser = await Browser.open(`${service.address}/#/register`, { width: 1280, height: 800 });
    await browser.until(`document.querySelector("input[name=email]")`);
    await browser.fill("input[name=name]", "Ada");
    await browser.fill("input[name=email]", "ada@example.com");
    await browser.fill("input[name=password]", "correct horse battery");
    await browser.press("Create account");
    await browser.until(`document.querySelector("main h1")?.textContent === "Check your inbox"`);
    expect(await browser.text()).toContain("ada@example.com");
    await browser.picture("check-inbox-wide");
    await browser.press("Send the link again");
    await browser.until(
      `document.querySelector("#notice:popover-open")?.textContent === "We've emailed you a link."`,
    );
    browser.close();
  }, 60_000);
});
