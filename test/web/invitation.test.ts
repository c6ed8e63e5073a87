import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Browser, chromium } from "../support/browser.ts";
import { command, ServiceProcess } from "../support/process.ts";

if (!chromium) console.log("skipped: the test of invitations in the page needs Chromium");

test.skipIf(!chromium)(
  "page: the link of an invitation leads to a form that registers on a closed service",
  async () => {
    const dataDir = await mkdtemp(join(tmpdir(), "image-sharing-invitation-"));
    // On SQLite, because the command below has no other database.
    const service = new ServiceProcess(dataDir, { REGISTRATION: "closed", DATABASE_URL: "" });
    await service.start();
    try {
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
      const browser = await Browser.open(service.address, { width: 1280, height: 800 });
      const register = async (email: string) => {
        await browser.until(`document.querySelector("input[name=email]")`);
        await browser.fill("input[name=email]", email);
        await browser.fill("input[name=password]", "correct horse battery");
        await browser.press("Create account");
      };
      await browser.until(`document.querySelector("h1")?.textContent === "Sign in"`);
      expect(await browser.text()).not.toContain("Create an account");
      await browser.go("#/register");
      await browser.until(`document.body.innerText.includes("doesn't take new accounts")`);
      await browser.go(path);
      await register("guest@example.com");
      await browser.until(`document.body.textContent.includes("Share photos or videos")`);
      browser.close();
    } finally {
      await service.kill();
      await rm(dataDir, { recursive: true, force: true });
    }
  },
  60_000,
);
