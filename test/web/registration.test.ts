import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Browser, chromium } from "../support/browser.ts";
import { command, ServiceProcess } from "../support/process.ts";

if (!chromium) console.log("skipped: the tests of registration in the page need Chromium");

describe.skipIf(!chromium)("page: registration", () => {
  let dataDir: string;
  let service: ServiceProcess;
  let browser: Browser;
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "image-sharing-registration-"));
    // On SQLite, because the command below has no other database.
    const environment = { REGISTRATION: "closed", REQUIRE_VERIFIED_EMAIL: "true", DATABASE_URL: "" };
    service = new ServiceProcess(dataDir, environment);
    await service.start();
  }, 60_000);
  afterAll(async () => {
    await service.kill();
    await rm(dataDir, { recursive: true, force: true });
  });
  afterEach(() => browser.close());

  test("page: is German in a browser that prefers German", async () => {
    browser = await Browser.open(service.address, { width: 390, height: 844 }, { language: "de-AT,en" });
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
  }, 60_000);

  test("page: an invitation registers on a closed service, which asks to verify the address before the first sign-in", async () => {
    const { stdout } = Bun.spawnSync([...command, "invite"], {
      env: {
        PATH: process.env["PATH"],
        DATA_DIR: dataDir,
        REGISTRATION: "closed",
        PUBLIC_URL: service.address,
      },
      cwd: dataDir,
    });
    const [, path = ""] = /^http[^#\s]*(#\/register\?invitation=\S+)$/m.exec(stdout.toString()) ?? [];
    browser = await Browser.open(service.address, { width: 1280, height: 800 });
    await browser.until(`document.querySelector("h1")?.textContent === "Sign in"`);
    expect(await browser.text()).not.toContain("Create an account");
    await browser.go("#/register");
    await browser.until(`document.body.innerText.includes("doesn't take new accounts")`);
    await browser.go(path);
    await browser.until(`document.querySelector("input[name=email]")`);
    await browser.fill("input[name=name]", "Guest");
    await browser.fill("input[name=email]", "guest@example.com");
    await browser.fill("input[name=password]", "correct horse battery");
    await browser.press("Create account");
    await browser.until(`document.querySelector("main h1")?.textContent === "Check your inbox"`);
    expect(await browser.text()).toContain("guest@example.com");
    await browser.picture("check-inbox-wide");
    await browser.press("Send the link again");
    await browser.until(
      `document.querySelector("#notice:popover-open")?.textContent === "We've emailed you a link."`,
    );
  }, 60_000);
});
