import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { deviceName } from "../../src/web/page/device-name.ts";
import { Browser, chromium } from "../support/browser.ts";
import { jpegPhoto } from "../support/media-samples.ts";
import { command, ServiceProcess } from "../support/process.ts";

if (!chromium) console.log("skipped: the tests of the parts of the account view need Chromium");

const password = "correct horse battery";
const firefox = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0";

test.each([
  [firefox, "Firefox on Windows"],
  [
    "Mozilla/5.0 (Linux; Android 16; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
    "Chrome on Android",
  ],
  [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1",
    "Safari on iPhone",
  ],
  [
    "Mozilla/5.0 (iPad; CPU OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/142.0 Mobile/15E148 Safari/604.1",
    "Chrome on iPad",
  ],
  [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
    "Edge on Windows",
  ],
  [
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Safari/605.1.15",
    "Safari on Mac",
  ],
  ["PhotoApp/2.1 (Android 16)", "PhotoApp"],
  ["curl/8.5.0", "curl"],
  ["Mozilla/5.0", "Unknown device"],
  [null, "Unknown device"],
])("page: the device with the user agent %p is called %p", (userAgent, name) => {
  expect(deviceName(userAgent)).toBe(name);
});

describe.skipIf(!chromium)("page: parts of the account", () => {
  let dataDir: string;
  let service: ServiceProcess;
  let browser: Browser;
  let email: string;
  let token: string;
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "image-sharing-account-parts-"));
    // On SQLite, because the command below has no other database.
    service = new ServiceProcess(dataDir, { DATABASE_URL: "", USER_QUOTA: "1mb" });
    await service.start();
  });
  afterAll(async () => {
    await service.kill();
    await rm(dataDir, { recursive: true, force: true });
  });
  beforeEach(async () => {
    email = `ada-${crypto.randomUUID()}@example.com`;
    token = await service.signUp(email);
  });
  afterEach(() => browser.close());

  const open = async (size = { width: 1440, height: 900 }) => {
    browser = await Browser.open(`${service.address}/`, size);
    await browser.signIn(email);
    await browser.go("#/account");
    await browser.until(`document.querySelector("h1")?.textContent === "Your account"`);
  };
  const signInElsewhere = async (userAgent: string): Promise<string> => {
    const answer = await service.fetch("/auth/session/login", {
      method: "POST",
      body: new URLSearchParams({ username: email, password }),
      headers: { "user-agent": userAgent },
    });
    return ((await answer.json()) as { access_token: string }).access_token;
  };
  const upload = async () => {
    const form = new FormData();
    form.set("file", new Blob([await jpegPhoto(400, 300)]), "photo.jpg");
    return (
      (await (await service.fetch("/upload", { method: "POST", body: form, token })).json()) as { id: string }
    ).id;
  };
  const statusOf = async (path: string, of: string) => (await service.fetch(path, { token: of })).status;
  const devices = `[...document.querySelectorAll("#devices li")].map((row) => row.innerText)`;
  const told = (words: string) =>
    browser.until(
      `document.querySelector("#notice:popover-open")?.textContent.startsWith(${JSON.stringify(words)})`,
    );

  test("page: what loads later in the account does not move its forms", async () => {
    await signInElsewhere(firefox);
    browser = await Browser.open(`${service.address}/`, { width: 1280, height: 800 });
    await browser.signIn(email);
    await browser.view.evaluate(
      `(() => { const real = fetch; const late = new Promise((go) => (window.goOn = go)); window.fetch = async (path, init) => { if (/sessions|usage/.test(path)) await late; return real(path, init); }; })()`,
    );
    await browser.go("#/account");
    await browser.until(`document.querySelector("#password input")`);
    const places = () =>
      browser.view.evaluate(
        `[scrollY, ...[...document.querySelectorAll("form")].flatMap((form) => { const { left, top } = form.getBoundingClientRect(); return [left, top]; })]`,
      );
    await browser.view.evaluate(
      `document.querySelector("#password input").scrollIntoView({ block: "center" })`,
    );
    const before = await places();
    await browser.view.evaluate("window.goOn()");
    await browser.until(`${devices}.length === 2 && document.querySelector(".meter")`);
    expect(await places()).toEqual(before);
  }, 60_000);

  test("page: the account lists signed-in devices in plain words, the present one first, and ends one", async () => {
    const other = await signInElsewhere(firefox);
    await open();
    await browser.until(`${devices}.length === 2`);
    const [present, windows] = (await browser.view.evaluate(devices)) as [string, string];
    expect(present).toContain("This device");
    expect(present).not.toContain("End session");
    expect(windows).toMatch(/Firefox on Windows\s+Last used .*\s+End session/);
    await browser.press("End session", "#devices");
    await told("The session has ended.");
    await browser.until(`${devices}.length === 1`);
    expect(await statusOf("/users/me", other)).toBe(401);
    expect(await browser.view.evaluate(`document.querySelector("#devices").innerText`)).not.toContain(
      "End all other sessions",
    );
    expect(await browser.view.evaluate(`fetch("users/me").then(({ status }) => status)`)).toBe(200);
  }, 120_000);

  test("page: the account ends all other sessions once that is confirmed", async () => {
    const others = [await signInElsewhere(firefox), await signInElsewhere("curl/8.5.0")];
    await open();
    await browser.until(`${devices}.length === 3`);
    await browser.press("End all other sessions", "#devices");
    await browser.press("End all other sessions", "dialog");
    await told("All other sessions have ended.");
    await browser.until(`${devices}.length === 1`);
    for (const other of others) expect(await statusOf("/users/me", other)).toBe(401);
    expect(await browser.view.evaluate(`document.activeElement.textContent`)).toBe("Signed-in devices");
  }, 120_000);

  test("page: the account shows the space that its posts take up, and the quota as a bar", async () => {
    await upload();
    await open();
    await browser.until(
      `/^1 post · [\\d.]+ kB of 1 MB used$/.test(document.querySelector("#storage p")?.textContent)`,
    );
    const bar = `document.querySelector(".meter")`;
    expect(await browser.view.evaluate(`${bar}.ariaValueMax`)).toBe(String(1024 ** 2));
    const bytes = Number(await browser.view.evaluate(`${bar}.ariaValueNow`));
    expect(bytes).toBeGreaterThan(1000);
    const share = await browser.view.evaluate(
      `${bar}.firstChild.getBoundingClientRect().width / ${bar}.clientWidth`,
    );
    expect(share).toBeCloseTo(bytes / 1024 ** 2, 2);
  }, 120_000);

  test("page: the account has a link that downloads its data as a ZIP file", async () => {
    await open();
    const answer = await browser.view.evaluate(
      `fetch([...document.querySelectorAll("a[download]")].find((a) => a.textContent === "Download your data").href).then((answer) => answer.headers.get("content-type"))`,
    );
    expect(answer).toBe("application/zip");
  }, 120_000);

  test("page: the account says that the old address is told of a change", async () => {
    await open();
    expect(await browser.view.evaluate(`document.querySelector("#email").innerText`)).toContain(
      "We'll tell your old address about the change by email.",
    );
  }, 120_000);

  test("page: deleting the account needs the password, and leads to signing in", async () => {
    const post = await upload();
    await open();
    await browser.press("Delete account", "#deletion");
    await browser.until(`document.querySelector("dialog")?.innerText.includes("This can't be undone.")`);
    await browser.fill("dialog [name=password]", "not the password");
    await browser.press("Delete account", "dialog");
    await browser.until(
      `document.querySelector("dialog .error")?.textContent === "The current password is wrong."`,
    );
    await browser.picture("account-deletion");
    expect(await statusOf(`/posts/${post}`, token)).toBe(200);
    await browser.fill("dialog [name=password]", password);
    await browser.press("Delete account", "dialog");
    await told("Your account has been deleted.");
    await browser.until(`document.querySelector("h1")?.textContent === "Sign in"`);
    expect(await statusOf("/users/me", token)).toBe(401);
  }, 120_000);

  test("page: the account of a superuser lists invitations", async () => {
    Bun.spawnSync([...command, "superuser", email], {
      env: { PATH: process.env["PATH"], DATA_DIR: dataDir },
      cwd: dataDir,
    });
    await open();
    await browser.until(`document.querySelector("#invitations")?.innerText.includes("No open invitations.")`);
  }, 120_000);

  test("page: the account fits phones, light and dark, and others find no invitations in it", async () => {
    await upload();
    await signInElsewhere(firefox);
    for (const [name, size] of Object.entries({
      phone: { width: 360, height: 740 },
      wide: { width: 1440, height: 900 },
    })) {
      await open(size);
      await browser.until(`${devices}.length >= 2 && document.querySelector(".meter")`);
      expect(await browser.view.evaluate(`document.querySelector("#invitations")`)).toBeNull();
      for (const scheme of ["light", "dark"] as const) {
        await browser.scheme(scheme);
        await browser.view.evaluate("scrollTo(0, 0)");
        await browser.picture(`account-${name}-${scheme}`);
        await browser.view.evaluate("scrollTo(0, 9999)");
        await browser.picture(`account-end-${name}-${scheme}`);
      }
      expect(await browser.view.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
      if (name === "phone") browser.close();
    }
  }, 120_000);
});

test.skipIf(!chromium)(
  "page: a changed address gets the verification email at once where verification is required",
  async () => {
    const dataDir = await mkdtemp(join(tmpdir(), "image-sharing-verified-"));
    const service = new ServiceProcess(dataDir, { DATABASE_URL: "", REQUIRE_VERIFIED_EMAIL: "true" });
    await service.start();
    try {
      Bun.spawnSync([...command, "superuser", "ada@example.com", "--password-stdin"], {
        stdin: Buffer.from(password),
        env: { PATH: process.env["PATH"], DATA_DIR: dataDir },
        cwd: dataDir,
      });
      const browser = await Browser.open(`${service.address}/`, { width: 1280, height: 800 });
      await browser.signIn("ada@example.com");
      await browser.go("#/account");
      await browser.fill("#email [name=email]", "new@example.com");
      await browser.fill("#email [name=current_password]", password);
      await browser.press("Change email");
      await browser.until(
        `document.querySelector("#notice:popover-open")?.textContent.startsWith("Email address updated. Open the link")`,
        20,
      );
      expect(
        browser.requests.filter((address) => address.endsWith("/auth/request-verify-token")),
      ).toHaveLength(1);
      await browser.press("Send the email again", "#email");
      await browser.until(
        `document.querySelector("#notice:popover-open")?.textContent === "We've emailed you a link."`,
        20,
      );
      browser.close();
    } finally {
      await service.kill();
      await rm(dataDir, { recursive: true, force: true });
    }
  },
  120_000,
);
