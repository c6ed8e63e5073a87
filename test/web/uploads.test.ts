import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Browser, chromium, plainHost } from "../support/browser.ts";
import { jpegPhoto } from "../support/media-samples.ts";
import { ServiceProcess } from "../support/process.ts";
import { until } from "../support/until.ts";

if (!chromium) console.log("skipped: the tests of uploads in the page need Chromium");

/**
 * Bytes per second, so that the large photo would take a minute. Tests that end uploads share it twice: either of two files
 * may be sent first, and a small one would be published.
 */
const crawl = 40_000;

describe.skipIf(!chromium)("page: uploads", () => {
  let dataDir: string;
  let service: ServiceProcess;
  let ada: string;
  let bob: string;
  /** Email addresses by token. */
  const emails = new Map<string, string>();
  const opened: Browser[] = [];
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "image-sharing-uploads-"));
    service = new ServiceProcess(dataDir, { UPLOADS_PER_ACCOUNT: "1", MAX_IMAGE_SIZE: "3mb" });
    await service.start();
    await Bun.write(join(dataDir, "small.jpg"), await jpegPhoto(120, 90));
    await Bun.write(join(dataDir, "other.jpg"), await jpegPhoto(121, 90));
    // A JPEG stays valid with bytes after its end.
    const large = new Blob([await jpegPhoto(122, 90), new Uint8Array(2_400_000)]);
    await Bun.write(join(dataDir, "large.jpg"), large);
    await Bun.write(join(dataDir, "huge.jpg"), new Blob([large, new Uint8Array(1_000_000)]));
    await Bun.write(join(dataDir, "empty.jpg"), "");
    await Bun.write(join(dataDir, "notes.jpg"), "no photo");
    await Bun.write(join(dataDir, "damaged.jpg"), new Uint8Array([0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 3]));
  });
  afterAll(async () => {
    await service.kill();
    await rm(dataDir, { recursive: true, force: true });
  });
  beforeEach(async () => {
    [ada, bob] = await Promise.all([signUp("ada"), signUp("bob")]);
  });
  afterEach(async () => {
    for (const browser of opened.splice(0)) browser.close();
  });

  async function signUp(name: string): Promise<string> {
    const email = `${name}-${crypto.randomUUID()}@example.com`;
    const token = await service.signUp(email);
    emails.set(token, email);
    return token;
  }
  /** Opens a page that shares cookies with those that the test has already opened. */
  async function open(address = service.address): Promise<Browser> {
    const asAnotherTab = opened.length > 0;
    const browser = await Browser.open(address, { width: 1000, height: 800 }, { asAnotherTab });
    opened.push(browser);
    return browser;
  }
  async function openAs(token: string): Promise<Browser> {
    const browser = await open();
    await browser.signIn(emails.get(token)!);
    return browser;
  }
  /** Ends every session of the account, as from another device. */
  const endSessions = (token: string) => service.fetch("/users/me/sessions", { method: "DELETE", token });
  const choose = async (browser: Browser, ...names: string[]) => {
    await browser.choose(
      "#files",
      names.map((name) => join(dataDir, name)),
    );
    await browser.until(`document.querySelectorAll(".uploads li").length >= ${names.length}`);
  };
  const signInForm = (browser: Browser) =>
    browser.until(`document.querySelector("h1")?.textContent === "Sign in"`);
  const signInByForm = async (browser: Browser, token: string) => {
    await browser.fill("input[name=email]", emails.get(token)!);
    await browser.fill("input[name=password]", "correct horse battery");
    await browser.view.press("Enter");
    await browser.until(`document.querySelector("#files")`);
  };
  /** Returns the captions of all posts of these accounts. Logs in again, because their tokens may be revoked. */
  async function captions(...tokens: string[]): Promise<string[]> {
    const all: string[] = [];
    for (const token of tokens) {
      const fresh = await service.signUp(emails.get(token)!);
      const feed = await service.fetch("/feed?limit=200", { token: fresh });
      const { posts } = (await feed.json()) as { posts: { caption: string; is_owner: boolean }[] };
      all.push(...posts.filter((post) => post.is_owner).map(({ caption }) => caption));
    }
    return all;
  }
  /** Uploads that were still under way would show up within this time. */
  const nothingComes = () => Bun.sleep(500);
  const sending = (browser: Browser) =>
    browser.until(`/\\d\\s?%/.test(document.querySelector(".uploads")?.innerText)`);
  /** Waits for the previews, which are made one after the other, and returns their URLs. */
  const previews = async (browser: Browser, count: number): Promise<string[]> => {
    await browser.until(`document.querySelectorAll(".uploads img").length === ${count}`);
    return (await browser.view.evaluate(
      `[...document.querySelectorAll(".uploads img")].map(({ src }) => src)`,
    )) as string[];
  };
  const loads = (browser: Browser, url: string) =>
    browser.view.evaluate(
      `new Promise((resolve) => { const image = new Image(); image.onload = () => resolve(true); image.onerror = () => resolve(false); image.src = ${JSON.stringify(url)}; })`,
    );

  test("page: uploads work on plain HTTP and another host than localhost", async () => {
    const address = `http://${plainHost}:${service.port}`;
    const browser = await open(address);
    expect(await browser.view.evaluate("isSecureContext")).toBe(false);
    await browser.signIn(emails.get(ada)!);
    await choose(browser, "small.jpg");
    await browser.fill(".uploads input", "over plain HTTP");
    await browser.press("Share", ".uploads");
    await browser.until(`document.querySelector(".post .caption")?.textContent === "over plain HTTP"`);
    await browser.view.click(".post .picture");
    await browser.until(`document.querySelector("dialog[open] img")?.naturalWidth === 120`);
    await browser.view.press("Escape");
    await browser.until(`!document.querySelector("dialog")`);
    await browser.menu("Delete");
    await browser.until(`document.querySelector("dialog .danger")`);
    await browser.view.click("dialog .danger");
    await browser.until(`!document.querySelector(".post .caption")`);
    for (const path of ["/docs", "/redoc"]) {
      await browser.view.navigate(address + path);
      await browser.until(`document.body.innerText.includes("/auth/jwt/login")`);
    }
    expect(browser.errors.filter((error) => !/status of 401/.test(error))).toEqual([]);
  }, 60_000);

  test("page: shows a post in a feed that was opened during the upload", async () => {
    const browser = await openAs(ada);
    await choose(browser, "large.jpg");
    await browser.fill(".uploads input", "sent from elsewhere");
    await browser.throttle(crawl);
    await browser.press("Share", ".uploads");
    await sending(browser);
    await browser.go("#/account");
    await browser.until(`document.body.innerText.includes("Your account")`);
    await browser.go("#/");
    await browser.until(`document.querySelector(".status")?.textContent !== "Loading…"`);
    await browser.throttle();
    await browser.until(
      `[...document.querySelectorAll(".post .caption")].filter((c) => c.textContent === "sent from elsewhere").length === 1`,
      20,
    );
    await browser.until(`document.querySelectorAll(".uploads li").length === 0`);
  }, 60_000);

  test("page: shows a post once after it was uploaded while the account view was open", async () => {
    const browser = await openAs(ada);
    await choose(browser, "small.jpg");
    await browser.fill(".uploads input", "finished elsewhere");
    await browser.press("Share", ".uploads");
    await browser.go("#/account");
    await until(async () => (await captions(ada)).includes("finished elsewhere"));
    await browser.go("#/");
    await browser.until(`document.querySelector(".post .caption")`);
    // A second one would appear within this time.
    await Bun.sleep(300);
    const shown = await browser.view.evaluate(
      `[...document.querySelectorAll(".post .caption")].filter((c) => c.textContent === "finished elsewhere").length`,
    );
    expect(shown).toBe(1);
  }, 60_000);

  test("page: signing out aborts the running upload and discards the queue and drafts", async () => {
    const browser = await openAs(ada);
    await choose(browser, "large.jpg", "large.jpg");
    await browser.fill(".uploads li:nth-child(1) input", "running");
    await browser.fill(".uploads li:nth-child(2) input", "waiting");
    await browser.throttle(crawl);
    await browser.press("Share all");
    await sending(browser);
    await choose(browser, "large.jpg");
    await browser.fill(".uploads li:nth-child(3) input", "a secret draft");
    const urls = await previews(browser, 3);

    await browser.go("#/account");
    await browser.press("Sign out");
    await signInForm(browser);
    expect(await browser.view.evaluate(`document.querySelector("#notice").matches(":popover-open")`)).toBe(
      false,
    );
    await browser.throttle();
    await signInByForm(browser, bob);
    await nothingComes();
    expect(await browser.view.evaluate(`document.querySelectorAll(".uploads li").length`)).toBe(0);
    expect(await browser.view.evaluate(`document.documentElement.outerHTML`)).not.toContain("secret draft");
    for (const url of urls) expect(await loads(browser, url)).toBe(false);
    expect(await captions(ada, bob)).toEqual([]);
  }, 60_000);

  test("page: signing out in another tab aborts and discards uploads too", async () => {
    const browser = await openAs(ada);
    await choose(browser, "large.jpg", "large.jpg");
    await browser.throttle(crawl);
    await browser.press("Share all");
    await sending(browser);
    const other = await open();
    await other.go("#/account");
    await other.press("Sign out");
    await signInForm(browser);
    await browser.throttle();
    // This applies to the same account, too.
    await signInByForm(browser, ada);
    await nothingComes();
    expect(await browser.view.evaluate(`document.querySelectorAll(".uploads li").length`)).toBe(0);
    expect(await captions(ada)).toEqual([]);
  }, 60_000);

  test("page: an expired session keeps the queue, which continues when the same account signs in", async () => {
    const browser = await openAs(ada);
    await choose(browser, "small.jpg");
    await browser.fill(".uploads li:nth-child(1) input", "after the pause");
    await endSessions(ada);
    // A draft is pasted before the service rejects the upload.
    await browser.view.evaluate(`void (() => {
      document.querySelector(".uploads .primary").click();
      const clipboardData = new DataTransfer();
      clipboardData.items.add(new File([new Uint8Array([0xff, 0xd8, 0xff])], "draft.jpg", { type: "image/jpeg" }));
      document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
    })()`);
    await signInForm(browser);
    await browser.until(
      `document.querySelector("#notice:popover-open")?.textContent === "You've been signed out. Sign in to continue."`,
    );
    expect(await browser.text()).not.toContain("after the pause");
    await signInByForm(browser, ada);
    await browser.until(`document.querySelector(".post .caption")?.textContent === "after the pause"`);
    await browser.until(`document.querySelectorAll(".uploads li").length === 1`);
    expect(await browser.view.evaluate(`document.querySelector(".uploads li").innerText`)).toContain(
      "draft.jpg",
    );
    await browser.until(`document.querySelector(".uploads .primary")?.textContent === "Share"`);
  }, 60_000);

  test("page: an expired session leaves no uploads to another account", async () => {
    const browser = await openAs(ada);
    await choose(browser, "large.jpg", "large.jpg");
    const urls = await previews(browser, 2);
    await browser.throttle(crawl);
    await browser.press("Share all");
    await sending(browser);
    await endSessions(ada);
    await browser.go("#/account");
    await browser.until(`document.body.innerText.includes("Your account")`);
    // A feed that is opened anew asks the service.
    await browser.go("#/");
    await signInForm(browser);
    await browser.throttle();
    await signInByForm(browser, bob);
    await nothingComes();
    expect(await browser.view.evaluate(`document.querySelectorAll(".uploads li").length`)).toBe(0);
    for (const url of urls) expect(await loads(browser, url)).toBe(false);
    expect(await captions(bob)).toEqual([]);
  }, 60_000);

  test("page: signing in to another account in another tab discards the queue and closes dialogs", async () => {
    const browser = await openAs(ada);
    await choose(browser, "small.jpg");
    await browser.press("Share", ".uploads");
    await browser.until(`document.querySelectorAll(".uploads li").length === 0`);
    await choose(browser, "other.jpg");
    await browser.menu("Delete");
    await browser.until(`document.querySelector("dialog[open]")`);
    await openAs(bob);
    await browser.until(`!document.querySelector("dialog")`);
    await browser.until(`document.querySelector(".post")`);
    expect(await browser.view.evaluate(`document.querySelectorAll(".uploads li").length`)).toBe(0);
    expect(await captions(ada)).toEqual([""]);
  }, 60_000);

  test("page: retries an upload after Retry-After and shows that it waits", async () => {
    // An unfinished upload occupies the account's only slot.
    const stop = new AbortController();
    const head = `--x\r\ncontent-disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n`;
    const body = new ReadableStream({
      async start(controller) {
        controller.enqueue(new TextEncoder().encode(head));
        controller.enqueue(await jpegPhoto());
      },
    });
    const other = service
      .fetch("/upload", {
        method: "POST",
        token: ada,
        headers: { "content-type": "multipart/form-data; boundary=x" },
        body,
        signal: stop.signal,
      })
      .catch(() => {});
    // No answer tells when the service has begun to read it.
    await Bun.sleep(300);
    const browser = await openAs(ada);
    await choose(browser, "small.jpg");
    await browser.fill(".uploads input", "with patience");
    await browser.press("Share", ".uploads");
    await browser.until(
      `document.querySelector(".uploads").innerText.includes("Trying again in 2 seconds.")`,
    );
    await browser.picture("uploads-busy");
    stop.abort();
    await other;
    await browser.until(`document.querySelector(".post .caption")?.textContent === "with patience"`, 20);
    await browser.until(`document.querySelectorAll(".uploads li").length === 0`);
  }, 60_000);

  test("page: shows why a file cannot be shared before it is sent, and lets the user remove it", async () => {
    const browser = await openAs(ada);
    await choose(browser, "huge.jpg", "empty.jpg", "notes.jpg", "small.jpg");
    const errors = `[...document.querySelectorAll(".uploads li")].map((row) => row.querySelector(".error").textContent)`;
    await browser.until(`${errors}.filter(Boolean).length === 3`);
    const [huge, empty, notes, small] = (await browser.view.evaluate(errors)) as string[];
    expect(huge).toBe("Photos can be up to 3 MB.");
    expect(empty).toBe("This file is empty.");
    expect(notes).toBe(
      "Only photos (JPEG, PNG, GIF, WebP, AVIF, HEIC) and videos (MP4, MOV, WebM, MKV, AVI, 3GP, MPEG) can be shared.",
    );
    expect(small).toBe("");
    // Another try would not help.
    expect(await browser.view.evaluate(`document.querySelector(".uploads").innerText`)).not.toContain(
      "Try again",
    );
    await browser.picture("uploads-refused");
    await browser.press("Share", ".uploads");
    await browser.until(`document.querySelector("#notice").textContent === "1 file shared."`);
    expect(browser.requests.filter((url) => url.endsWith("/upload"))).toHaveLength(1);
    for (let row = 0; row < 3; row++) await browser.press("Remove");
    await browser.until(`document.querySelectorAll(".uploads li").length === 0`);
  }, 60_000);

  test("page: shows why the service refused a file, beside its name and without another try", async () => {
    const browser = await openAs(ada);
    await choose(browser, "damaged.jpg");
    await browser.press("Share", ".uploads");
    const why = "Part of this picture is missing. Copy it from the camera or phone again.";
    await browser.until(`document.querySelector(".uploads .error").textContent === ${JSON.stringify(why)}`);
    const row = await browser.view.evaluate(`document.querySelector(".uploads li").innerText`);
    expect(row).toContain("damaged.jpg");
    expect(row).not.toContain("Try again");
  }, 60_000);
});
