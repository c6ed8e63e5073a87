// Long: a browser takes minutes for it beside other tests.
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Browser, chromium } from "../support/browser.ts";
import { heicPhoto, jpegPhoto, webmVideo } from "../support/media-samples.ts";
import { ServiceProcess } from "../support/process.ts";
import { until } from "../support/until.ts";

if (!chromium) console.log("skipped: the tests of the page's upload queue need Chromium");

/** Bytes per second, so that the large photo would take a minute. */
const crawl = 40_000;

interface Post {
  readonly caption: string;
  readonly alt: string | null;
  readonly thumbnail_url: string | null;
}

describe.skipIf(!chromium)("page: the upload queue", () => {
  let dataDir: string;
  let service: ServiceProcess;
  const opened: Browser[] = [];
  const ten = Array.from({ length: 10 }, (_, i) => `photo-${i}.jpg`);
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "image-sharing-queue-"));
    service = new ServiceProcess(dataDir, { UPLOADS_PER_ACCOUNT: "4", FFMPEG: "off", USER_QUOTA: "4mb" });
    await service.start();
    for (const [i, name] of ten.entries())
      await Bun.write(join(dataDir, name), await jpegPhoto(1200 + i, 900));
    // A JPEG stays valid with bytes after its end.
    const large = new Blob([await jpegPhoto(122, 90), new Uint8Array(2_400_000)]);
    await Bun.write(join(dataDir, "large.jpg"), large);
    await Bun.write(join(dataDir, "clip.webm"), webmVideo());
    await Bun.write(join(dataDir, "photo.heic"), heicPhoto());
  }, 60_000);
  afterAll(async () => {
    await service.kill();
    await rm(dataDir, { recursive: true, force: true });
  });
  afterEach(() => {
    for (const browser of opened.splice(0)) browser.close();
  });

  /** Opens a page as a new user. */
  async function open(size = { width: 1280, height: 900 }, language = "en") {
    const email = `ada-${crypto.randomUUID()}@example.com`;
    const token = await service.signUp(email);
    const asAnotherTab = opened.length > 0;
    const browser = await Browser.open(service.address, size, { asAnotherTab, language });
    opened.push(browser);
    await browser.signIn(email);
    return { browser, email, token };
  }
  async function choose(browser: Browser, ...names: string[]): Promise<void> {
    const rows = Number(await browser.view.evaluate(`document.querySelectorAll(".uploads li").length`));
    await browser.choose(
      "#files",
      names.map((name) => join(dataDir, name)),
    );
    await browser.until(`document.querySelectorAll(".uploads li").length === ${rows + names.length}`);
  }
  async function postsOf(token: string): Promise<(Post & { is_owner: boolean })[]> {
    const { posts } = (await (await service.fetch("/feed?limit=200", { token })).json()) as {
      posts: (Post & { is_owner: boolean })[];
    };
    return posts.filter((post) => post.is_owner);
  }
  /** Waits until the feed shows this many posts of the signed-in user. */
  const shows = (browser: Browser, count: number) =>
    browser.until(
      `document.querySelectorAll('main a[href="#/user/' + localStorage["image-sharing-session"] + '"]').length === ${count}`,
      40,
    );
  /** Runs statements in the page. */
  const run = (browser: Browser, code: string) => browser.view.evaluate(`void (() => {${code}})()`);
  const rowText = (row: number) => `document.querySelector(".uploads li:nth-child(${row})").innerText`;
  const sending = (browser: Browser) =>
    browser.until(`/[1-9]\\d?\\s?%/.test(document.querySelector(".uploads").innerText)`, 10);

  test("page: ten photos go up with one click, at most two at a time, and appear at the top of the feed", async () => {
    const { browser, token } = await open();
    await run(
      browser,
      `
      window.most = 0;
      let running = 0;
      const { send } = XMLHttpRequest.prototype;
      XMLHttpRequest.prototype.send = function (body) {
        window.most = Math.max(window.most, ++running);
        this.addEventListener("loadend", () => running--);
        send.call(this, body);
      };
    `,
    );
    await choose(browser, ...ten);
    await browser.until(`document.querySelectorAll(".uploads img").length === 10`, 20);
    await browser.fill(".uploads li:nth-child(1) label:nth-child(1) input", "First snow");
    await browser.fill(".uploads li:nth-child(1) label:nth-child(2) input", "A bench");
    await browser.view.evaluate("scrollTo(0, 0)");
    await browser.picture("uploads-ten-wide");
    await browser.press("Share all");
    await shows(browser, 10);
    await browser.until(`document.querySelectorAll(".uploads li").length === 0`);
    await browser.until(`document.querySelector("#notice").textContent === "10 files shared."`);
    expect(await browser.view.evaluate("window.most")).toBe(2);
    const posts = await postsOf(token);
    expect(posts).toHaveLength(10);
    expect(posts.filter(({ caption, alt }) => caption === "First snow" && alt === "A bench")).toHaveLength(1);
    expect(browser.errors.filter((error) => !/status of 401/.test(error))).toEqual([]);
  }, 90_000);

  test("page: the queue goes on in other views, shows its progress there and tells when it is done", async () => {
    const { browser, token } = await open();
    await choose(browser, "large.jpg", "photo-1.jpg");
    await browser.throttle(crawl);
    await browser.press("Share all");
    await sending(browser);
    await browser.until(`document.querySelector(".foot").innerText.includes("0 of 2 shared")`);
    await browser.picture("uploads-sending-wide");
    await browser.go("#/account");
    await browser.until(`document.querySelector("main h1")?.textContent === "Your account"`);
    expect(await browser.view.evaluate(`document.querySelector(".strip").checkVisibility()`)).toBe(true);
    await browser.picture("uploads-elsewhere");
    await browser.throttle();
    await browser.until(`document.querySelector("#notice").textContent === "2 files shared."`, 30);
    expect(await browser.view.evaluate(`document.querySelector(".strip").checkVisibility()`)).toBe(false);
    expect(await postsOf(token)).toHaveLength(2);
  }, 60_000);

  test("page: an upload goes on by itself after the server was stopped in the middle and started again", async () => {
    const { browser, token } = await open();
    await choose(browser, "large.jpg");
    await browser.fill(".uploads input", "once");
    await browser.throttle(crawl);
    await browser.press("Share", ".uploads");
    await sending(browser);
    await service.kill();
    await browser.until(`${rowText(1)}.includes("No connection. Trying again in")`, 10);
    await browser.picture("uploads-connection-lost");
    await browser.throttle();
    await service.start();
    await shows(browser, 1);
    expect((await postsOf(token)).map(({ caption }) => caption)).toEqual(["once"]);
  }, 90_000);

  test("page: an upload whose response was lost makes no second post", async () => {
    const { browser, token } = await open();
    // The first response is discarded, as by a connection that drops at the last moment.
    await run(
      browser,
      `
      const { open, send } = XMLHttpRequest.prototype;
      XMLHttpRequest.prototype.send = function (body) {
        XMLHttpRequest.prototype.send = send;
        const lost = new XMLHttpRequest();
        lost.open("POST", new URL("../upload", document.querySelector("script[src]").src));
        lost.setRequestHeader("idempotency-key", this.key);
        lost.addEventListener("load", () => this.dispatchEvent(new ProgressEvent("error")));
        send.call(lost, body);
      };
      const { setRequestHeader } = XMLHttpRequest.prototype;
      XMLHttpRequest.prototype.setRequestHeader = function (name, value) {
        if (name === "idempotency-key") this.key = value;
        setRequestHeader.call(this, name, value);
      };
    `,
    );
    await choose(browser, "photo-1.jpg");
    await browser.press("Share", ".uploads");
    await shows(browser, 1);
    await browser.until(`document.querySelectorAll(".uploads li").length === 0`);
    expect(browser.requests.filter((url) => url.endsWith("/upload"))).toHaveLength(2);
    expect(await postsOf(token)).toHaveLength(1);
  }, 60_000);

  test("page: an error of the service offers another try, which sends the same texts", async () => {
    const { browser, token } = await open();
    await run(
      browser,
      `
      const { send } = XMLHttpRequest.prototype;
      XMLHttpRequest.prototype.send = function () {
        XMLHttpRequest.prototype.send = send;
        Object.defineProperties(this, { status: { value: 500 }, response: { value: null } });
        this.dispatchEvent(new ProgressEvent("load"));
      };
    `,
    );
    await choose(browser, "photo-1.jpg");
    await browser.fill(".uploads input", "again");
    await browser.press("Share", ".uploads");
    await browser.until(`${rowText(1)}.includes("Something went wrong on our side.")`);
    expect(await browser.view.evaluate(rowText(1))).toContain("photo-1.jpg");
    expect(await browser.view.evaluate(`document.querySelector(".uploads input").readOnly`)).toBe(true);
    await browser.picture("uploads-try-again");
    await browser.press("Try again");
    await shows(browser, 1);
    expect((await postsOf(token)).map(({ caption }) => caption)).toEqual(["again"]);
  }, 60_000);

  test("page: tells which files exceed the storage that is left, before anything is sent", async () => {
    const { browser } = await open();
    await choose(browser, "large.jpg", "photo-1.jpg", "large.jpg");
    await browser.until(`${rowText(3)}.includes("Not enough storage for this file: you have 1.4 MB left.")`);
    expect(await browser.view.evaluate(rowText(1))).not.toContain("storage");
    await browser.press("Share all");
    await shows(browser, 2);
    // The space is used up meanwhile, by the user's uploads from elsewhere for example.
    await choose(browser, "photo-2.jpg");
    expect(browser.requests.filter((url) => url.endsWith("/upload"))).toHaveLength(2);
  }, 60_000);

  test("page: shares a video with a poster that the browser has captured", async () => {
    const { browser, token } = await open();
    await choose(browser, "clip.webm");
    await browser.until(`document.querySelector(".uploads img")?.naturalWidth > 0`, 10);
    await browser.press("Share", ".uploads");
    await shows(browser, 1);
    expect((await postsOf(token))[0]?.thumbnail_url).toBeString();
  }, 60_000);

  test("page: shares a video without a poster if the service refuses the poster", async () => {
    const { browser, token } = await open();
    await browser.view.evaluate(
      `HTMLCanvasElement.prototype.toBlob = (done) => done(new Blob(["no picture"], { type: "image/jpeg" }))`,
    );
    await choose(browser, "clip.webm");
    await browser.press("Share", ".uploads");
    await shows(browser, 1);
    expect((await postsOf(token))[0]?.thumbnail_url).toBeNull();
    expect(browser.requests.filter((url) => url.endsWith("/upload"))).toHaveLength(2);
  }, 60_000);

  test("page: has words in place of a preview that the browser cannot show", async () => {
    const { browser } = await open();
    await choose(browser, "photo.heic", "photo-1.jpg");
    await browser.until(`${rowText(1)}.includes("No preview")`, 10);
    await browser.until(`document.querySelectorAll(".uploads img").length === 1`, 10);
    await browser.press("Share all");
    await shows(browser, 2);
  }, 60_000);

  test("page: warns before it is left while uploads run, and only then", async () => {
    const { browser } = await open();
    const warns = () =>
      browser.view.evaluate(`!window.dispatchEvent(new Event("beforeunload", { cancelable: true }))`);
    await choose(browser, "large.jpg");
    expect(await warns()).toBe(false);
    await browser.throttle(crawl);
    await browser.press("Share", ".uploads");
    await sending(browser);
    expect(await warns()).toBe(true);
    await browser.throttle();
    await shows(browser, 1);
    expect(await warns()).toBe(false);
  }, 60_000);

  test("page: sends nothing under another account whose sign-in in another tab it has not heard of", async () => {
    const { browser, token } = await open();
    const bob = `bob-${crypto.randomUUID()}@example.com`;
    const bobToken = await service.signUp(bob);
    await choose(browser, "photo-1.jpg");
    // Signs in without a word to other tabs.
    const form = JSON.stringify({ username: bob, password: "correct horse battery" });
    await browser.view.evaluate(
      `fetch("auth/cookie/login", { method: "POST", body: new URLSearchParams(${form}) }).then(() => {})`,
    );
    await browser.press("Share", ".uploads");
    await browser.until(`document.querySelectorAll(".uploads li").length === 0`);
    // The page follows the cookie.
    const { id } = (await (await service.fetch("/users/me", { token: bobToken })).json()) as { id: string };
    await browser.until(`localStorage["image-sharing-session"] === ${JSON.stringify(id)}`);
    expect(browser.requests.filter((url) => url.endsWith("/upload"))).toEqual([]);
    expect([...(await postsOf(token)), ...(await postsOf(bobToken))]).toEqual([]);
  }, 60_000);

  test("page: deletes at once a post that the cookie of another account has published", async () => {
    const { browser } = await open();
    const bob = `bob-${crypto.randomUUID()}@example.com`;
    const bobToken = await service.signUp(bob);
    await choose(browser, "photo-1.jpg");
    // Signs in between the check of the account and the upload.
    const form = JSON.stringify({ username: bob, password: "correct horse battery" });
    await run(
      browser,
      `
      const { send } = XMLHttpRequest.prototype;
      XMLHttpRequest.prototype.send = function (body) {
        fetch("auth/cookie/login", { method: "POST", body: new URLSearchParams(${form}) }).then(() => send.call(this, body));
      };
    `,
    );
    await browser.press("Share", ".uploads");
    await browser.until(`document.querySelectorAll(".uploads li").length === 0`);
    await until(async () => browser.requests.some((url) => /\/posts\/[^/]+$/.test(url)));
    await until(async () => (await postsOf(bobToken)).length === 0);
  }, 60_000);

  test("page: accepts files that are dropped anywhere in any view, but no pictures of the page itself", async () => {
    const { browser } = await open();
    await browser.go("#/account");
    await browser.until(`document.querySelector("main h1")?.textContent === "Your account"`);
    const drop = (item: string) =>
      run(
        browser,
        `
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(${item});
        for (const name of ["dragover", "drop"])
          document.querySelector("h1").dispatchEvent(new DragEvent(name, { dataTransfer, bubbles: true, cancelable: true }));
      `,
      );
    await drop(`"a text", "text/plain"`);
    expect(await browser.view.evaluate("location.hash")).toBe("#/account");
    await drop(`new File(["x"], "notes.txt", { type: "text/plain" })`);
    await browser.until(`document.querySelector(".uploads li")`);
    await browser.until(`${rowText(1)}.includes("notes.txt") && ${rowText(1)}.includes("Only photos")`);
  }, 60_000);

  test("page: Enter in a caption goes on to the next file, and shares the only one", async () => {
    const { browser } = await open();
    await choose(browser, "photo-1.jpg", "photo-2.jpg");
    await browser.fill(".uploads input", "one");
    await browser.view.press("Enter");
    await browser.until(
      `document.activeElement === document.querySelector(".uploads li:nth-child(2) input")`,
    );
    await browser.press("Remove", ".uploads li:nth-child(1)");
    await browser.fill(".uploads input", "two");
    await browser.view.press("Enter");
    await shows(browser, 1);
  }, 60_000);

  test("page: the upload panel fits a phone, in light and dark and in German", async () => {
    const { browser } = await open({ width: 360, height: 780 }, "de");
    await choose(browser, "photo-1.jpg", "photo.heic", "clip.webm");
    await browser.until(`document.querySelectorAll(".uploads img").length === 2`, 10);
    expect(await browser.view.evaluate(`document.documentElement.scrollWidth <= innerWidth`)).toBe(true);
    const small = await browser.view.evaluate(
      `[...document.querySelectorAll(".panel :is(button, input:not([hidden]))")].filter((e) => e.checkVisibility() && e.getBoundingClientRect().height < 44).length`,
    );
    expect(small).toBe(0);
    await browser.picture("uploads-phone-light");
    await browser.scheme("dark");
    await browser.picture("uploads-phone-dark");
    await browser.press("Alle teilen");
    await shows(browser, 3);
  }, 60_000);
});
