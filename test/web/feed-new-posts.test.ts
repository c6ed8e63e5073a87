import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Browser, chromium } from "../support/browser.ts";
import { jpegPhoto } from "../support/media-samples.ts";
import { ServiceProcess } from "../support/process.ts";

if (!chromium) console.log("skipped: the tests of new posts in the page's feed need Chromium");

describe.skipIf(!chromium)("page: new posts", () => {
  let dataDir: string;
  let service: ServiceProcess;
  let bob: string;
  let browser: Browser;
  let photo: Blob;
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "image-sharing-news-"));
    service = new ServiceProcess(dataDir);
    await service.start();
    await service.signUp("ada@example.com");
    bob = await service.signUp("bob@example.com");
    photo = new Blob([await jpegPhoto(80, 60)]);
    for (let i = 0; i < 30; i++) await share(`old ${i}`);
  }, 60_000);
  afterAll(async () => {
    await service.kill();
    await rm(dataDir, { recursive: true, force: true });
  });
  afterEach(() => browser.close());

  const share = async (caption: string) => {
    const form = new FormData();
    form.set("file", photo, "photo.jpg");
    form.set("caption", caption);
    const answer = await service.fetch("/upload", { method: "POST", body: form, token: bob });
    return (await answer.json()) as { id: string };
  };
  const edit = (id: string, caption: string) =>
    service.fetch(`/posts/${id}`, {
      method: "PATCH",
      token: bob,
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ caption }),
    });
  /** Opens the feed with a clock that counts half minutes in `window.looks` and lets them pass quickly. */
  const open = async (size = { width: 1280, height: 800 }) => {
    browser = await Browser.open(`${service.address}/`, size);
    await browser.view.cdp("Page.addScriptToEvaluateOnNewDocument", {
      source: `(() => { const real = setInterval; window.looks = 0; window.setInterval = (run, ms) => real(() => { run(); if (ms === 30_000) window.looks++; }, ms === 30_000 ? 100 : ms); })()`,
    });
    await browser.signIn("ada@example.com");
    await browser.until(`document.querySelector(".post")`);
  };
  const announcement = (words: string) =>
    browser.until(`document.querySelector(".new-posts")?.textContent === ${JSON.stringify(words)}`, 10);
  const captions = async () =>
    (await browser.view.evaluate(
      `[...document.querySelectorAll(".post .caption")].map((caption) => caption.textContent)`,
    )) as string[];

  test("page: announces new posts without moving anything, and a button puts them on top", async () => {
    await open();
    await browser.view.evaluate("scrollTo(0, 600)");
    await browser.until("scrollY === 600");
    await share("first news");
    await share("second news");
    await announcement("2 new posts");
    expect(await browser.view.evaluate("scrollY")).toBe(600);
    expect(await captions()).not.toContain("second news");
    await browser.picture("new-posts-wide");
    await share("third news");
    await announcement("3 new posts");
    await browser.press("3 new posts");
    await browser.until("scrollY === 0");
    await announcement("");
    const shown = await captions();
    expect(shown.slice(0, 4)).toEqual(["third news", "second news", "first news", "old 29"]);
    expect(await browser.view.evaluate(`document.activeElement.href`)).toMatch(/#\/post\//);
    expect(await browser.view.evaluate(`document.activeElement === document.querySelector(".picture")`)).toBe(
      true,
    );
  }, 60_000);

  test("page: looking for new posts transfers nothing while there are none", async () => {
    await open();
    await browser.until("window.looks > 3", 10);
    const latest = `performance.getEntriesByType("resource").filter(({ name }) => name.includes("/feed?")).at(-1)`;
    // Only the header fields of a 304, once the posts' renditions are made.
    await browser.until(`${latest}.decodedBodySize > 1000 && ${latest}.transferSize <= 400`);
  }, 60_000);

  test("page: looks for new posts only while it is visible, and at once when the user comes back", async () => {
    await open();
    const looksAtFeed = () => browser.requests.filter((url) => url.includes("/feed?")).length;
    await browser.view.evaluate(
      `void Object.defineProperty(document, "hidden", { configurable: true, get: () => true })`,
    );
    await browser.until(`(window.hiddenAt = window.looks) >= 0`);
    await browser.until("window.looks > window.hiddenAt + 1");
    const before = looksAtFeed();
    await browser.until("window.looks > window.hiddenAt + 5");
    expect(looksAtFeed()).toBe(before);
    await share("while away");
    await browser.view.evaluate(
      `(delete document.hidden, document.dispatchEvent(new Event("visibilitychange")))`,
    );
    await announcement("1 new post");
  }, 60_000);

  test("page: shows edits and deletions by others without a reload, in the feed and in the large view", async () => {
    const ids: Record<string, string> = {};
    for (const caption of ["to be kept", "to be deleted", "to be edited"])
      ids[caption] = (await share(caption)).id;
    await open();
    await browser.until(`document.querySelectorAll(".post").length > 3`);
    await browser.go(`#/post/${ids["to be deleted"]}`);
    await browser.until(
      `document.querySelector("dialog.lightbox .caption")?.textContent === "to be deleted"`,
    );
    await edit(ids["to be edited"]!, "edited");
    await service.fetch(`/posts/${ids["to be deleted"]}`, { method: "DELETE", token: bob });
    await browser.until(
      `document.querySelector("dialog.lightbox .caption")?.textContent === "to be kept"`,
      10,
    );
    await browser.view.press("Escape");
    await browser.until(`!document.querySelector("dialog")`);
    expect((await captions()).slice(0, 2)).toEqual(["edited", "to be kept"]);
    // An open menu stays: the post changes when it closes.
    await browser.view.evaluate(`document.querySelector(".post .menu-button").click()`);
    await edit(ids["to be edited"]!, "edited twice");
    await browser.view.evaluate("window.looks = 0");
    await browser.until("window.looks > 5");
    expect(await browser.view.evaluate(`document.activeElement.role`)).toBe("menuitem");
    expect((await captions())[0]).toBe("edited");
    await browser.view.press("Escape");
    await browser.until(`document.querySelector(".post .caption").textContent === "edited twice"`);
    expect(await browser.view.evaluate(`document.activeElement.className`)).toBe("menu-button");
    // So does a visible post on a later page.
    await browser.view.evaluate("scrollTo(0, document.body.scrollHeight)");
    await browser.until(
      `[...document.querySelectorAll(".post .caption")].some((c) => c.textContent === "old 0")`,
      10,
    );
    await browser.view.evaluate("scrollTo(0, document.body.scrollHeight)");
    const { posts } = (await (await service.fetch("/feed?limit=200", { token: bob })).json()) as {
      posts: { id: string }[];
    };
    await service.fetch(`/posts/${posts.at(-1)!.id}`, { method: "DELETE", token: bob });
    await browser.until(
      `![...document.querySelectorAll(".post .caption")].some((c) => c.textContent === "old 0")`,
      10,
    );
  }, 60_000);

  test("page: after many new posts, the feed starts anew and has every post", async () => {
    await open();
    await browser.view.evaluate(
      `void Object.defineProperty(document, "hidden", { configurable: true, get: () => true })`,
    );
    for (let i = 0; i < 26; i++) await share(`more ${i}`);
    await browser.view.evaluate(
      `(delete document.hidden, document.dispatchEvent(new Event("visibilitychange")))`,
    );
    await announcement("24 or more new posts");
    await browser.press("24 or more new posts");
    await browser.until(`document.querySelector(".post .caption").textContent === "more 25"`);
    await browser.view.evaluate(
      `(() => { window.seen = new Set(); const note = () => document.querySelectorAll(".post .caption").forEach((c) => window.seen.add(c.textContent)); note(); new MutationObserver(note).observe(document.querySelector(".grid"), { childList: true }); (function read() { scrollBy(0, innerHeight / 2); requestAnimationFrame(read); })(); })()`,
    );
    await browser.until(
      `window.seen.has("more 0") && window.seen.has("old 29") && window.seen.has("old 1")`,
      20,
    );
  }, 60_000);
});
