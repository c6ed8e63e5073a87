import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Browser, chromium } from "../support/browser.ts";
import { addAccount, addPost, openDatabaseOf } from "../support/databases.ts";
import { ServiceProcess } from "../support/process.ts";
import { until } from "../support/until.ts";

if (!chromium) console.log("skipped: the tests of the feed in the page need Chromium");

const posts = 1000;
const postsPerPage = 24;

describe.skipIf(!chromium)(`the page's feed of ${posts} posts`, () => {
  let dataDir: string;
  let service: ServiceProcess;
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "image-sharing-feed-"));
    const database = await openDatabaseOf(dataDir);
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
      `(function hold() { scrollTo(0, document.body.scrollHeight); if (!window.released) requestAnimationFrame(hold); })()`,
    );
  /** Scrolls half a screen before every frame, down or up. */
  const read = (browser: Browser, direction: 1 | -1 = 1) =>
    browser.view.evaluate(
      `(function read() { scrollBy(0, ${direction} * innerHeight / 2); if (!window.released) requestAnimationFrame(read); })()`,
    );
  /** Ends the scrolling. */
  const release = (browser: Browser) =>
    browser.view.evaluate(
      `(window.released = true, new Promise(requestAnimationFrame).then(() => void (window.released = false)))`,
    );
  /** Collects in `window.seen` the captions of the posts that come into the page. */
  const collect = (browser: Browser) =>
    browser.view.evaluate(
      `(() => { window.seen = new Set(); const note = () => document.querySelectorAll(".post .caption").forEach((c) => window.seen.add(c.textContent)); note(); new MutationObserver(note).observe(document.querySelector(".grid"), { childList: true }); })()`,
    );
  const seen = async (browser: Browser) =>
    ((await browser.view.evaluate("[...window.seen]")) as string[]).sort(
      (a, b) => Number(b.slice(5)) - Number(a.slice(5)),
    );
  const captions = (browser: Browser) =>
    browser.view.evaluate(
      `[...document.querySelectorAll(".post .caption")].map((caption) => caption.textContent)`,
    );
  const isShown = (post: number) =>
    `[...document.querySelectorAll(".post .caption")].some((c) => c.textContent === "post ${post}")`;
  const everyPost = Array.from({ length: posts }, (_, i) => `post ${posts - 1 - i}`);
  const tryAgain = `[...document.querySelectorAll("main > div > button")].some((button) => button.textContent === "Try again" && button.checkVisibility())`;
  const pages = ({ requests }: Browser) => requests.filter((url) => url.includes("/feed?")).length;
  /** Counts the nodes that the page keeps alive, in the document or not. */
  const nodes = async ({ view }: Browser) => {
    await view.cdp("HeapProfiler.collectGarbage");
    await view.cdp("Performance.enable");
    const { metrics } = (await view.cdp("Performance.getMetrics")) as {
      metrics: { name: string; value: number }[];
    };
    return metrics.find(({ name }) => name === "Nodes")!.value;
  };

  test("page: loads up to the last post for a reader who stays at the end of the feed, with bounded memory", async () => {
    const browser = await open();
    await holdEnd(browser);
    await browser.until(isShown(0), 30);
    await release(browser);
    // Going back, every post is there.
    await collect(browser);
    await read(browser, -1);
    await browser.until("scrollY === 0", 30);
    await browser.until(isShown(posts - 1));
    expect(await seen(browser)).toEqual(everyPost);
    expect(await browser.view.evaluate(`document.querySelectorAll(".post").length`)).toBeLessThan(80);
    expect(await browser.view.evaluate(`document.querySelectorAll("*").length`)).toBeLessThan(2_000);
    expect(await nodes(browser)).toBeLessThan(10_000);
    browser.close();
  }, 90_000);

  test("page: loads up to the last post for a reader who scrolls one screen at a time on a phone", async () => {
    const browser = await open({ width: 390, height: 844 });
    await collect(browser);
    await read(browser);
    await browser.until(isShown(0), 60);
    expect(await seen(browser)).toEqual(everyPost);
    expect(await browser.view.evaluate(`document.querySelectorAll(".post").length`)).toBeLessThan(30);
    browser.close();
  }, 90_000);

  test("page: what a reader looks at stays in place when the window becomes narrower and while they scroll back", async () => {
    const browser = await open();
    await holdEnd(browser);
    await browser.until(isShown(600), 30);
    await release(browser);
    const twoFrames = `new Promise(requestAnimationFrame).then(() => new Promise(requestAnimationFrame))`;
    await browser.view.evaluate("scrollBy(0, -3000)");
    await browser.view.evaluate(twoFrames);
    const first = `[...document.querySelectorAll(".post")].find((post) => post.getBoundingClientRect().bottom > 0)`;
    const top = await browser.view.evaluate(`(window.first = ${first}).getBoundingClientRect().top`);
    await browser.view.cdp("Emulation.setDeviceMetricsOverride", {
      width: 390,
      height: 844,
      deviceScaleFactor: 1,
      mobile: false,
    });
    await browser.until(`document.querySelector(".grid").clientWidth < 400`);
    await browser.view.evaluate(twoFrames);
    const moved =
      Number(await browser.view.evaluate("window.first.getBoundingClientRect().top")) - Number(top);
    expect(Math.abs(moved)).toBeLessThan(2);
    // The rows above have not been measured at this width.
    const shift = await browser.view.evaluate(
      `(async () => {
        let largest = 0;
        for (let step = 0; step < 60; step++) {
          const post = ${first};
          const before = post.getBoundingClientRect().top;
          scrollBy(0, -200);
          await ${twoFrames};
          largest = Math.max(largest, Math.abs(post.getBoundingClientRect().top - before - 200));
        }
        return largest;
      })()`,
    );
    expect(shift).toBeLessThan(2);
    browser.close();
  }, 60_000);

  test("page: loads up to the last post on a screen that the feed does not fill", async () => {
    const browser = await open();
    await browser.view.evaluate(
      `document.querySelector(".feed").style.cssText = "height: 0; overflow: hidden"`,
    );
    await until(() => pages(browser) >= Math.ceil(posts / postsPerPage));
    await browser.view.evaluate(`document.querySelector(".feed").style.cssText = ""`);
    await holdEnd(browser);
    await browser.until(isShown(0));
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
      await collect(browser);
      await read(browser);
      await browser.until("window.seen.size > 200", 30);
      await browser.view.evaluate("void (window.failing = true)");
      await browser.until(tryAgain);
      const status = await browser.view.evaluate(`document.querySelector(".status").textContent`);
      expect(status).toMatch(/^(No connection|Something went wrong|That didn't work)\b.*again/);
      await browser.picture("feed-failed");
      // A second failure is reported, too.
      await browser.press("Try again");
      await browser.until(tryAgain);
      await browser.view.evaluate("void (window.failing = false)");
      await browser.press("Try again");
      await browser.until("window.seen.size > 400", 30);
      await release(browser);
      const shown = (await captions(browser)) as string[];
      const first = everyPost.indexOf(shown[0]!);
      expect(shown).toEqual(everyPost.slice(first, first + shown.length));
      const all = await seen(browser);
      expect(all).toEqual(everyPost.slice(0, all.length));
      expect(await browser.view.evaluate(tryAgain)).toBe(false);
      browser.close();
    },
    60_000,
  );
});
