// Long: a browser takes minutes for it beside other tests.
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Browser, chromium } from "../support/browser.ts";
import { jpegPhoto, webmVideo } from "../support/media-samples.ts";
import { ServiceProcess } from "../support/process.ts";
import { TusRequests } from "../support/tus.ts";
import { until } from "../support/until.ts";

if (!chromium) console.log("skipped: the tests of the page's resumable uploads need Chromium");

/** Bytes per second, so that the large photo would take ten seconds. */
const crawl = 800_000;

describe.skipIf(!chromium)("page: resumable uploads", () => {
  let dataDir: string;
  let service: ServiceProcess;
  let browser: Browser;
  let token: string;
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "image-sharing-resumable-"));
    service = new ServiceProcess(dataDir);
    await service.start();
    // A JPEG stays valid with bytes after its end.
    const large = new Blob([await jpegPhoto(122, 90), new Uint8Array(8_000_000)]);
    await Bun.write(join(dataDir, "large.jpg"), large);
    // A Void element (RFC 8794, 11.3.4), whose size has eight bytes.
    const padding = Buffer.alloc(6_000_000);
    padding.writeUInt16BE(0xec01);
    padding.writeUIntBE(padding.length - 9, 3, 6);
    await Bun.write(join(dataDir, "large.webm"), new Blob([webmVideo(), padding]));
  }, 60_000);
  afterAll(async () => {
    await service.kill();
    await rm(dataDir, { recursive: true, force: true });
  });
  afterEach(() => browser.close());

  /** Opens a page as a new user who has chosen a large file. It notes where requests begin in the file. */
  async function open(file?: string): Promise<void> {
    const email = `ada-${crypto.randomUUID()}@example.com`;
    token = await service.signUp(email);
    browser = await Browser.open(service.address, { width: 1280, height: 900 });
    await browser.signIn(email);
    await choose(file);
  }
  async function choose(file = "large.jpg"): Promise<void> {
    await browser.view.evaluate(`void (() => {
      if (window.offsets) return;
      window.offsets = [];
      const { setRequestHeader } = XMLHttpRequest.prototype;
      XMLHttpRequest.prototype.setRequestHeader = function (name, value) {
        if (name === "upload-offset") window.offsets.push(Number(value));
        setRequestHeader.call(this, name, value);
      };
    })()`);
    await browser.choose("#files", [join(dataDir, file)]);
    await browser.until(`document.querySelector(".uploads li")`);
  }
  const row = `document.querySelector(".uploads li").innerText`;
  const sending = () => browser.until(`/[1-9]\\d?\\s?%/.test(${row})`, 20);
  const offsets = () => browser.view.evaluate("window.offsets") as Promise<number[]>;
  /** The path of the upload that the browser has stored. */
  const path = async () =>
    (await browser.view.evaluate(
      `JSON.parse(Object.entries(localStorage).find(([key]) => key.startsWith("image-sharing-upload "))?.[1] ?? "{}").route`,
    )) as string | undefined;
  const captions = async () =>
    (
      (await (await service.fetch("/feed", { token })).json()) as {
        posts: { caption: string; is_owner: boolean }[];
      }
    ).posts
      .filter(({ is_owner }) => is_owner)
      .map(({ caption }) => caption);
  const isShared = () => browser.until(`document.querySelectorAll(".uploads li").length === 0`, 40);

  test("page: a large file can be paused, and goes on where it was", async () => {
    await open();
    await browser.fill(".uploads input", "once");
    await browser.throttle(crawl);
    await browser.press("Share", ".uploads");
    await sending();
    await browser.press("Pause", ".uploads");
    await browser.until(`${row}.includes("Paused")`);
    await browser.picture("uploads-paused");
    const tus = new TusRequests(service, token);
    const offset = await tus.offset((await path())!);
    expect(offset).toBeWithin(1, 8_000_000);
    await browser.throttle();
    await browser.press("Resume", ".uploads");
    await isShared();
    expect(await offsets()).toEqual([0, offset]);
    expect([await captions(), await path()]).toEqual([["once"], undefined]);
  }, 90_000);

  test("page: a large file goes on after a reload, with the texts of the second time", async () => {
    await open();
    await browser.fill(".uploads input", "first");
    await browser.throttle(crawl);
    await browser.press("Share", ".uploads");
    await sending();
    // While an upload runs, the browser would ask whether to leave the page.
    await browser.press("Pause", ".uploads");
    await browser.until(`${row}.includes("Paused")`);
    await browser.view.reload();
    await browser.until(`document.querySelector("#files")`);
    await choose();
    await browser.fill(".uploads input", "second");
    await browser.throttle();
    await browser.press("Share", ".uploads");
    await isShared();
    expect((await offsets())[0]).toBeGreaterThan(0);
    expect(await captions()).toEqual(["second"]);
  }, 90_000);

  test("page: a large file goes on by itself after the server was killed and started again", async () => {
    await open();
    await browser.throttle(crawl);
    await browser.press("Share", ".uploads");
    await sending();
    await service.kill();
    await browser.until(`${row}.includes("No connection. Trying again in")`, 20);
    await browser.throttle();
    await service.start();
    await isShared();
    expect(await captions()).toHaveLength(1);
  }, 90_000);

  test("page: a large video takes the browser's poster along", async () => {
    await open("large.webm");
    await browser.press("Share", ".uploads");
    await isShared();
    expect(await offsets()).toEqual([0]);
    const { posts } = (await (await service.fetch("/feed", { token })).json()) as {
      posts: { thumbnail_url: string | null }[];
    };
    expect(posts[0]!.thumbnail_url).toBeString();
  }, 60_000);

  test("page: the same file twice in the queue makes two uploads, of which the second can be paused too", async () => {
    await open();
    await choose();
    await browser.until(`document.querySelectorAll(".uploads li").length === 2`);
    await browser.throttle(crawl);
    await browser.press("Share all");
    const second = `document.querySelectorAll(".uploads li")[1]`;
    await browser.until(`/[1-9]\\d?\\s?%/.test(${second}.innerText)`, 30);
    await browser.press("Pause", ".uploads li:nth-child(2)");
    await browser.until(`${second}.innerText.includes("Paused")`);
    await browser.throttle();
    await browser.press("Resume", ".uploads li:last-child");
    await isShared();
    expect(await captions()).toHaveLength(2);
    // Two begin, and the paused one goes on.
    const sent = await offsets();
    expect(sent.filter((offset) => offset === 0)).toHaveLength(2);
    expect(sent.filter((offset) => offset > 0)).toHaveLength(1);
    expect(await path()).toBeUndefined();
  }, 90_000);

  test("page: removing a large file ends its upload", async () => {
    await open();
    await browser.throttle(crawl);
    await browser.press("Share", ".uploads");
    await sending();
    const upload = (await path())!;
    await browser.press("Remove", ".uploads");
    const tus = new TusRequests(service, token);
    await until(async () => (await tus.head(upload)).status === 404);
    expect([await captions(), await path()]).toEqual([[], undefined]);
  }, 90_000);
});
