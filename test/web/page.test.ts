import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Browser, chromium } from "../support/browser.ts";
import { blackPng, jpegPhoto, mp4Video } from "../support/media-samples.ts";
import { ServiceProcess } from "../support/process.ts";

if (!chromium) console.log("skipped: the tests of pages need Chromium");

describe.skipIf(!chromium)("page", () => {
  let dataDir: string;
  let service: ServiceProcess;
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "image-sharing-web-"));
    service = new ServiceProcess(dataDir);
    await service.start();
    await Bun.write(join(dataDir, "walk.jpg"), await jpegPhoto(1200, 900));
    await Bun.write(join(dataDir, "clip.mp4"), mp4Video());
    await Bun.write(join(dataDir, "notes.txt"), "no photo");
  });
  afterAll(async () => {
    await service.kill();
    await rm(dataDir, { recursive: true, force: true });
  });

  /** Expects no requests to other hosts and no errors except the expected ones. */
  const expectClean = ({ requests, errors }: Browser, expected = /^$/) => {
    const elsewhere = requests.filter(
      (url) => !url.startsWith(service.address) && !/^(blob|data):/.test(url),
    );
    expect(elsewhere).toEqual([]);
    expect(errors.filter((error) => !expected.test(error))).toEqual([]);
  };

  test("page: a user signs up, uploads, views, deletes and signs out", async () => {
    const browser = await Browser.open(service.address, { width: 1280, height: 800 });
    await browser.until(`document.querySelector("h1")?.textContent === "Sign in"`);
    await browser.picture("sign-in-wide");
    await browser.view.click('a[href="#/register"]');
    await browser.until(`document.querySelector("h1")?.textContent === "Create an account"`);
    await browser.fill("input[name=email]", "ada@example.com");
    await browser.fill("input[name=password]", "short");
    await browser.view.click("button[type=submit]");
    await browser.until(`document.querySelector(".error")?.textContent.includes("at least 8")`);
    await browser.fill("input[name=password]", "correct horse battery");
    await browser.view.press("Enter");
    await browser.until(`document.body.innerText.includes("Nothing here yet")`);
    // The focus moves there for screen readers, without a visible outline around the whole page.
    expect(await browser.view.evaluate(`document.activeElement.matches("main h1")`)).toBe(true);
    expect(await browser.view.evaluate(`getComputedStyle(document.activeElement).outlineStyle`)).toBe("none");
    await browser.picture("empty-wide");

    const files = ["walk.jpg", "clip.mp4", "notes.txt"].map((name) => join(dataDir, name));
    await browser.choose("#files", files);
    await browser.until(`document.querySelectorAll(".uploads li").length === 3`);
    await browser.fill(".uploads li:first-child input", "A walk <b>along</b> the river");
    await browser.picture("uploads-wide");
    await browser.view.evaluate(
      `document.querySelectorAll(".uploads .primary").forEach((button) => button.click())`,
    );
    await browser.until(`document.querySelectorAll(".post").length === 2`);
    await browser.until(`document.querySelector(".uploads")?.innerText.includes("Only photos")`);
    expect(await browser.view.evaluate(`document.querySelectorAll(".post b").length`)).toBe(0);
    await browser.until(
      `[...document.querySelectorAll(".post img")].every((image) => image.naturalWidth > 0)`,
    );
    await browser.picture("feed-wide");

    await browser.view.click(".post:has(.caption) .picture");
    await browser.until(`document.querySelector("dialog[open] img")?.naturalWidth === 1200`);
    await browser.picture("lightbox-wide");
    await browser.view.press("Escape");
    await browser.until(`!document.querySelector("dialog")`);
    expect(await browser.view.evaluate(`document.activeElement.className`)).toBe("picture");

    await browser.menu("Delete", ".post:has(.caption)");
    await browser.until(`document.querySelector("dialog .danger")`);
    await browser.view.click("dialog .danger");
    await browser.until(`document.querySelectorAll(".post").length === 1`);

    await browser.view.click('a[href="#/account"]');
    await browser.until(`document.body.innerText.includes("not verified")`);
    await browser.picture("account-wide");
    await browser.press("Sign out");
    await browser.until(`document.querySelector("h1")?.textContent === "Sign in"`);
    expectClean(browser, /status of (400|401|415)/);
    browser.close();
  }, 60_000);

  test("page: shows a message instead of a photo that is too large for a preview", async () => {
    const token = await service.signUp("grace@example.com");
    const { id } = await (await service.upload(token, new Blob([blackPng(12_000, 10_000)]))).json();
    const browser = await Browser.open(service.address, { width: 1280, height: 800 });
    await browser.signIn("grace@example.com");
    await browser.until(`document.querySelector(".no-picture")?.textContent === "Too large for a preview"`);
    await browser.picture("too-large-wide");
    expect(browser.requests.filter((url) => url.includes(id))).toEqual([]);
    expectClean(browser, /status of 401/);
    browser.close();
    await service.fetch(`/posts/${id}`, { method: "DELETE", token });
  }, 60_000);

  test("page: works on a phone and in dark mode, without layout shifts while pictures load", async () => {
    const token = await service.signUp("bob@example.com");
    for (const [width, height] of [
      [800, 600],
      [600, 800],
      [900, 300],
    ] as const) {
      const form = new FormData();
      form.set("file", new Blob([await jpegPhoto(width, height)]), "photo.jpg");
      form.set("caption", `A photo of ${width} × ${height}`);
      await fetch(`${service.address}/upload`, {
        method: "POST",
        body: form,
        headers: { authorization: `Bearer ${token}` },
      });
    }
    const browser = await Browser.open(service.address, { width: 390, height: 844 });
    await browser.scheme("dark");
    await browser.until(`document.querySelector("h1")`);
    await browser.picture("sign-in-phone-dark");
    await browser.signIn("bob@example.com");
    await browser.until(`document.querySelectorAll(".post").length >= 3`);
    await browser.until(
      `[...document.querySelectorAll(".post img")].slice(0, 2).every((image) => image.naturalWidth > 0)`,
    );
    const shift = await browser.view.evaluate(
      `new Promise((resolve) => { let sum = 0; new PerformanceObserver((list) => { for (const entry of list.getEntries()) sum += entry.value; }).observe({ type: "layout-shift", buffered: true }); setTimeout(() => resolve(sum), 100); })`,
    );
    expect(shift).toBeLessThan(0.1);
    expect(await browser.view.evaluate(`document.documentElement.scrollWidth <= innerWidth`)).toBe(true);
    await browser.picture("feed-phone-dark");
    await browser.scheme("light");
    await browser.picture("feed-phone-light");

    await browser.view.cdp("Network.clearBrowserCookies");
    await browser.view.reload();
    await browser.until(`document.querySelector("h1")?.textContent === "Sign in"`);
    await browser.until(`document.querySelector("#notice").textContent.includes("signed out")`);
    const box = (selector: string) => `document.querySelector("${selector}").getBoundingClientRect()`;
    expect(await browser.view.evaluate(`${box("#notice")}.top > ${box(".bar")}.bottom`)).toBe(true);
    expectClean(browser, /status of 401/);
    browser.close();
  }, 60_000);

  test("page: has the views that mails link to", async () => {
    const browser = await Browser.open(`${service.address}/#/verify?token=x`, { width: 390, height: 844 });
    await browser.until(`document.body.innerText.includes("expired or was already used")`);
    await browser.picture("verify-phone");
    for (const [hash, heading] of [
      ["#/reset?token=x", "Choose a new password"],
      ["#/forgot", "Forgot your password?"],
    ] as const) {
      await browser.go(hash);
      await browser.view.reload();
      await browser.until(`document.querySelector("main h1")?.textContent === ${JSON.stringify(heading)}`);
      await browser.picture(`${/\w+/.exec(hash)?.[0]}-phone`);
    }
    expectClean(browser, /status of 40[01]/);
    browser.close();
  }, 60_000);

  test.each(["docs", "redoc"])(
    "documentation pages: /%s renders the document in light and dark mode",
    async (page) => {
      const browser = await Browser.open(`${service.address}/${page}`, { width: 1280, height: 800 });
      await browser.until(`document.body.innerText.includes("Log in")`);
      await browser.picture(`${page}-light`);
      await browser.scheme("dark");
      await browser.view.reload();
      await browser.until(`document.body.innerText.includes("Log in")`);
      await browser.picture(`${page}-dark`);
      expectClean(browser);
      browser.close();
    },
    60_000,
  );
});
