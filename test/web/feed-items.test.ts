// Long: a browser takes minutes for it beside other tests.
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { FeedPageRead } from "../../src/posts/schemas.ts";
import { Browser, chromium } from "../support/browser.ts";
import { addAccount, addPost, openDatabaseOf } from "../support/databases.ts";
import { jpegPhoto } from "../support/media-samples.ts";
import { ServiceProcess } from "../support/process.ts";
import { until } from "../support/until.ts";

if (!chromium) console.log("skipped: the tests of the items in the page's feed need Chromium");

const wide = { width: 1440, height: 900 };
const phone = { width: 360, height: 740 };

/** Width and height of the photos, oldest first. */
const sizes = [
  [2400, 1600],
  [450, 800],
  [800, 600],
  [3000, 600],
  [500, 500],
  [600, 800],
  [300, 1200],
  [800, 450],
  [1000, 750],
] as const;
const longCaption =
  "We started before sunrise, and the fog lay in the valley until noon. Then the wind turned, the whole ridge came out " +
  "of the clouds at once, and nobody said a word for minutes. Thank you all for coming. Next year we go again, with " +
  "better shoes, more bread, and the dog.";

describe.skipIf(!chromium)("page: items of the feed", () => {
  let dataDir: string;
  let service: ServiceProcess;
  let token: string;
  let browser: Browser;
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "image-sharing-items-"));
    const database = await openDatabaseOf(dataDir);
    const grace = await addAccount(database, { name: "Grace" });
    const video = { fileType: "video", contentType: "video/mp4", width: 1920, height: 1080 } as const;
    await addPost(database, grace.id, {
      ...video,
      caption: "clip",
      durationSeconds: 75.4,
      publishedAt: at(0),
    });
    await addPost(database, grace.id, {
      ...video,
      caption: "old video",
      contentType: "video/x-msvideo",
      fileName: "video.avi",
      durationSeconds: 3_723,
      publishedAt: at(1),
    });
    await database.close();
    service = new ServiceProcess(dataDir);
    await service.start();
    token = await service.signUp("ada@example.com");
    for (const [i, [width, height]] of sizes.entries()) {
      const form = new FormData();
      form.set("file", new Blob([await jpegPhoto(width, height)]), "photo.jpg");
      form.set("caption", i === 5 ? longCaption : i % 2 === 0 ? `${width} × ${height}` : "");
      expect((await service.fetch("/upload", { method: "POST", body: form, token })).status).toBe(200);
    }
    await until(async () => {
      const { posts } = (await (await service.fetch("/feed", { token })).json()) as FeedPageRead;
      return posts.every(({ processing }) => !processing);
    });
  }, 90_000);
  afterAll(async () => {
    await service.kill();
    await rm(dataDir, { recursive: true, force: true });
  });
  afterEach(() => browser.close());

  const at = (seconds: number) => new Date(Date.now() - 100_000 + seconds * 1000);
  const open = async (size: { width: number; height: number }, deviceScaleFactor = 1) => {
    browser = await Browser.open(`${service.address}/`, size);
    await browser.view.cdp("Emulation.setDeviceMetricsOverride", {
      ...size,
      deviceScaleFactor,
      mobile: false,
    });
    await browser.signIn("ada@example.com");
    await browser.until(`document.querySelector(".post")`, 15);
  };
  const post = (caption: string) =>
    `[...document.querySelectorAll(".post")].find((post) => post.querySelector(".caption")?.textContent === ${JSON.stringify(caption)})`;
  const allLoaded = `[...document.querySelectorAll(".post img")].every((image) => image.complete && image.naturalWidth > 0)`;

  test("page: wide screens show pictures with their own proportions in rows that fill the width", async () => {
    await open(wide);
    const rows = (await browser.view.evaluate(
      `(() => {
        const rows = new Map();
        for (const picture of document.querySelectorAll(".picture")) {
          const { top, left, right, width, height } = picture.getBoundingClientRect();
          const image = picture.querySelector("img");
          const row = rows.get(Math.round(top)) ?? rows.set(Math.round(top), { left: [], right: [], height: [], ratio: [] }).get(Math.round(top));
          row.left.push(left); row.right.push(right); row.height.push(Math.round(height));
          if (image) row.ratio.push([width / height, image.width && image.getAttribute("width") / image.getAttribute("height")]);
        }
        return [...rows.values()];
      })()`,
    )) as { left: number[]; right: number[]; height: number[]; ratio: [number, number][] }[];
    const { left, right } = (await browser.view.evaluate(
      `document.querySelector(".grid").getBoundingClientRect().toJSON()`,
    )) as { left: number; right: number };
    expect(rows.length).toBeGreaterThan(1);
    for (const [i, row] of rows.entries()) {
      expect(new Set(row.height).size).toBe(1);
      expect(row.left[0]).toBeCloseTo(left, 0);
      if (i < rows.length - 1) expect(Math.abs(row.right.at(-1)! - right)).toBeLessThan(1);
      for (const [shown, own] of row.ratio) expect(shown).toBeCloseTo(Math.max(9 / 16, own), 1);
    }
    // Below narrow pictures too, the time is visible in full.
    const cut = await browser.view.evaluate(
      `[...document.querySelectorAll(".post time")].filter((time) => { const box = time.getBoundingClientRect(); const { right } = time.closest(".post").getBoundingClientRect(); return time.scrollWidth > time.clientWidth || box.right > right || box.height > 30; }).length`,
    );
    expect(cut).toBe(0);
    await browser.until(allLoaded, 15);
    await browser.picture("feed-items-wide-light");
    await browser.scheme("dark");
    await browser.picture("feed-items-wide-dark");
  }, 60_000);

  test("page: phones show pictures in one column with their own proportions", async () => {
    await open(phone);
    const shown = (await browser.view.evaluate(
      `[...document.querySelectorAll(".picture:has(img)")].map((picture) => { const { width, height } = picture.getBoundingClientRect(); return [width, width / height]; })`,
    )) as [number, number][];
    expect(shown.length).toBeGreaterThan(2);
    expect(shown.every(([width]) => width === shown[0]![0])).toBe(true);
    const own = sizes.map(([width, height]) => Math.max(0.4, width / height)).reverse();
    for (const [i, [, ratio]] of shown.entries()) expect(ratio).toBeCloseTo(own[i]!, 1);
    await browser.picture("feed-items-phone-light");
    await browser.view.evaluate("scrollTo(0, 1500)");
    await browser.scheme("dark");
    await browser.until(`${post(longCaption)}?.querySelector("img")?.naturalWidth > 0`, 10);
    await browser.picture("feed-items-phone-dark");
    await browser.view.evaluate("scrollTo(0, 99999)");
    await browser.until(`document.querySelector(".unplayable")`);
    await browser.picture("feed-items-phone-end");
  }, 60_000);

  test("page: photos offer thumbnail and display size, and small tiles load the thumbnail", async () => {
    await open(wide);
    await browser.until(allLoaded, 15);
    const image = `${post("2400 × 1600")}.querySelector("img")`;
    expect(await browser.view.evaluate(`${image}.srcset`)).toMatch(/thumb\S* 640w, \S+display\S* 2048w$/);
    expect(
      await browser.view.evaluate(
        `parseInt(${image}.sizes) - Math.ceil(${image}.getBoundingClientRect().width)`,
      ),
    ).toBe(0);
    expect(await browser.view.evaluate(`${image}.currentSrc`)).toContain("thumb");
    // Of 3,000×600, the thumbnail has 320 pixels in height.
    const panorama = `document.querySelector('.post img[width="3000"]')`;
    expect(await browser.view.evaluate(`${panorama}.srcset`)).toMatch(/thumb\S* 1600w, /);
  }, 60_000);

  test.each([
    ["the thumbnail on a phone", phone, ".thumb.webp"],
    ["the display size where the tile is much larger", { width: 540, height: 900 }, ".jpg"],
  ])(
    "page: sharp screens load %s",
    async (_, size, source) => {
      await open(size, 3);
      // Its display size is the file itself.
      const image = `document.querySelector('.post img[width="1000"]')`;
      await browser.until(`${image}?.naturalWidth > 0`, 15);
      expect(await browser.view.evaluate(`${image}.currentSrc`)).toEndWith(source);
      expect(await browser.view.evaluate(`parseInt(${image}.sizes)`)).toBe(
        Math.ceil((Number(await browser.view.evaluate(`${image}.getBoundingClientRect().width`)) * 4) / 9),
      );
    },
    60_000,
  );

  test("page: a preview of its colours stands in for a picture until it has loaded", async () => {
    browser = await Browser.open(`${service.address}/`, wide);
    await browser.view.cdp("Network.setBlockedURLs", { urls: ["*thumb*", "*display*"] });
    await browser.signIn("ada@example.com");
    await browser.until(`document.querySelectorAll(".picture .placeholder").length === ${sizes.length}`, 15);
    const colours = await browser.view.evaluate(
      `new Set([...document.querySelector(".placeholder").getContext("2d").getImageData(0, 0, 8, 8).data]).size`,
    );
    expect(colours).toBeGreaterThan(1);
    await browser.picture("feed-placeholders");
    await browser.view.cdp("Network.setBlockedURLs", { urls: [] });
    await browser.view.reload();
    await browser.until(`document.querySelector(".post img")?.naturalWidth > 0`, 15);
    await browser.until(`!document.querySelector(".post:first-child .placeholder")`);
    expect(browser.errors.filter((error) => /Content Security Policy/i.test(error))).toEqual([]);
  }, 60_000);

  test("page: a long caption shows three lines and the rest on demand, and stays open", async () => {
    await open(phone);
    const item = post(longCaption);
    const height = () => browser.view.evaluate(`${item}.querySelector(".caption").clientHeight`);
    await browser.until(item);
    const clamped = Number(await height());
    const more = `${item}.querySelector(".read-more")`;
    expect(await browser.view.evaluate(`[${more}.textContent, ${more}.ariaExpanded]`)).toEqual([
      "more",
      "false",
    ]);
    expect(await browser.view.evaluate(`${post("1000 × 750")}.querySelector(".read-more").hidden`)).toBe(
      true,
    );
    await browser.view.evaluate(`${more}.click()`);
    expect(Number(await height())).toBeGreaterThan(2 * clamped);
    expect(await browser.view.evaluate(`[${more}.textContent, ${more}.ariaExpanded]`)).toEqual([
      "less",
      "true",
    ]);
    // Far away, the item is removed.
    await browser.view.evaluate(`(window.former = ${item}, scrollTo(0, 99999))`);
    await browser.until("!window.former.isConnected");
    await browser.view.evaluate("scrollTo(0, 0)");
    await browser.until(item);
    expect(Number(await height())).toBeGreaterThan(2 * clamped);
    await browser.view.evaluate(`${more}.click()`);
    expect(await height()).toBe(clamped);
  }, 60_000);

  test("page: videos show their length, and one that the browser cannot play a link to download it", async () => {
    await open(wide);
    const clip = post("clip");
    expect(await browser.view.evaluate(`${clip}.querySelector(".duration").textContent`)).toBe("1:15");
    expect(await browser.view.evaluate(`${clip}.querySelector(".picture").ariaLabel`)).toBe(
      "Play: clip, 1:15, Video without a preview",
    );
    expect(await browser.view.evaluate(`Boolean(${clip}.querySelector(".unplayable"))`)).toBe(false);
    const video = post("old video");
    expect(await browser.view.evaluate(`${video}.querySelector(".duration").textContent`)).toBe("1:02:03");
    expect(await browser.view.evaluate(`Boolean(${video}.querySelector(".play"))`)).toBe(false);
    expect(await browser.view.evaluate(`${video}.querySelector(".unplayable").textContent`)).toBe(
      "This browser can't play this video. Download",
    );
    expect(await browser.view.evaluate(`${video}.querySelector(".unplayable a").download`)).toBe("video.avi");
    await browser.view.evaluate(`${video}.scrollIntoView()`);
    await browser.picture("feed-videos-wide");
  }, 60_000);

  test("page: nothing moves while the pictures of the feed load", async () => {
    for (const size of [wide, phone]) {
      await open(size);
      await browser.until(
        `[...document.querySelectorAll(".post img")].filter((i) => i.getBoundingClientRect().top < innerHeight).every((i) => i.naturalWidth > 0)`,
        15,
      );
      const shift = await browser.view.evaluate(
        `new Promise((resolve) => { let sum = 0; new PerformanceObserver((list) => { for (const entry of list.getEntries()) if (entry.sources.some(({ node }) => node?.parentElement?.closest(".feed"))) sum += entry.value; }).observe({ type: "layout-shift", buffered: true }); requestAnimationFrame(() => requestAnimationFrame(() => resolve(sum))); })`,
      );
      expect(shift).toBe(0);
      if (size === wide) browser.close();
    }
  }, 60_000);

  test("page: the author's name leads to their photos, which have an empty state", async () => {
    await open(wide);
    await browser.view.evaluate(`${post("clip")}.querySelector(".meta a").click()`);
    await browser.until(`document.querySelector("main h1")?.textContent === "Grace"`);
    await browser.until(`document.querySelectorAll(".post").length === 2`);
    expect(await browser.view.evaluate(`document.querySelector(".meta a").dir`)).toBe("auto");
    await browser.picture("user-wide");
    await service.signUp("bob@example.com");
    browser.close();
    browser = await Browser.open(`${service.address}/`, phone);
    await browser.signIn("bob@example.com");
    await browser.view.evaluate(
      `[...document.querySelectorAll("nav a")].find((a) => a.textContent === "My photos").click()`,
    );
    await browser.until(
      `document.querySelector("main .status").textContent.startsWith("No photos yet. Press Share")`,
    );
    await browser.picture("my-photos-empty-phone");
  }, 60_000);
});
