import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { openDatabase } from "../../src/database/database.ts";
import { Browser, chromium } from "../support/browser.ts";
import { addAccount, addPost } from "../support/databases.ts";
import { databaseSettings } from "../support/postgres.ts";
import { ServiceProcess } from "../support/process.ts";

if (!chromium) console.log("skipped: the tests of the feed in the page need Chromium");

const posts = 1000;

describe.skipIf(!chromium)(`the page's feed of ${posts} posts`, () => {
  let dataDir: string;
  let service: ServiceProcess;
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "image-sharing-feed-"));
    const { DATABASE_URL: url } = await databaseSettings(dataDir);
    const database = await openDatabase(url ? { url, poolSize: 4 } : join(dataDir, "image-sharing.db"));
    const author = await addAccount(database);
    for (let i = 0; i < posts; i++)
      await addPost(database, author.id, {
        caption: `post ${i}`,
        publishedAt: new Date(Date.now() - posts + i),
      });
    await database.close();
    service = new ServiceProcess(dataDir);
    await service.start();
    await service.signUp("ada@example.com");
  }, 60_000);
  afterAll(async () => {
    await service.kill();
    await rm(dataDir, { recursive: true, force: true });
  });

  const open = async (size = { width: 1280, height: 800 }) => {
    const browser = await Browser.open(service.address, size);
    await browser.signIn("ada@example.com");
    await browser.until(`document.querySelector(".post")`);
    return browser;
  };
  /** Scrolls to the end before every frame, like a user who holds the End key. */
  const holdEnd = (browser: Browser) =>
    browser.view.evaluate(
      `(function hold() { scrollTo(0, document.body.scrollHeight); requestAnimationFrame(hold); })()`,
    );
  const captions = (browser: Browser) =>
    browser.view.evaluate(
      `[...document.querySelectorAll(".post .caption")].map((caption) => caption.textContent)`,
    );
  const everyPost = Array.from({ length: posts }, (_, i) => `post ${posts - 1 - i}`);
  const tryAgain = `[...document.querySelectorAll("main > div > button")].some((button) => button.textContent === "Try again" && button.checkVisibility())`;

  test("page: loads up to the last post for a reader who stays at the end of the feed", async () => {
    const browser = await open();
    await holdEnd(browser);
    await browser.until(`document.querySelectorAll(".post").length === ${posts}`, 30);
    expect(await captions(browser)).toEqual(everyPost);
    browser.close();
  }, 60_000);

  test("page: loads up to the last post for a reader who scrolls one screen at a time on a phone", async () => {
    const browser = await open({ width: 390, height: 844 });
    await browser.view.evaluate(
      `(function read() { scrollBy(0, 3 * innerHeight); setTimeout(read, 10); })()`,
    );
    await browser.until(`document.querySelectorAll(".post").length === ${posts}`, 30);
    browser.close();
  }, 60_000);

  test("page: loads up to the last post on a screen that the feed does not fill", async () => {
    const browser = await open();
    await browser.view.evaluate(
      `document.querySelector(".grid").style.cssText = "height: 0; overflow: hidden"`,
    );
    await browser.until(`document.querySelectorAll(".post").length === ${posts}`, 30);
    browser.close();
  }, 60_000);

  test.each([
    ["the network is gone", `Promise.reject(new TypeError("Failed to fetch"))`],
    ["the service is busy", `Promise.resolve(new Response('{"detail":"busy"}', { status: 503 }))`],
    ["a proxy answers instead", `Promise.resolve(new Response("<h1>Bad gateway</h1>", { status: 502 }))`],
    ["a network's sign-in page answers", `Promise.resolve(new Response("<h1>Welcome</h1>"))`],
  ])(
    "page: offers to try again when %s in the middle of the feed, and then continues",
    async (_, answer) => {
      const browser = await open();
      await browser.view.evaluate(
        `(() => { const real = fetch; window.failing = false; window.fetch = (...asked) => window.failing ? ${answer} : real(...asked); })()`,
      );
      await holdEnd(browser);
      await browser.until(`document.querySelectorAll(".post").length > 200`);
      await browser.view.evaluate("void (window.failing = true)");
      await browser.until(tryAgain);
      const status = await browser.view.evaluate(`document.querySelector(".status").textContent`);
      expect(status).toMatch(/^(No connection|Something went wrong|That did not work)\b.*again/);
      await browser.picture("feed-failed");
      // A second failure is reported, too.
      await browser.press("Try again");
      await browser.until(tryAgain);
      await browser.view.evaluate("void (window.failing = false)");
      await browser.press("Try again");
      await browser.until(`document.querySelectorAll(".post").length > 400`, 30);
      const shown = (await captions(browser)) as string[];
      expect(shown).toEqual(everyPost.slice(0, shown.length));
      expect(await browser.view.evaluate(tryAgain)).toBe(false);
      browser.close();
    },
    60_000,
  );
});
