import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { violationsIn } from "../support/axe.ts";
import { Browser, chromium } from "../support/browser.ts";
import { onFreePort } from "../support/free-port.ts";
import { TestProvider } from "../support/oidc-provider.ts";
import { command, ServiceProcess } from "../support/process.ts";

if (!chromium) console.log("skipped: the tests of sign-ins with a provider in the page need Chromium");

describe.skipIf(!chromium)("page: sign-in with a provider", () => {
  let dataDir: string;
  let provider: TestProvider;
  let service: ServiceProcess;
  /** A service without passwords that takes invited people only. */
  let closed: ServiceProcess;
  let browser: Browser;
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "image-sharing-provider-"));
    const paths = ["/auth/oidc/callback", "/auth/associate/oidc/callback"];
    await onFreePort((port) =>
      onFreePort(async (closedPort) => {
        const ports = [port, closedPort];
        const callbacks = ports.flatMap((each) => paths.map((path) => `http://127.0.0.1:${each}${path}`));
        provider = await TestProvider.start(callbacks);
        const settings = { ...provider.settings, OIDC_NAME: "Sign in with Example", PORT: String(port) };
        service = new ServiceProcess(join(dataDir, "open"), settings);
        closed = new ServiceProcess(join(dataDir, "closed"), {
          ...provider.settings,
          PORT: String(closedPort),
          PASSWORD_LOGIN: "off",
          REGISTRATION: "closed",
          // The command that invites has no other database.
          DATABASE_URL: "",
        });
        await Promise.all([service.start(), closed.start()]);
      }),
    );
  }, 60_000);
  afterAll(async () => {
    await Promise.all([service.kill(), closed.kill()]);
    await provider.stop();
    await rm(dataDir, { recursive: true, force: true });
  });
  afterEach(() => browser.close());

  const size = { width: 1280, height: 800 };
  const methods = "#sign-in-methods";
  const told = (text: string) =>
    browser.until(
      `document.querySelector("#notice:popover-open")?.textContent.startsWith(${JSON.stringify(text)})`,
    );

  test("page: signs in with one click, returns to the same view, sets a password, links and unlinks", async () => {
    provider.user = { sub: "ada", email: "ada@example.com", email_verified: true, name: "Ada" };
    browser = await Browser.open(`${service.address}/#/account`, size);
    await browser.until(`document.querySelector("h1")?.textContent === "Sign in"`);
    await browser.picture("sign-in-with-provider");
    await browser.press("Sign in with Example");
    await browser.until(`document.querySelector("h1")?.textContent === "Your account"`);
    expect(await browser.view.evaluate("location.hash")).toBe("#/account");
    await browser.until(`document.querySelector("${methods} li")?.innerText.includes("ada@example.com")`);
    await browser.until(`document.querySelectorAll("[name=current_password]").length === 0`);
    await browser.picture("account-with-provider");
    expect(await violationsIn(browser, "account with a provider")).toEqual([]);

    await browser.press("Unlink", methods);
    await browser.press("Unlink", "dialog[open]");
    await told("You couldn't sign in any more without it.");
    await browser.fill("#password input[name=password]", "a better horse battery");
    await browser.press("Set a password");
    await told("Password updated.");
    await browser.until(`document.querySelectorAll("[name=current_password]").length === 2`);

    // Signed in at the provider, whose session goes on: another user of it is a matter of its own session.
    await browser.press("Unlink", methods);
    await browser.press("Unlink", "dialog[open]");
    await told("The account is unlinked.");
    await browser.press("Link an account", methods);
    await browser.until(`document.querySelector("${methods} li")?.innerText.includes("ada@example.com")`);
    expect(browser.errors.filter((error) => !/status of 40[01]/.test(error))).toEqual([]);
  }, 60_000);

  test("page: says in plain words why a sign-in failed, and signs out at the provider too", async () => {
    browser = await Browser.open(`${service.address}/#/sign-in?error=OAUTH_USER_ALREADY_EXISTS`, size);
    await browser.until(
      `document.querySelector("main [role=alert]")?.textContent.includes("link the other")`,
    );
    expect(await violationsIn(browser, "sign-in that failed")).toEqual([]);
    await browser.go("#/sign-in?error=nonsense");
    await browser.until(`document.querySelector("main [role=alert]")?.textContent.startsWith("That didn't")`);
    provider.replies.set("/token", () => new Response("", { status: 502 }));
    await browser.press("Sign in with Example");
    await browser.until(`document.querySelector("main [role=alert]")?.textContent.includes("be reached")`);
    provider.reset();
    provider.user = { sub: "grace", email: "grace@example.com" };
    await browser.press("Sign in with Example");
    await browser.until(`document.querySelector("#files")`);
    await browser.go("#/account");
    await browser.press(`Sign out here and at ${new URL(provider.issuer).host}`, methods);
    await browser.until(`location.pathname === "/session/end"`);
    const answer = await service.fetch("/users/me");
    expect(answer.status).toBe(401);
  }, 60_000);

  test("page: without passwords, an invitation makes an account by the provider only", async () => {
    provider.user = { sub: "alan", email: "alan@example.com", email_verified: true, name: "Alan" };
    browser = await Browser.open(closed.address, size, { language: "de" });
    await browser.until(`document.querySelector("h1")?.textContent === "Anmelden"`);
    expect(await browser.view.evaluate("document.querySelectorAll('form, input').length")).toBe(0);
    await browser.press("Mit Single Sign-on anmelden");
    await browser.until(`document.querySelector("main [role=alert]")?.textContent.includes("Einladung")`);
    const { stdout } = Bun.spawnSync([...command, "invite"], {
      env: { PATH: process.env["PATH"], DATA_DIR: closed.dataDir, PUBLIC_URL: closed.address },
      cwd: dataDir,
    });
    const [, path = ""] = /^http[^#\s]*(#\/register\?invitation=\S+)$/m.exec(stdout.toString()) ?? [];
    await browser.go(path);
    await browser.until(`document.querySelector("h1")?.textContent === "Konto erstellen"`);
    await browser.press("Mit Single Sign-on anmelden");
    await browser.until(`document.querySelector("#files")`);
    await browser.go("#/account");
    await browser.until(`document.querySelector("${methods} li")?.innerText.includes("alan@example.com")`);
    expect(await browser.view.evaluate(`document.querySelector("#password")`)).toBeNull();
  }, 60_000);
});
