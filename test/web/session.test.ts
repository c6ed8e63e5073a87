import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Browser, chromium } from "../support/browser.ts";
import { ServiceProcess } from "../support/process.ts";
import { until } from "../support/until.ts";

if (!chromium) console.log("skipped: the tests of the page's session need Chromium");

const size = { width: 1280, height: 800 };

describe.skipIf(!chromium)("page: session", () => {
  let dataDir: string;
  let service: ServiceProcess;
  let email: string;
  let token: string;
  const opened: Browser[] = [];
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "image-sharing-session-"));
    service = new ServiceProcess(dataDir);
    await service.start();
  }, 60_000);
  afterAll(async () => {
    await service.kill();
    await rm(dataDir, { recursive: true, force: true });
  });
  beforeEach(async () => {
    email = `ada-${crypto.randomUUID()}@example.com`;
    token = await service.signUp(email);
  }, 60_000);
  afterEach(() => {
    for (const browser of opened.splice(0)) browser.close();
  });

  /** Opens a page that shares cookies with those that the test has already opened. */
  async function open(hash = ""): Promise<Browser> {
    const asAnotherTab = opened.length > 0;
    const browser = await Browser.open(`${service.address}/${hash}`, size, { asAnotherTab });
    opened.push(browser);
    return browser;
  }
  const heading = (browser: Browser, text: string) =>
    browser.until(`document.querySelector("main h1")?.textContent === ${JSON.stringify(text)}`, 10);
  const notice = `document.querySelector("#notice:popover-open")?.textContent`;
  const sessions = async () => {
    const response = await service.fetch("/users/me/sessions", { token });
    return ((await response.json()) as unknown[]).length;
  };
  const fillIn = async (browser: Browser) => {
    await heading(browser, "Sign in");
    await browser.fill("input[name=email]", email);
    await browser.fill("input[name=password]", "correct horse battery");
    await browser.view.press("Enter");
  };

  test("page: stays signed in across a reload, and scripts can read no token", async () => {
    const browser = await open();
    await fillIn(browser);
    await heading(browser, "Photos and videos");
    await browser.view.reload();
    await heading(browser, "Photos and videos");
    const readable = await browser.view.evaluate(
      `JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }])`,
    );
    const { id } = (await (await service.fetch("/users/me", { token })).json()) as { id: string };
    expect(JSON.parse(readable as string)).toEqual(["", { "image-sharing-session": id }, {}]);
    expect(await browser.view.evaluate("typeof cookieStore.getAll")).toBe("function");
    expect(await browser.view.evaluate("cookieStore.getAll().then(({ length }) => length)")).toBe(0);
  }, 60_000);

  test("page: removes and revokes the token that an earlier version stored", async () => {
    const browser = await open();
    await browser.view.evaluate(`localStorage.setItem("image-sharing-token", ${JSON.stringify(token)})`);
    await browser.view.reload();
    await heading(browser, "Sign in");
    expect(await browser.view.evaluate(`localStorage.getItem("image-sharing-token")`)).toBeNull();
    await until(async () => (await service.fetch("/users/me", { token })).status === 401);
  }, 60_000);

  test("page: signing out ends the session and shows the sign-in form in every tab without a message", async () => {
    const browser = await open();
    await browser.signIn(email);
    const other = await open("#/account");
    await heading(other, "Your account");
    expect(await sessions()).toBe(1);
    await browser.press("Sign out");
    for (const tab of [browser, other]) {
      await heading(tab, "Sign in");
      expect(await tab.view.evaluate(notice)).toBeUndefined();
    }
    await until(async () => (await sessions()) === 0);
  }, 60_000);

  test("page: signing in shows the account in a tab that waits for it", async () => {
    const browser = await open();
    await heading(browser, "Sign in");
    const other = await open();
    await fillIn(other);
    await heading(browser, "Photos and videos");
  }, 60_000);

  test("page: a session that was ended elsewhere shows the sign-in form once, with a message, and continues there", async () => {
    const browser = await open("#/account");
    await fillIn(browser);
    await heading(browser, "Your account");
    await service.fetch("/users/me/sessions", { method: "DELETE", token });
    await browser.fill("input[name=name]", "Ada");
    await browser.press("Change name");
    await heading(browser, "Sign in");
    expect(await browser.view.evaluate(notice)).toBe("You've been signed out. Sign in to continue.");
    await fillIn(browser);
    await heading(browser, "Your account");
  }, 60_000);

  test("page: says at the start that the session has ended since the last visit", async () => {
    const browser = await open();
    await browser.signIn(email);
    // A request on its way would be refused before the reload.
    await browser.until(`document.body.innerText.includes("Nothing here yet")`);
    await service.fetch("/users/me/sessions", { method: "DELETE", token });
    await browser.view.reload();
    await heading(browser, "Sign in");
    expect(await browser.view.evaluate(notice)).toBe("You've been signed out. Sign in to continue.");
    await browser.view.reload();
    await heading(browser, "Sign in");
    expect(await browser.view.evaluate(notice)).toBeUndefined();
  }, 60_000);

  test("page: a sign-out that the service did not receive is repeated before the next visit shows anything", async () => {
    const browser = await open();
    await browser.signIn(email);
    await browser.view.evaluate(
      `(() => { const real = fetch; window.fetch = (path, init) => path.includes("logout") ? Promise.reject(new TypeError()) : real(path, init); })()`,
    );
    await browser.press("Sign out");
    await heading(browser, "Sign in");
    expect(await sessions()).toBe(1);
    await browser.view.reload();
    await heading(browser, "Sign in");
    await until(async () => (await sessions()) === 0);
  }, 60_000);

  test("page: offers to try again when the service cannot tell who is signed in", async () => {
    const browser = await open();
    await browser.signIn(email);
    await browser.view.cdp("Network.enable");
    await browser.view.cdp("Network.setBlockedURLs", { urls: ["*/users/me"] });
    await browser.view.reload();
    await browser.until(`document.querySelector("main")?.innerText.includes("No connection.")`);
    expect(await browser.text()).not.toContain("Sign out");
    await browser.view.cdp("Network.setBlockedURLs", { urls: [] });
    await browser.press("Try again");
    await heading(browser, "Photos and videos");
  }, 60_000);
});
