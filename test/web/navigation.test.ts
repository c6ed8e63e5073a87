import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Browser, chromium } from "../support/browser.ts";
import { jpegPhoto } from "../support/media-samples.ts";
import { command, ServiceProcess } from "../support/process.ts";

if (!chromium) console.log("skipped: the tests of the page's views need Chromium");

const wide = { width: 1280, height: 800 };
const phone = { width: 360, height: 740 };

describe.skipIf(!chromium)("page: views", () => {
  let dataDir: string;
  let service: ServiceProcess;
  /** The ids of the posts, newest first. */
  let ids: string[];
  let ada: string;
  let browser: Browser;
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "image-sharing-views-"));
    // On SQLite, because the command below has no other database.
    service = new ServiceProcess(dataDir, { SITE_NAME: "Family & friends", DATABASE_URL: "" });
    await service.start();
    const token = await service.signUp("ada@example.com");
    await service.fetch("/users/me", {
      method: "PATCH",
      token,
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ name: "Ada" }),
    });
    await service.signUp("bob@example.com");
    const photo = new Blob([await jpegPhoto(400, 300)]);
    for (let i = 0; i < 30; i++) {
      const form = new FormData();
      form.set("file", photo, "photo.jpg");
      form.set("caption", `Photo ${i}`);
      await service.fetch("/upload", { method: "POST", body: form, token });
    }
    const feed = await service.fetch("/feed?limit=50", { token });
    const { posts } = (await feed.json()) as { posts: { id: string; user_id: string }[] };
    ids = posts.map(({ id }) => id);
    ada = posts[0]!.user_id;
  }, 60_000);
  afterAll(async () => {
    await service.kill();
    await rm(dataDir, { recursive: true, force: true });
  });
  afterEach(() => browser.close());

  const open = async (hash = "", size = wide, email = "ada@example.com") => {
    browser = await Browser.open(`${service.address}/`, size);
    await browser.signIn(email);
    if (hash) await browser.go(hash);
  };
  const signUpSuperuser = async (email: string) => {
    await service.signUp(email);
    Bun.spawnSync([...command, "superuser", email], {
      env: { PATH: process.env["PATH"], DATA_DIR: dataDir },
      cwd: dataDir,
    });
  };
  const heading = (text: string) =>
    browser.until(`document.querySelector("main h1")?.textContent === ${JSON.stringify(text)}`, 10);
  const title = (text: string) => browser.until(`document.title === ${JSON.stringify(text)}`, 10);

  test("page: every view has a title and moves the focus to its heading", async () => {
    await open();
    await title("Family & friends – Photos and videos");
    for (const [hash, name] of [
      ["#/account", "Your account"],
      [`#/user/${ada}`, "My photos"],
      ["#/forgot", "Forgot your password?"],
      ["#/register", "Create an account"],
      ["#/nothing/here", "Page not found"],
      ["#/nothing", "Page not found"],
      ["#/admin", "For administrators"],
    ] as const) {
      await browser.go(hash);
      await heading(name);
      await title(`Family & friends – ${name}`);
      expect(await browser.view.evaluate(`document.activeElement.textContent`)).toBe(name);
    }
    await browser.picture("not-found-wide");
  }, 60_000);

  test("page: Back returns to the same place in the feed, and a link begins it anew", async () => {
    await open();
    await browser.until(`document.querySelectorAll(".post").length >= 24`);
    await browser.view.evaluate(`window.place = document.querySelectorAll(".post")[12]`);
    await browser.view.evaluate(`scrollTo(0, 700)`);
    await browser.until("scrollY === 700");
    await browser.go("#/account");
    await heading("Your account");
    expect(await browser.view.evaluate("scrollY")).toBe(0);
    await browser.view.evaluate("history.back()");
    await heading("Photos and videos");
    expect(await browser.view.evaluate("scrollY")).toBe(700);
    expect(await browser.view.evaluate("window.place.isConnected")).toBe(true);
    // The link to the view that is shown leads to its beginning.
    await browser.view.click('nav [aria-current="page"]');
    await browser.until("scrollY === 0");
    expect(await browser.view.evaluate("window.place.isConnected")).toBe(true);
    await browser.go("#/account");
    await heading("Your account");
    await browser.view.click('nav a[href="#/"]');
    await heading("Photos and videos");
    expect(await browser.view.evaluate("[scrollY, window.place.isConnected]")).toEqual([0, false]);
  }, 60_000);

  test("page: the large view has an address, Back closes it, and the feed stays where it is", async () => {
    await open();
    await browser.until(`document.querySelectorAll(".post").length >= 24`);
    await browser.view.evaluate(`scrollTo(0, 500)`);
    await browser.view.evaluate(`document.querySelectorAll(".picture")[6].click()`);
    await browser.until(`document.querySelector("dialog.lightbox img")`);
    expect(await browser.view.evaluate("location.hash")).toBe(`#/post/${ids[6]}`);
    await title("Family & friends – Photo 23");
    await browser.view.press("ArrowRight");
    await title("Family & friends – Photo 22");
    expect(await browser.view.evaluate("location.hash")).toBe(`#/post/${ids[7]}`);
    await browser.view.evaluate("history.back()");
    await browser.until(`!document.querySelector("dialog")`);
    expect(await browser.view.evaluate("[location.hash, scrollY]")).toEqual(["", 500]);
    await title("Family & friends – Photos and videos");
  }, 60_000);

  test("page: leaving the large view leads to the post that it showed last, also one far down the feed", async () => {
    await open();
    await browser.until(`document.querySelector(".post")`);
    await browser.view.evaluate(`document.querySelector(".picture").click()`);
    await title("Family & friends – Photo 29");
    for (let i = 28; i >= 2; i--) {
      await browser.until(`document.querySelector(".lightbox .next:not([hidden])")`);
      await browser.view.press("ArrowRight");
      await title(`Family & friends – Photo ${i}`);
    }
    await browser.view.press("Escape");
    await browser.until(`!document.querySelector("dialog") && location.hash === ""`);
    const tile = `document.activeElement.getBoundingClientRect()`;
    expect(await browser.view.evaluate(`document.activeElement.hash`)).toBe(`#/post/${ids[27]}`);
    expect(await browser.view.evaluate(`${tile}.bottom > 0 && ${tile}.top < innerHeight`)).toBe(true);
  }, 60_000);

  test("page: the address of the large view works after a reload, and closing it leads to the feed", async () => {
    await open(`#/post/${ids[3]}`);
    await title("Family & friends – Photo 26");
    await browser.view.reload();
    await title("Family & friends – Photo 26");
    await browser.until(`document.querySelector("dialog.lightbox img")`);
    await browser.view.press("Escape");
    await browser.until(`!document.querySelector("dialog")`);
    await browser.until(`location.hash === "#/"`);
    await browser.until(`document.querySelector(".post")`);
  }, 60_000);

  test("page: the address of a post that does not exist says so", async () => {
    await open(`#/post/${crypto.randomUUID()}`);
    await browser.until(`document.querySelector("dialog")?.innerText.includes("This post doesn't exist")`);
    await browser.go("#/post/%E0%A4%A");
    await browser.until(`document.querySelector("dialog")?.innerText.includes("This post doesn't exist")`);
  }, 60_000);

  test("page: the last line of a note in a card or the large view is never a single word", async () => {
    /** Narrows a paragraph until plain wrapping leaves one word on its last line. @returns whether the page leaves more */
    const keepsWordsTogether = (selector: string) => `(() => {
      const paragraph = document.querySelector(${JSON.stringify(selector)});
      const text = paragraph.firstChild;
      const wordsOnLastLine = () => {
        const tops = [...text.data.matchAll(/\\S+/g)].map(({ index }) => {
          const range = document.createRange();
          range.setStart(text, index);
          range.setEnd(text, index + 1);
          return range.getBoundingClientRect().top;
        });
        return tops.filter((top) => top === tops.at(-1)).length;
      };
      paragraph.style.textWrap = "wrap";
      for (let width = paragraph.clientWidth; width > 100 && wordsOnLastLine() !== 1; width--)
        paragraph.style.width = width + "px";
      const plain = wordsOnLastLine();
      paragraph.style.textWrap = "";
      return plain === 1 && wordsOnLastLine() > 1;
    })()`;
    await open(`#/post/${crypto.randomUUID()}`);
    await browser.until(`document.querySelector(".stage .message p")`);
    expect(await browser.view.evaluate(keepsWordsTogether(".stage .message p"))).toBe(true);
    browser.close();
    browser = await Browser.open(`${service.address}/#/register`, wide);
    await browser.until(`document.querySelector(".card h1 + p")`);
    expect(await browser.view.evaluate(keepsWordsTogether(".card h1 + p"))).toBe(true);
  }, 60_000);

  test("page: Back closes a dialog and stays in the view", async () => {
    await open(`#/user/${ada}`);
    await browser.until(`document.querySelector(".post")`);
    await browser.menu("Edit");
    await browser.until(`document.querySelector("dialog[open]")`);
    await browser.picture("edit-wide");
    await browser.view.evaluate("history.back()");
    await browser.until(`!document.querySelector("dialog")`);
    await heading("My photos");
    // The entry of a dialog that was closed otherwise is gone, too.
    await browser.menu("Edit");
    await browser.view.press("Escape");
    await browser.until(`!document.querySelector("dialog") && !history.state.dialog`);
    await browser.view.evaluate("history.back()");
    await heading("Photos and videos");
  }, 60_000);

  test("page: a user's view shows their posts under their name", async () => {
    await open(`#/user/${ada}`, wide, "bob@example.com");
    await heading("Ada");
    await title("Family & friends – Photos by Ada");
    await browser.until(`document.querySelectorAll(".post").length >= 24`);
    await browser.press("Share");
    await heading("Photos and videos");
    await browser.until(`document.activeElement.textContent === "Share photos or videos"`);
    await browser.view.evaluate(
      `[...document.querySelectorAll("nav a")].find((a) => a.textContent === "My photos").click()`,
    );
    await heading("My photos");
    await browser.until(`document.body.innerText.includes("No photos yet.")`);
  }, 60_000);

  test("page: the view of a user without posts has a heading, which shows superusers the name", async () => {
    const token = await service.signUp("carl@example.com");
    const { id } = (await (await service.fetch("/users/me", { token })).json()) as { id: string };
    await open(`#/user/${id}`);
    await heading("This person's photos");
    await title("Family & friends – This person's photos");
    await browser.until(`document.body.innerText.includes("No photos yet. What this person shares")`);
    browser.close();
    await signUpSuperuser("chief@example.com");
    await open(`#/user/${id}`, wide, "chief@example.com");
    await heading("carl@example.com");
    await title("Family & friends – Photos by carl@example.com");
  }, 60_000);

  test("page: the view of a user without posts looks the same whether or not there is such an account", async () => {
    const token = await service.signUp("dora@example.com");
    const { id } = (await (await service.fetch("/users/me", { token })).json()) as { id: string };
    await open();
    const shown = [];
    for (const user of [id, crypto.randomUUID()]) {
      await browser.go(`#/user/${user}`);
      await browser.until(`document.querySelector("main .status")?.textContent.startsWith("No photos yet.")`);
      shown.push(
        await browser.view.evaluate(`[document.title, document.querySelector("main").innerHTML].join()`),
      );
      expect(browser.requests.filter((url) => url.includes("/users/") && url.includes(user))).toEqual([]);
      await browser.go("#/");
      await heading("Photos and videos");
    }
    expect(shown[1]).toBe(shown[0]);
    await browser.go("#/user/not-an-id");
    await heading("Page not found");
  }, 60_000);

  test("page: your own view has its heading and its own words before you have shared anything", async () => {
    const token = await service.signUp("emil@example.com");
    const { id } = (await (await service.fetch("/users/me", { token })).json()) as { id: string };
    await open(`#/user/${id}`, phone, "emil@example.com");
    await heading("My photos");
    await title("Family & friends – My photos");
    await browser.until(
      `document.querySelector("main .status").textContent === "No photos yet. Press Share to add your first ones."`,
    );
    await browser.go(`#/user/${crypto.randomUUID()}`);
    await heading("This person's photos");
    // The service accepts an id in this form too.
    await browser.go(`#/user/${id.toUpperCase().replaceAll("-", "")}`);
    await heading("My photos");
  }, 60_000);

  test("page: the line below the header spans the page, and nothing moves when a scroll bar or the large view comes", async () => {
    await open("#/forgot");
    await browser.view.cdp("Emulation.setScrollbarsHidden", { hidden: false });
    await heading("Forgot your password?");
    const barWidth = () =>
      browser.view.evaluate(`document.querySelector(".bar").getBoundingClientRect().width`);
    /** What is left beside the bar is the scroll bar, and not an empty strip. */
    const scrollBar = `innerWidth - document.documentElement.clientWidth`;
    await browser.until(`${scrollBar} > 0`);
    const width = await barWidth();
    expect(await browser.view.evaluate("document.documentElement.clientWidth")).toBe(width);
    await browser.picture("header-short-view-wide");
    await browser.go("#/");
    await browser.until(`document.querySelectorAll(".post").length >= 24`);
    expect(await barWidth()).toBe(width);
    await browser.view.evaluate(`document.querySelector(".picture").click()`);
    await browser.until(`document.querySelector("dialog.lightbox img")`);
    expect(await barWidth()).toBe(width);
    await browser.view.press("Escape");
    await browser.until(`!document.querySelector("dialog")`);
    await browser.menu("Edit");
    await browser.until(`document.querySelector("dialog[open]")`);
    expect(await barWidth()).toBe(width);
  }, 60_000);

  test.each([
    ["en", "Choose photos or videos from this device."],
    ["de", "Wähle Fotos oder Videos vom Gerät aus."],
  ])(
    "page: beside the button for sharing, a touch screen offers no drag and drop (%s)",
    async (language, hint) => {
      browser = await Browser.open(`${service.address}/`, phone, { language });
      await browser.view.cdp("Emulation.setDeviceMetricsOverride", {
        ...phone,
        deviceScaleFactor: 1,
        mobile: true,
      });
      await browser.view.cdp("Emulation.setTouchEmulationEnabled", { enabled: true });
      await browser.signIn("ada@example.com");
      const hints = () =>
        browser.view.evaluate(
          `[...document.querySelectorAll(".panel .hint")].filter((hint) => hint.checkVisibility()).map((hint) => hint.textContent)`,
        );
      expect(await hints()).toEqual([hint]);
      await browser.view.cdp("Emulation.setTouchEmulationEnabled", { enabled: false });
      await browser.until(`!matchMedia("(pointer: coarse)").matches`);
      expect(await hints()).toEqual([
        language === "de" ? "oder irgendwo hier ablegen oder einfügen" : "or drop or paste them anywhere",
      ]);
    },
    60_000,
  );

  test("page: every entry of a menu near the end of a phone's screen can be touched, each time it opens", async () => {
    await open(`#/user/${ada}`, phone);
    await browser.until(`document.querySelector(".menu-button")`);
    const opener = `document.querySelector(".menu-button")`;
    // Without turning, the menu would end below the window, or behind the tab bar.
    for (const distance of [100, 210])
      for (let i = 0; i < 2; i++) {
        await browser.view.evaluate(
          `(({ style }) => { style.marginTop = 0; style.marginTop = innerHeight - ${opener}.getBoundingClientRect().bottom - ${distance} + "px"; })(document.querySelector(".post"))`,
        );
        await browser.view.evaluate(`${opener}.click()`);
        const canBeTouched = `({ left, right, top, bottom }, item) => item.contains(document.elementFromPoint((left + right) / 2, (top + bottom) / 2))`;
        expect(
          await browser.view.evaluate(
            `[...document.querySelectorAll("[role=menuitem]")].map((item) => (${canBeTouched})(item.getBoundingClientRect(), item))`,
          ),
        ).toEqual([true, true, true, true]);
        await browser.view.press("Escape");
      }
  }, 60_000);

  test("page: the menu of a post works with the keyboard", async () => {
    await open(`#/user/${ada}`);
    await browser.until(`document.querySelector(".post")`);
    await browser.view.evaluate(`document.querySelector(".menu-button").focus()`);
    const focused = () => browser.view.evaluate("document.activeElement.textContent");
    await browser.view.press("Enter");
    await browser.until(`document.activeElement.textContent === "Edit"`);
    await browser.picture("menu-wide");
    await browser.view.press("ArrowDown");
    expect(await focused()).toBe("Copy link");
    await browser.view.press("End");
    expect(await focused()).toBe("Delete");
    await browser.view.press("ArrowDown");
    expect(await focused()).toBe("Edit");
    await browser.view.press("Escape");
    await browser.until(`document.activeElement.className === "menu-button"`);
    expect(await browser.view.evaluate(`document.querySelector(".menu-list").hidden`)).toBe(true);
  }, 60_000);

  test("page: edits a caption, and reports somebody else's post", async () => {
    await open(`#/user/${ada}`);
    await browser.until(`document.querySelector(".post")`);
    await browser.menu("Edit");
    await browser.fill("dialog [name=caption]", "A better caption");
    await browser.press("Save");
    await browser.until(`document.querySelector(".post .caption").textContent === "A better caption"`);
    browser.close();
    await open(`#/user/${ada}`, wide, "bob@example.com");
    await browser.until(`document.querySelector(".post")`);
    await browser.menu("Report");
    await browser.fill("dialog [name=reason]", "This is me, and I did not agree.");
    await browser.view.evaluate(`document.querySelector("dialog .primary").click()`);
    await browser.until(
      `document.querySelector("#notice:popover-open")?.textContent.startsWith("Thank you.")`,
    );
  }, 60_000);

  test("page: superusers find the administration in the header", async () => {
    await signUpSuperuser("root@example.com");
    await open("", phone, "root@example.com");
    await browser.until(`document.querySelector('nav a[href="#/admin"]')`);
    await browser.view.click('nav a[href="#/admin"]');
    await heading("Admin");
    expect(
      await browser.view.evaluate(`[...document.querySelectorAll("main h2")].map((h) => h.textContent)`),
    ).toEqual(["Users", "Posts", "Reports", "Invitations"]);
    await browser.picture("admin-phone");
  }, 60_000);

  test.each(["en", "de"])(
    "page: every entry of an administrator's tab bar has 44 pixels on the narrowest phone (%s)",
    async (language) => {
      const email = `root-${language}@example.com`;
      await signUpSuperuser(email);
      browser = await Browser.open(`${service.address}/`, { width: 320, height: 640 }, { language });
      await browser.signIn(email);
      await browser.until(`document.querySelector('nav a[href="#/admin"]')`);
      await browser.picture(`tab-bar-${language}`);
      const sizes = (await browser.view.evaluate(
        `[...document.querySelectorAll("#nav > *")].map((entry) => entry.getBoundingClientRect().toJSON())`,
      )) as DOMRect[];
      expect(sizes).toHaveLength(6);
      expect(sizes.filter(({ width, height }) => width < 44 || height < 44)).toEqual([]);
      const width = await browser.view.evaluate<number>("document.documentElement.clientWidth");
      expect(sizes.filter(({ left, right }) => left < 0 || right > width)).toEqual([]);
    },
    60_000,
  );

  test("page: everything to touch has 44 pixels and nothing is wider than a phone, zoomed in or not", async () => {
    await open();
    await browser.until(`document.querySelector(".post")`);
    for (const [width, height] of [
      [360, 740],
      [320, 256],
    ]) {
      await browser.view.cdp("Emulation.setDeviceMetricsOverride", {
        width,
        height,
        deviceScaleFactor: 1,
        mobile: true,
      });
      for (const hash of ["#/", `#/user/${ada}`, "#/account", "#/forgot", "#/register", "#/nothing"]) {
        await browser.go(hash);
        await browser.until(`document.querySelector("main h1")`);
        await browser.picture(`${hash.replace(/\W+/g, "")}-${width}`);
        expect(await browser.view.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
        const small = await browser.view.evaluate(
          `[...document.querySelectorAll("button, a:not(.skip), input")].filter((e) => e.checkVisibility()).filter((e) => { const { width, height } = e.getBoundingClientRect(); return (width < 44 && !e.closest("p")) || height < 44; }).map((e) => e.outerHTML)`,
        );
        expect([hash, small]).toEqual([hash, []]);
      }
    }
  }, 60_000);
});
