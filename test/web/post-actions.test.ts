import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { maxCaptionLength, maxReasonLength } from "../../src/limits.ts";
import { Browser, chromium, plainHost } from "../support/browser.ts";
import { jpegPhoto } from "../support/media-samples.ts";
import { command, ServiceProcess } from "../support/process.ts";
import { until } from "../support/until.ts";

if (!chromium) console.log("skipped: the tests of what users do with posts need Chromium");

const wide = { width: 1280, height: 800 };

interface Post {
  readonly id: string;
  readonly caption: string;
  readonly alt: string;
}

describe.skipIf(!chromium)("page: what users do with posts", () => {
  let dataDir: string;
  let service: ServiceProcess;
  let ada: string;
  let photo: Blob;
  /** The newest post first. */
  let ids: string[];
  let browser: Browser;

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "image-sharing-actions-"));
    // On SQLite, because the command below has no other database.
    service = new ServiceProcess(dataDir, { DATABASE_URL: "", RATE_LIMIT: "on" });
    await service.start();
    ada = await service.signUp("ada@example.com");
    await service.signUp("bob@example.com");
    await service.signUp("root@example.com");
    Bun.spawnSync([...command, "superuser", "root@example.com"], {
      env: { PATH: process.env["PATH"], DATA_DIR: dataDir },
      cwd: dataDir,
    });
    photo = new Blob([await jpegPhoto(600, 400)]);
  }, 60_000);
  afterAll(async () => {
    await service.kill();
    await rm(dataDir, { recursive: true, force: true });
  });
  beforeEach(async () => {
    ids = [];
    for (const caption of ["Oldest", "Middle", "Newest"]) {
      const form = new FormData();
      form.set("file", photo, "a photo.jpg");
      form.set("caption", caption);
      const answer = await service.fetch("/upload", { method: "POST", body: form, token: ada });
      ids.unshift(((await answer.json()) as Post).id);
    }
  });
  afterEach(async () => {
    browser.close();
    for (const id of ids) await service.fetch(`/posts/${id}`, { method: "DELETE", token: ada });
  });

  /** Opens the large view of the post in the middle. */
  const open = async (email = "ada@example.com", size = wide, host = "127.0.0.1") => {
    browser = await Browser.open(`http://${host}:${service.port}/`, size);
    await browser.signIn(email);
    await browser.until(`document.querySelectorAll(".post").length === 3`, 20);
    await browser.view.evaluate(`document.querySelectorAll(".picture")[1].click()`);
    await browser.until(`document.querySelector(".stage img")?.naturalWidth > 0`, 20);
  };
  const within = ".lightbox";
  const notice = (words: string) =>
    browser.until(
      `document.querySelector("#notice:popover-open")?.textContent.includes(${JSON.stringify(words)})`,
      20,
    );
  const entries = async () => {
    await browser.view.evaluate(`document.querySelector(".lightbox .menu-button").click()`);
    return browser.view.evaluate(
      `[...document.querySelectorAll(".lightbox [role=menuitem]")].map((item) => item.textContent)`,
    );
  };
  const stored = async (id: string) =>
    (await (await service.fetch(`/posts/${id}`, { token: ada })).json()) as Post;

  test.each([
    ["its author", "ada@example.com", ["Edit", "Copy link", "Download", "Delete"]],
    ["another user", "bob@example.com", ["Copy link", "Download", "Report"]],
    ["a superuser", "root@example.com", ["Copy link", "Download", "Delete", "Report"]],
  ])(
    "post menu: has for %s what they may do",
    async (_, email, expected) => {
      await open(email);
      expect(await entries()).toEqual(expected);
      await browser.picture(`large-menu-${email.split("@")[0]}`);
      const link = `document.querySelector(".lightbox [role=menuitem][download]")`;
      expect(await browser.view.evaluate(`${link}.download`)).toBe("a photo.jpg");
    },
    60_000,
  );

  test("post menu: Download saves the file under its name, and Escape closes the menu alone", async () => {
    await open();
    await entries();
    await browser.view.press("Escape");
    await browser.until(`document.querySelector(".lightbox .menu-list").hidden`);
    expect(await browser.view.evaluate(`document.querySelector("dialog.lightbox").open`)).toBe(true);
    await browser.view.cdp("Browser.setDownloadBehavior", { behavior: "allow", downloadPath: dataDir });
    await browser.menu("Download", within);
    const saved = join(dataDir, "a photo.jpg");
    await until(() => Bun.file(saved).exists());
    expect(await browser.view.evaluate("location.pathname")).toBe("/");
  }, 60_000);

  test("post menu: an edit shows in the large view, in the feed and in lists that wait for Back, and the focus stays", async () => {
    await open();
    await browser.view.evaluate("history.back()");
    await browser.until(`!document.querySelector("dialog")`, 20);
    await browser.view.click('a[href^="#/user/"]');
    await browser.until(`document.querySelector("main h1")?.textContent === "My photos"`, 20);
    await browser.until(`document.querySelectorAll(".post").length === 3`, 20);
    await browser.view.evaluate(`document.querySelectorAll(".picture")[1].click()`);
    await browser.until(`document.querySelector(".stage img")`, 20);
    await browser.view.evaluate(`document.querySelector(".lightbox .menu-button").focus()`);
    await browser.menu("Edit", within);
    await browser.until(`document.querySelector("dialog.card [name=caption]")?.value === "Middle"`, 20);
    await browser.fill("dialog.card [name=caption]", "Better");
    await browser.fill("dialog.card [name=alt]", "A test picture");
    await browser.picture("large-edit-wide");
    await browser.press("Save");
    await browser.until(`document.querySelector(".lightbox .caption").textContent === "Better"`, 20);
    expect(await browser.view.evaluate(`document.querySelector(".stage img").alt`)).toBe("A test picture");
    expect(await browser.view.evaluate(`document.activeElement.matches(".lightbox .menu-button")`)).toBe(
      true,
    );
    expect(await stored(ids[1]!)).toMatchObject({ caption: "Better", alt: "A test picture" });
    const caption = `document.querySelectorAll(".post .caption")[1]?.textContent.trim()`;
    await browser.view.press("Escape");
    await browser.until(`!document.querySelector("dialog") && ${caption} === "Better"`, 20);
    await browser.view.evaluate("history.back()");
    await browser.until(`document.querySelector("main h1")?.textContent === "Photos and videos"`, 20);
    await browser.until(`${caption} === "Better"`, 20);
  }, 90_000);

  test("post menu: counts characters as the service does, and sends nothing beyond the limit", async () => {
    await open();
    await browser.menu("Edit", within);
    const field = `document.querySelector("dialog.card [name=caption]")`;
    await browser.until(field, 20);
    const set = (length: number) =>
      browser.view.evaluate(
        `(() => { ${field}.value = "😀".repeat(${length}); ${field}.dispatchEvent(new Event("input", { bubbles: true })); })()`,
      );
    const count = `document.querySelector("dialog.card .count")`;
    await set(maxCaptionLength + 1);
    expect(await browser.view.evaluate(`${count}.textContent`)).toBe("2,201 of 2,200 characters");
    expect(await browser.view.evaluate(`${field}.checkValidity()`)).toBe(false);
    await browser.picture("large-edit-too-long-wide");
    await set(maxCaptionLength);
    expect(await browser.view.evaluate(`${field}.checkValidity()`)).toBe(true);
    await browser.press("Save");
    await browser.until(`!document.querySelector("dialog.card")`, 20);
    expect((await stored(ids[1]!)).caption).toBe("😀".repeat(maxCaptionLength));
  }, 60_000);

  test("post menu: Delete asks first, and the next post shows afterwards", async () => {
    await open();
    await browser.menu("Delete", within);
    await browser.until(`document.querySelector("dialog.card")`, 20);
    const question = `document.querySelector("dialog.card p").textContent`;
    expect(await browser.view.evaluate(question)).toBe(
      "Delete this photo for everyone? This can't be undone.",
    );
    await browser.picture("large-delete-wide");
    await browser.press("Cancel");
    await browser.until(`!document.querySelector("dialog.card")`, 20);
    expect((await service.fetch(`/posts/${ids[1]}`, { token: ada })).status).toBe(200);
    await browser.until(`!history.state?.dialog`);
    for (const next of [ids[2]!, ids[0]!]) {
      await browser.menu("Delete", within);
      await browser.press("Delete", "dialog.card");
      await browser.until(`location.hash === "#/post/${next}"`, 20);
      await browser.until(`!document.querySelector("dialog.card")`, 20);
      expect(await browser.view.evaluate(`document.activeElement.matches("dialog.lightbox")`)).toBe(true);
    }
    expect((await service.fetch(`/posts/${ids[1]}`, { token: ada })).status).toBe(404);
    // After the last one, the feed.
    await browser.menu("Delete", within);
    await browser.press("Delete", "dialog.card");
    await browser.until(
      `!document.querySelector("dialog") && document.body.innerText.includes("Nothing here yet")`,
      20,
    );
  }, 60_000);

  test("post menu: a post that somebody else has deleted goes from the list", async () => {
    await open();
    await service.fetch(`/posts/${ids[1]}`, { method: "DELETE", token: ada });
    await browser.menu("Delete", within);
    await browser.press("Delete", "dialog.card");
    await notice("no longer exists");
    await browser.until(`location.hash === "#/post/${ids[2]}"`, 20);
  }, 60_000);

  test("post menu: Report thanks the user, and says when there were too many", async () => {
    await open("bob@example.com", { width: 360, height: 740 });
    await browser.menu("Report", within);
    await browser.until(
      `document.querySelector("dialog.card .count")?.textContent === "0 of ${maxReasonLength} characters"`,
      20,
    );
    await browser.fill("dialog.card [name=reason]", "This is me, and I did not agree.");
    await browser.picture("large-report-phone");
    await browser.press("Report", "dialog.card");
    await notice("Thank you. Your report has been sent.");
    await browser.until(`!document.querySelector("dialog.card") && !history.state?.dialog`, 20);
    await browser.view.evaluate(
      `(() => { const real = fetch; window.fetch = (url, init) => String(url).endsWith("/reports") ? Promise.resolve(new Response('{"detail":"Too Many Requests"}', { status: 429, headers: { "retry-after": "836" } })) : real(url, init); })()`,
    );
    await browser.menu("Report", within);
    await browser.fill("dialog.card [name=reason]", "Again.");
    await browser.press("Report", "dialog.card");
    await browser.until(
      `document.querySelector("dialog.card .error").textContent === "Too many attempts. Try again in 14 minutes."`,
      20,
    );
  }, 60_000);

  test.each(["127.0.0.1", plainHost])(
    "post menu: Copy link copies the post's address on http://%s",
    async (host) => {
      await open("ada@example.com", wide, host);
      await browser.view.cdp("Browser.grantPermissions", {
        permissions: ["clipboardReadWrite", "clipboardSanitizedWrite"],
      });
      await browser.view.evaluate(`document.querySelector(".lightbox .menu-button").focus()`);
      await browser.view.press("Enter");
      await browser.until(`document.activeElement.textContent === "Edit"`, 20);
      await browser.view.press("ArrowDown");
      await browser.view.press("Enter");
      await notice("Link copied.");
      // Pasted into the edit dialog's caption, because plain HTTP has no clipboard to read.
      await browser.menu("Edit", within);
      await browser.until(`document.querySelector("dialog.card [name=caption]")`, 20);
      await browser.view.evaluate(`document.querySelector("dialog.card [name=caption]").select()`);
      await browser.view.cdp("Input.dispatchKeyEvent", {
        type: "keyDown",
        key: "v",
        code: "KeyV",
        modifiers: 2,
        commands: ["paste"],
      });
      await browser.until(
        `document.querySelector("dialog.card [name=caption]").value === "http://${host}:${service.port}/#/post/${ids[1]}"`,
        20,
      );
    },
    60_000,
  );
});
