import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Browser, chromium } from "../support/browser.ts";
import { ServiceProcess } from "../support/process.ts";

if (!chromium) console.log("skipped: the tests of the account in the page need Chromium");

const oldPassword = "correct horse battery";
const newPassword = "a better horse battery";

describe.skipIf(!chromium)("page: account", () => {
  let dataDir: string;
  let service: ServiceProcess;
  let browser: Browser;
  let email: string;
  let token: string;
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "image-sharing-account-"));
    service = new ServiceProcess(dataDir);
    await service.start();
  });
  afterAll(async () => {
    await service.kill();
    await rm(dataDir, { recursive: true, force: true });
  });
  beforeEach(async () => {
    email = `ada-${crypto.randomUUID()}@example.com`;
    token = await service.signUp(email);
    browser = await Browser.open(service.address, { width: 1280, height: 800 });
    await browser.signIn(email);
    await browser.go("#/account");
    await browser.until(`document.querySelector("h1")?.textContent === "Your account"`);
  }, 60_000);

  const login = async (username: string, password: string) => {
    const answer = await service.fetch("/auth/jwt/login", {
      method: "POST",
      body: new URLSearchParams({ username, password }),
    });
    return { status: answer.status, token: ((await answer.json()) as { access_token: string }).access_token };
  };
  const told = (text: string) =>
    browser.until(
      `document.querySelector("#notice:popover-open")?.textContent.startsWith(${JSON.stringify(text)})`,
    );
  const changeAddress = async (to: string, current = oldPassword) => {
    await browser.fill("input[name=email]", to);
    await browser.fill("form:has([name=email]) [name=current_password]", current);
    await browser.press("Change email");
  };
  const changePassword = async (to: string, current = oldPassword) => {
    await browser.fill("form:has([name=password]) [name=current_password]", current);
    await browser.fill("input[name=password]", to);
    await browser.press("Change password");
  };
  /** Expects that the page's cookie belongs to a session. */
  const expectSignedIn = async () =>
    expect(await browser.view.evaluate(`fetch("users/me").then(({ status }) => status)`)).toBe(200);

  test("page: changes the address and then the password, twice, in one visit", async () => {
    for (const [address, current, password] of [
      [`first-${email}`, oldPassword, newPassword],
      [`second-${email}`, newPassword, `another ${newPassword}`],
    ] as const) {
      await changeAddress(address, current);
      await told("Email address updated.");
      await changePassword(password, current);
      await told("Password updated. Other devices");
      await expectSignedIn();
      expect(await browser.view.evaluate(`document.querySelector("input[name=password]").value`)).toBe("");
      expect((await login(address, password)).status).toBe(200);
    }
    expect((await service.fetch("/users/me", { token })).status).toBe(401);
    await browser.picture("account-changed");
    expect(browser.errors.filter((error) => !/status of 401/.test(error))).toEqual([]);
    browser.close();
  }, 60_000);

  test("page: changes the password of an account whose address was changed elsewhere", async () => {
    const address = `elsewhere-${email}`;
    await service.fetch("/users/me", {
      method: "PATCH",
      token,
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ email: address }),
    });
    await changePassword(newPassword);
    await told("Password updated. Other devices");
    await expectSignedIn();
    browser.close();
  }, 60_000);

  test("page: shows that a changed address is not verified, and verifies it", async () => {
    const address = `new-${email}`;
    await changeAddress(address);
    await told("Email address updated.");
    await browser.view.evaluate(
      `(() => { const real = fetch; window.fetch = (path, init) => { if (path.includes("verify")) window.asked = init.body; return real(path, init); }; })()`,
    );
    await browser.press("Send verification email");
    await told("We've emailed you a link.");
    expect(await browser.view.evaluate("window.asked")).toBe(JSON.stringify({ email: address }));
    await browser.press("Send the email again", "#email");
    await told("We've emailed you a link.");
    browser.close();
  }, 60_000);

  test("page: asks for the new password if signing in with it fails", async () => {
    await browser.view.evaluate(
      `(() => { const real = fetch; window.fetch = (path, init) => path.endsWith("/login") && !window.open_ ? Promise.resolve(new Response("{}", { status: 429 })) : real(path, init); })()`,
    );
    await changePassword(newPassword);
    await told("Password updated. Sign in with your new password.");
    await browser.until(`document.querySelector("h1")?.textContent === "Sign in"`);
    await browser.view.evaluate("void (window.open_ = true)");
    await browser.fill("input[name=email]", email);
    await browser.fill("input[name=password]", newPassword);
    await browser.view.press("Enter");
    await browser.until(`document.querySelector("h1")?.textContent === "Your account"`);
    await expectSignedIn();
    browser.close();
  }, 60_000);

  test("page: signs out with a message when the password was changed on another device", async () => {
    await service.fetch("/users/me", {
      method: "PATCH",
      token,
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ password: newPassword }),
    });
    await changePassword("yet another password");
    await told("You've been signed out. Sign in to continue.");
    await browser.until(`document.querySelector("h1")?.textContent === "Sign in"`);
    expect((await login(email, newPassword)).status).toBe(200);
    expect((await login(email, oldPassword)).status).toBe(400);
    browser.close();
  }, 60_000);

  test("page: signs out silently even if the service does not answer", async () => {
    await browser.view.evaluate(
      `(() => { const real = fetch; window.fetch = (path, init) => path.includes("logout") ? new Promise(() => {}) : real(path, init); })()`,
    );
    await browser.press("Sign out");
    await browser.until(`document.querySelector("h1")?.textContent === "Sign in"`);
    expect(await browser.view.evaluate(`document.querySelector("#notice:popover-open")`)).toBeNull();
    browser.close();
  }, 60_000);
});
