import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { violationsIn } from "../support/axe.ts";
import { Browser, chromium } from "../support/browser.ts";
import { jpegPhoto } from "../support/media-samples.ts";
import { command, ServiceProcess } from "../support/process.ts";

if (!chromium) console.log("skipped: the tests of accessibility need Chromium");

describe.skipIf(!chromium)("page: accessibility", () => {
  let dataDir: string;
  let service: ServiceProcess;
  let root: string;
  let browser: Browser;
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "image-sharing-axe-"));
    // On SQLite, because the command below has no other database.
    service = new ServiceProcess(dataDir, { DATABASE_URL: "", USER_QUOTA: "1gb", REGISTRATION: "open" });
    await service.start();
    const ada = await service.signUp("ada@example.com");
    root = await service.signUp("root@example.com");
    Bun.spawnSync([...command, "superuser", "root@example.com"], {
      env: { PATH: process.env["PATH"], DATA_DIR: dataDir },
      cwd: dataDir,
    });
    const send = (path: string, token: string, body: object) =>
      service.fetch(path, {
        method: "POST",
        token,
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
    for (const token of [ada, root]) {
      const form = new FormData();
      form.set("file", new Blob([await jpegPhoto(400, 300)]), "photo.jpg");
      form.set("caption", "A photo");
      const answer = await service.fetch("/upload", { method: "POST", body: form, token });
      const { id } = (await answer.json()) as { id: string };
      await send(`/posts/${id}/reports`, token === ada ? root : ada, { reason: "Not mine." });
    }
    await send("/invitations", root, {});
    // A second session to end.
    await service.fetch("/auth/session/login", {
      method: "POST",
      body: new URLSearchParams({ username: "root@example.com", password: "correct horse battery" }),
    });
  }, 120_000);
  afterAll(async () => {
    await service.kill();
    await rm(dataDir, { recursive: true, force: true });
  });
  afterEach(() => browser.close());

  const open = async (path = "/") => {
    browser = await Browser.open(`${service.address}${path}`, { width: 1280, height: 800 });
  };
  const heading = (words: string) =>
    browser.until(`document.querySelector("main h1")?.textContent === ${JSON.stringify(words)}`, 10);
  /** Waits until everything of the view has loaded. */
  const settled = () =>
    browser.until(
      `!/Loading|…/.test(document.querySelector("main").innerText) && !document.getAnimations().length`,
      10,
    );
  const check = async (name: string) => expect(await violationsIn(browser, name)).toEqual([]);
  const dismiss = async () => {
    await browser.view.press("Escape");
    await browser.until(`!document.querySelector("dialog")`);
  };

  test("page: axe finds what is wrong in a view that has a picture without a name and pale text", async () => {
    await open();
    await heading("Sign in");
    await browser.view.evaluate(
      `(() => { const text = document.createElement("p"); text.append("Pale"); text.style.color = "#8888"; document.querySelector(".card").append(text, Object.assign(new Image(), { src: "assets/icon.svg" })); })()`,
    );
    const found = (await violationsIn(browser, "faulty")).join("\n");
    for (const rule of ["light: image-alt", "light: color-contrast", "dark: color-contrast"])
      expect(found).toContain(`faulty, ${rule}`);
  }, 120_000);

  test("page: axe finds nothing in the views for everybody, in light and dark", async () => {
    await open();
    for (const [hash, title] of [
      ["#/sign-in", "Sign in"],
      ["#/register", "Create an account"],
      ["#/forgot", "Forgot your password?"],
      ["#/reset?token=x", "Choose a new password"],
      ["#/verify?token=x", "Verify your email address"],
      ["#/nothing", "Page not found"],
    ] as const) {
      await browser.go(hash);
      await heading(title);
      await check(hash);
    }
  }, 120_000);

  test("page: axe finds nothing in the page for unknown addresses, in light and dark", async () => {
    await open("/nothing/here");
    await heading("Page not found");
    await check("404");
  }, 120_000);

  test("page: axe finds nothing in the feed, the large view and their dialogs, in light and dark", async () => {
    await open();
    await browser.signIn("ada@example.com");
    await browser.until(`document.querySelectorAll(".post img").length === 2`);
    await check("feed");
    await browser.view.evaluate(`document.querySelector(".menu-button").click()`);
    await browser.until(`document.querySelector("[role=menuitem]")`);
    await check("menu");
    await browser.view.press("Escape");
    await browser.menu("Report");
    await browser.until(`document.querySelector("dialog[open]")`);
    await check("report");
    await dismiss();
    await browser.view.evaluate(`document.querySelector(".post a[href^='#/post/']").click()`);
    await browser.until(`document.querySelector("dialog img")`);
    await check("large view");
    await dismiss();
    await browser.go("#/admin");
    await heading("For administrators");
    await check("admin for others");
  }, 120_000);

  test("page: axe finds nothing in the account and its dialogs, in light and dark", async () => {
    await open();
    await browser.signIn("root@example.com");
    await browser.go("#/account");
    await browser.until(`document.querySelector("#devices li button") && document.querySelector(".meter")`);
    await settled();
    await check("account");
    await browser.press("Delete account", "#deletion");
    await browser.until(`document.querySelector("dialog[open]")`);
    await check("deletion");
    await dismiss();
    await browser.press("End all other sessions", "#devices");
    await browser.until(`document.querySelector("dialog[open]")`);
    await check("question");
  }, 120_000);

  test("page: axe finds nothing in the administration and its dialogs, in light and dark", async () => {
    await open();
    await browser.signIn("root@example.com");
    await browser.go("#/admin");
    await browser.until(
      `["users", "posts", "reports", "invitations"].every((part) => document.querySelector("#admin-" + part + " .rows > li"))`,
    );
    await settled();
    await check("admin");
    await browser.view.evaluate(`document.querySelector("#admin-users .menu-button").click()`);
    await browser.until(`document.querySelector("[role=menuitem]")`);
    await check("menu of an account");
    await browser.view.press("Escape");
    await browser.press("Invite people");
    await browser.until(`document.querySelector("dialog[open]")`);
    await check("invite");
  }, 120_000);
});
