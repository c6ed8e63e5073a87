// Long: a browser scrolls through ten thousand posts.
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { ImportedPost } from "../../src/database/imports.ts";
import { Browser, chromium } from "../support/browser.ts";
import { account, openDatabaseOf, reservation, stored } from "../support/databases.ts";
import { ServiceProcess } from "../support/process.ts";
import { until } from "../support/until.ts";

if (!chromium) console.log("skipped: the test of the page's longest feed needs Chromium");

const posts = 10_000;
/** Width and height of the photos. Portraits make the feed of a phone as high as it gets in practice. */
const sizes = [
  [4032, 3024],
  [3024, 4032],
  [1080, 2400],
] as const;

function importedPost(author: string, i: number, now: number): ImportedPost {
  const [width, height] = sizes[i % sizes.length]!;
  const post = reservation(author, { caption: `post ${i}`, width, height });
  return { ...post, ...stored(post.id), createdAt: new Date(now - posts + i) };
}

describe.skipIf(!chromium)(`the page's feed of ${posts} posts`, () => {
  let dataDir: string;
  let service: ServiceProcess;
  let browser: Browser;
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "image-sharing-long-feed-"));
    const database = await openDatabaseOf(dataDir);
    const author = account();
    await database.imports.addAccounts([author]);
    const now = Date.now();
    for (let from = 0; from < posts; from += 500)
      await database.imports.addPosts(
        Array.from({ length: 500 }, (_, i) => importedPost(author.id, from + i, now)),
      );
    await database.close();
    service = new ServiceProcess(dataDir);
    await service.start();
    await service.signUp("ada@example.com");
  }, 120_000);
  afterAll(async () => {
    await service.kill();
    await rm(dataDir, { recursive: true, force: true });
  });
  afterEach(() => browser.close());

  const isShown = (post: number) =>
    `[...document.querySelectorAll(".post .caption")].some((c) => c.textContent === "post ${post}")`;
  /** Scrolls down before every frame until released, less than what has its items above and below the screen. */
  const scrollOn = () =>
    browser.view.evaluate(
      `(window.released = false, requestAnimationFrame(function step() { scrollBy(0, 1.5 * innerHeight); if (!window.released) requestAnimationFrame(step); }), undefined)`,
    );
  const release = () => browser.view.evaluate("void (window.released = true)");
  const count = (selector: string) =>
    browser.view.evaluate(`document.querySelectorAll("${selector}").length`) as Promise<number>;
  /** Collects garbage and returns a metric of the page, such as the nodes that it keeps alive, in the document or not. */
  const metric = async (wanted: "Nodes" | "JSHeapUsedSize") => {
    await browser.view.cdp("HeapProfiler.collectGarbage");
    await browser.view.cdp("Performance.enable");
    const { metrics } = (await browser.view.cdp("Performance.getMetrics")) as {
      metrics: { name: string; value: number }[];
    };
    return metrics.find(({ name }) => name === wanted)!.value;
  };
  const expectBounded = async () => {
    expect(await count(".post")).toBeLessThan(80);
    expect(await count("*")).toBeLessThan(2_000);
    // One collection does not find everything.
    await until(async () => (await metric("Nodes")) < 10_000);
    expect(await metric("JSHeapUsedSize")).toBeLessThan(40_000_000);
  };

  test.each([
    ["a wide screen", { width: 1280, height: 800 }, 1],
    ["a phone with a sharp screen", { width: 390, height: 844 }, 3],
  ])(
    "page: every post of the longest feed can be reached on %s, with bounded elements and memory",
    async (_, size, deviceScaleFactor) => {
      browser = await Browser.open(service.address, size);
      await browser.view.cdp("Emulation.setDeviceMetricsOverride", {
        ...size,
        deviceScaleFactor,
        mobile: false,
      });
      await browser.view.cdp("Network.setBlockedURLs", { urls: ["*/media/*"] });
      await browser.signIn("ada@example.com");
      await browser.until(isShown(posts - 1));
      await expectBounded();
      await browser.view.evaluate(
        `(() => { window.seen = new Set(); const note = () => document.querySelectorAll(".post .caption").forEach((c) => window.seen.add(c.textContent)); note(); new MutationObserver(note).observe(document.querySelector(".grid"), { childList: true }); })()`,
      );
      await scrollOn();
      await browser.until(`window.seen.size >= ${posts / 2}`, 600);
      await release();
      await expectBounded();
      await scrollOn();
      await browser.until(isShown(0), 600);
      await release();
      await expectBounded();
      expect(await browser.view.evaluate("window.seen.size")).toBe(posts);
      await browser.view.evaluate("scrollTo(0, 0)");
      await browser.until(isShown(posts - 1));
      await expectBounded();
    },
    1_500_000,
  );
});
