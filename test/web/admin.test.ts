// Long: a browser takes minutes for it beside other tests.
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { version } from "../../package.json";
import { Browser, chromium } from "../support/browser.ts";
import { jpegPhoto } from "../support/media-samples.ts";
import { command, ServiceProcess } from "../support/process.ts";
import { startSmtpSink, type SmtpSink } from "../support/smtp-sink.ts";

if (!chromium) console.log("skipped: the tests of the administration in the page need Chromium");

const wide = { width: 1440, height: 900 };
const phone = { width: 360, height: 740 };

describe.skipIf(!chromium)("page: administration", () => {
  let dataDir: string;
  let service: ServiceProcess;
  let ada: string;
  let browser: Browser;
  let sink: SmtpSink;
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "image-sharing-admin-"));
    // On SQLite, because the command below has no other database.
    sink = startSmtpSink();
    service = new ServiceProcess(dataDir, { DATABASE_URL: "", MAIL_URL: sink.url });
    await service.start();
    ada = await service.signUp("ada@example.com");
    await change(ada, { name: "Ada Lovelace" });
    await service.signUp("root@example.com");
    Bun.spawnSync([...command, "superuser", "root@example.com"], {
      env: { PATH: process.env["PATH"], DATA_DIR: dataDir },
      cwd: dataDir,
    });
  }, 120_000);
  afterAll(async () => {
    await service.kill();
    await sink[Symbol.asyncDispose]();
    await rm(dataDir, { recursive: true, force: true });
  });
  afterEach(() => browser.close());

  const sendJson = (path: string, token: string, method: string, body: object) =>
    service.fetch(path, {
      method,
      token,
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  const change = (token: string, changes: object) => sendJson("/users/me", token, "PATCH", changes);
  const upload = async (token: string, caption: string): Promise<string> => {
    const form = new FormData();
    form.set("file", new Blob([await jpegPhoto(400, 300)]), "photo.jpg");
    form.set("caption", caption);
    const answer = await service.fetch("/upload", { method: "POST", body: form, token });
    return ((await answer.json()) as { id: string }).id;
  };
  const statusOf = async (path: string, token: string) => (await service.fetch(path, { token })).status;
  const open = async (size = wide, email = "root@example.com") => {
    browser = await Browser.open(`${service.address}/`, size);
    await browser.signIn(email);
    await browser.go("#/admin");
  };
  /** An expression for the row of a part of the page that has this text. */
  const row = (part: string, words: string) =>
    `[...document.querySelectorAll("#admin-${part} .rows > li")].find((row) => row.innerText.includes(${JSON.stringify(words)}))`;
  const told = (words: string) =>
    browser.until(
      `document.querySelector("#notice:popover-open")?.textContent.startsWith(${JSON.stringify(words)})`,
    );
  /** Without the permission to use the clipboard, the link is shown. */
  const linkIsHandedOver = `document.querySelector("dialog input[readonly]")?.value.includes("#/register?invitation=") || document.querySelector("#notice:popover-open")?.textContent === "Link copied."`;
  /** Chooses an entry of the menu of the account with this name or address. */
  const choose = async (who: string, entry: string) => {
    await browser.until(row("users", who));
    await browser.view.evaluate(`${row("users", who)}.querySelector(".menu-button").click()`);
    const item = `[...document.querySelectorAll("[role=menuitem]")].find((item) => item.checkVisibility() && item.textContent === ${JSON.stringify(entry)})`;
    await browser.until(item);
    await browser.view.evaluate(`${item}.click()`);
  };

  test("page: administration says that it is not for users without the right", async () => {
    await open(wide, "ada@example.com");
    await browser.until(`document.querySelector("main h1")?.textContent === "For administrators"`);
    expect(await browser.text()).toContain("Only administrators can open this page.");
    expect(browser.requests.filter((address) => /\/(users\?|reports|invitations)/.test(address))).toEqual([]);
  }, 120_000);

  test("page: administration shows health, version and the storage used by everybody", async () => {
    await upload(ada, "For the sum");
    await open();
    const facts = `document.querySelector(".facts").innerText`;
    await browser.until(`${facts}.includes("Working") && !${facts}.includes("…")`, 20);
    expect(await browser.view.evaluate(facts)).toContain(version);
    expect(await browser.view.evaluate(facts)).toMatch(/\d (byte|kB|MB)/);
  }, 120_000);

  test("page: administration finds accounts by name and by address while one types", async () => {
    await open();
    await browser.until(row("users", "root@example.com"));
    for (const [typed, found] of [
      ["lovelace", "ada@example.com"],
      ["root@", "root@example.com"],
    ] as const) {
      await browser.fill("#admin-users input", typed);
      await browser.until(
        `document.querySelectorAll("#admin-users .rows > li").length === 1 && ${row("users", found)}`,
      );
    }
    await browser.fill("#admin-users input", "nobody has this name");
    await browser.until(`document.querySelector("#admin-users").innerText.includes("No users found.")`);
  }, 120_000);

  test("page: administration shows every account in pages", async () => {
    // More at once would overflow the queue of password hashes.
    for (let batch = 0; batch < 3; batch++)
      await Promise.all(
        Array.from({ length: 7 }, (_, i) => service.signUp(`member-${7 * batch + i}@example.com`)),
      );
    await open();
    await browser.until(`document.querySelectorAll("#admin-users .rows > li").length === 20`);
    expect(await browser.view.evaluate(`Boolean(${row("users", "Ada Lovelace")})`)).toBe(false);
    await browser.view.evaluate(
      `[...document.querySelectorAll("#admin-users button")].find((b) => b.textContent === "Show more").focus()`,
    );
    await browser.press("Show more", "#admin-users");
    await browser.until(row("users", "Ada Lovelace"));
    await browser.until(`document.querySelectorAll("#admin-users .rows > li").length >= 23`);
    // The button is gone; the focus is on what it has shown.
    await browser.until(`document.activeElement.closest("#admin-users li")`);
  }, 120_000);

  test("page: administration deactivates an account and reactivates it", async () => {
    const token = await service.signUp("dora@example.com");
    await open();
    await choose("dora@example.com", "Deactivate");
    await told("dora@example.com is signed out everywhere");
    await browser.until(`${row("users", "dora@example.com")}.innerText.includes("Deactivated")`);
    expect(await statusOf("/users/me", token)).toBe(401);
    await choose("dora@example.com", "Reactivate");
    await told("dora@example.com can sign in again");
    await browser.until(`!${row("users", "dora@example.com")}.innerText.includes("Deactivated")`);
  }, 120_000);

  test("page: administration makes an account an administrator once that is confirmed", async () => {
    const token = await service.signUp("emil@example.com");
    await open();
    await choose("emil@example.com", "Make administrator");
    await browser.press("Cancel", "dialog");
    await browser.until(`!document.querySelector("dialog")`);
    expect(await statusOf("/reports", token)).toBe(403);
    await choose("emil@example.com", "Make administrator");
    await browser.press("Make administrator", "dialog");
    await browser.until(`${row("users", "emil@example.com")}.innerText.includes("Administrator")`);
    expect(await statusOf("/reports", token)).toBe(200);
  }, 120_000);

  test("page: administration deletes an account once that is confirmed, and keeps the focus in the list", async () => {
    const token = await service.signUp("fred@example.com");
    await open();
    await choose("fred@example.com", "Delete");
    await browser.press("Delete", "dialog");
    await told("Deleted.");
    await browser.until(`!${row("users", "fred@example.com")}`);
    expect(await statusOf("/users/me", token)).toBe(401);
    expect(await browser.view.evaluate(`document.activeElement.closest("section")?.id`)).toBe("admin-users");
  }, 120_000);

  test("page: administration offers no action on the account that uses it", async () => {
    await open();
    await browser.fill("#admin-users input", "root@");
    await browser.until(`document.querySelectorAll("#admin-users .rows > li").length === 1`);
    expect(
      await browser.view.evaluate(
        `[${row("users", "root@")}.innerText.includes("You"), document.querySelectorAll("#admin-users li button").length]`,
      ),
    ).toEqual([true, 0]);
  }, 120_000);

  test("page: administration deletes a post, and shows its large view above the list", async () => {
    const id = await upload(ada, "A post to delete");
    await open();
    await browser.until(row("posts", "A post to delete"));
    await browser.view.evaluate(`${row("posts", "A post to delete")}.querySelector(".thumbnail").click()`);
    await browser.until(`document.querySelector("dialog.lightbox")`);
    await browser.view.evaluate("history.back()");
    await browser.until(`!document.querySelector("dialog") && location.hash === "#/admin"`);
    await browser.view.evaluate(`${row("posts", "A post to delete")}.querySelector(".danger").click()`);
    await browser.press("Delete", "dialog");
    await told("Deleted.");
    await browser.until(`!${row("posts", "A post to delete")}`);
    expect(await statusOf(`/posts/${id}`, ada)).toBe(404);
  }, 120_000);

  test("page: administration dismisses a report, and deletes a reported post with all its reports", async () => {
    const [harmless, bad] = [await upload(ada, "Harmless"), await upload(ada, "Bad")];
    const reporter = await service.signUp("gina@example.com");
    await sendJson(`/posts/${harmless}/reports`, reporter, "POST", { reason: "I do not like it." });
    await sendJson(`/posts/${bad}/reports`, reporter, "POST", { reason: "That is my photo." });
    await sendJson(`/posts/${bad}/reports`, ada, "POST", { reason: "A mistake." });
    await open();
    await browser.until(row("reports", "I do not like it."));
    const shown = await browser.view.evaluate(`${row("reports", "I do not like it.")}.innerText`);
    for (const words of ["Reported by gina@example.com", "Ada Lovelace", "Harmless"])
      expect(shown).toContain(words);
    expect(
      await browser.view.evaluate(`Boolean(${row("reports", "I do not like it.")}.querySelector("img"))`),
    ).toBe(true);
    await browser.view.evaluate(
      `document.querySelector("#admin-reports").scrollIntoView({ block: "center" })`,
    );
    await browser.picture("admin-reports-wide");
    await browser.view.evaluate(`${row("reports", "I do not like it.")}.querySelector("button").click()`);
    await told("Report dismissed.");
    await browser.until(`!${row("reports", "I do not like it.")}`);
    expect(await statusOf(`/posts/${harmless}`, ada)).toBe(200);
    await browser.view.evaluate(`${row("reports", "That is my photo.")}.querySelector(".danger").click()`);
    await browser.press("Delete", "dialog");
    await browser.until(`document.querySelector("#admin-reports").innerText.includes("No open reports.")`);
    await browser.until(`!${row("posts", "Bad")}`);
    expect(await statusOf(`/posts/${bad}`, ada)).toBe(404);
  }, 120_000);

  test("page: administration invites, copies the link and withdraws the invitation", async () => {
    await open();
    await browser.press("Invite people", "#admin-invitations");
    await browser.fill("dialog [name=email]", "guest@example.com");
    await browser.fill("dialog [name=uses]", "1");
    await browser.picture("invite-wide");
    await browser.press("Create invitation");
    await told("We've emailed the invitation to guest@example.com.");
    await browser.until(row("invitations", "For guest@example.com"));
    expect(await browser.view.evaluate(`${row("invitations", "guest@")}.innerText`)).toContain(
      "1 account left",
    );
    await browser.press("Invite people", "#admin-invitations");
    await browser.fill("dialog [name=uses]", "3");
    await browser.press("Create invitation");
    await browser.until(row("invitations", "3 accounts left"));
    await browser.until(linkIsHandedOver);
    await browser.view.evaluate(`document.querySelector("dialog")?.close()`);
    await browser.until(`!document.querySelector("dialog")`);
    await browser.view.evaluate(
      `[...${row("invitations", "For guest@")}.querySelectorAll("button")].at(-1).click()`,
    );
    await told("The invitation no longer works.");
    await browser.until(`!${row("invitations", "For guest@")}`);
  }, 120_000);

  test("page: administration hands over the link of an invitation for an address where no mail server is set up", async () => {
    await service.kill();
    service = new ServiceProcess(dataDir, { DATABASE_URL: "" });
    await service.start();
    await open();
    await browser.press("Invite people", "#admin-invitations");
    await browser.fill("dialog [name=email]", "friend@example.com");
    expect(await browser.text()).toContain("Only this address can use the link. Send it yourself.");
    await browser.press("Create invitation");
    await browser.until(row("invitations", "For friend@example.com"));
    await browser.until(linkIsHandedOver);
  }, 120_000);

  test("page: administration fits phones, light and dark", async () => {
    await upload(ada, "A caption that is too long for the width of a phone, so that it must end somewhere");
    for (const size of [phone, wide]) {
      await open(size);
      const width = size === phone ? "phone" : "wide";
      await browser.until(
        `document.querySelector("#admin-posts .rows > li") && !document.body.innerText.includes("Loading")`,
      );
      for (const scheme of ["light", "dark"] as const) {
        await browser.scheme(scheme);
        await browser.view.evaluate("scrollTo(0, 0)");
        await browser.picture(`admin-${width}-${scheme}`);
        await browser.press("Posts", "nav");
        await browser.picture(`admin-posts-${width}-${scheme}`);
      }
      expect(await browser.view.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
      const small = await browser.view.evaluate(
        `[...document.querySelectorAll("main button, main a, main input")].filter((e) => e.checkVisibility()).filter((e) => e.getBoundingClientRect().height < 44).map((e) => e.outerHTML)`,
      );
      expect(small).toEqual([]);
      expect(browser.errors.filter((error) => !/status of 401/.test(error))).toEqual([]);
      if (size === phone) browser.close();
    }
  }, 120_000);
});
