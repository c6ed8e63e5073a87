import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Browser, chromium } from "../support/browser.ts";
import { aviVideo, jpegPhoto, mp4Video } from "../support/media-samples.ts";
import { ServiceProcess } from "../support/process.ts";
import { touch } from "../support/touch.ts";
import { until } from "../support/until.ts";

if (!chromium) console.log("skipped: the tests of the page's large view need Chromium");

const wide = { width: 1280, height: 800 };
const phone = { width: 360, height: 740 };
const longCaption = "We walked along the river until the rain came, and then some more. ".repeat(30).trim();

describe.skipIf(!chromium)("page: large view", () => {
  let dataDir: string;
  let service: ServiceProcess;
  let ada: string;
  let adaId: string;
  /** Ids of posts by their captions' first word. */
  const ids = new Map<string, string>();
  let browser: Browser;

  const post = async (caption: string, file: Blob, name: string, alt = "") => {
    const form = new FormData();
    form.set("file", file, name);
    form.set("caption", caption);
    form.set("alt", alt);
    const answer = await service.fetch("/upload", { method: "POST", body: form, token: ada });
    const { id } = (await answer.json()) as { id: string };
    ids.set(/\w+/.exec(caption)![0], id);
    return id;
  };
  /** Waits until the service has made the renditions of a post. */
  const processed = (id: string) =>
    until(async () => {
      const answer = await service.fetch(`/posts/${id}`, { token: ada });
      return !((await answer.json()) as { processing: boolean }).processing;
    });

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "image-sharing-large-"));
    // Without ffmpeg, an AVI stays one, which no browser plays.
    service = new ServiceProcess(dataDir, { FFMPEG: "off" });
    await service.start();
    ada = await service.signUp("ada@example.com");
    await service.signUp("bob@example.com");
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify({ name: "Ada" });
    const changed = await service.fetch("/users/me", { method: "PATCH", token: ada, headers, body });
    adaId = ((await changed.json()) as { id: string }).id;
    await post("Video", new Blob([mp4Video()]), "video.mp4");
    await post("Old video", new Blob([aviVideo()]), "old.avi");
    await post("Lake", new Blob([await jpegPhoto(900, 600)]), "lake.jpg", "A frozen lake");
    await post("Huge", new Blob([await jpegPhoto(3000, 2000)]), "huge.jpg");
    await post(longCaption, new Blob([await jpegPhoto(800, 1200)]), "walk.jpg");
    await post("Newest", new Blob([await jpegPhoto(640, 480)]), "newest.jpg");
    for (const name of ["Huge", "Old"]) await processed(ids.get(name)!);
  }, 180_000);
  afterAll(async () => {
    await service.kill();
    await rm(dataDir, { recursive: true, force: true });
  });
  afterEach(() => browser.close());

  /** Opens the large view of a post above the feed. @param name its caption's first word */
  const open = async (name: string, size = wide, email = "ada@example.com") => {
    browser = await Browser.open(`${service.address}/`, size);
    await browser.signIn(email);
    await browser.until(`document.querySelector(".post")`, 20);
    await browser.go(`#/post/${ids.get(name)}`);
    await browser.until(`document.querySelector("dialog.lightbox .stage > :not(.status)")`, 20);
  };
  const shows = (name: string) => browser.until(`location.hash === "#/post/${ids.get(name)}"`, 20);
  const loaded = (width: number) =>
    browser.until(`document.querySelector(".stage img")?.naturalWidth === ${width}`, 20);
  const scale = `new DOMMatrix(getComputedStyle(document.querySelector(".stage img")).transform).a`;
  const position = (words: string) =>
    browser.until(`document.querySelector(".position").firstChild?.data === ${JSON.stringify(words)}`, 20);

  test("large view: says the position, the whole caption, the author and the date, and announces them", async () => {
    await open("We");
    await position("2 of 6");
    const caption = `document.querySelector(".lightbox .caption")`;
    expect(await browser.view.evaluate(`${caption}.textContent`)).toBe(longCaption);
    // All of it can be scrolled to.
    const details = `document.querySelector(".lightbox .details")`;
    expect(await browser.view.evaluate(`getComputedStyle(${details}).overflowY`)).toBe("auto");
    const live = `document.querySelector('.position[aria-live="polite"]').textContent`;
    expect(await browser.view.evaluate(live)).toBe(`2 of 6 ${longCaption}`);
    const by = (await browser.view.evaluate(`document.querySelector(".lightbox .by").textContent`)) as string;
    expect(by).toMatch(/^You \w+ \d{1,2}, \d{4}, /);
    await browser.picture("large-caption-wide");
    // The author's name leads to their photos, and Back to the large view above the same feed.
    browser.close();
    await open("Lake", wide, "bob@example.com");
    await browser.view.evaluate(`window.feed = document.querySelector(".grid")`);
    await position("4 of 6");
    await browser.view.click(".lightbox .by a");
    await browser.until(`document.querySelector("main h1")?.textContent === "Ada"`, 20);
    expect(await browser.view.evaluate("location.hash")).toBe(`#/user/${adaId}`);
    await browser.view.evaluate("history.back()");
    await browser.until(`document.querySelector("dialog.lightbox")`, 20);
    expect(await browser.view.evaluate("window.feed.isConnected")).toBe(true);
    await browser.view.evaluate("history.back()");
    await browser.until(`!document.querySelector("dialog")`, 20);
    expect(await browser.view.evaluate("window.feed.isConnected")).toBe(true);
  }, 60_000);

  test("large view: the alternative text is the photo's, and the dialog's name", async () => {
    await open("Lake");
    await loaded(900);
    expect(await browser.view.evaluate(`document.querySelector(".stage img").alt`)).toBe("A frozen lake");
    const dialog = `document.querySelector("dialog.lightbox")`;
    expect(await browser.view.evaluate(`${dialog}.getAttribute("aria-label")`)).toBe("A frozen lake");
    expect(await browser.view.evaluate(`document.activeElement === ${dialog}`)).toBe(true);
  }, 60_000);

  test("large view: Back gives the focus to the post that was shown last", async () => {
    await open("Newest");
    await browser.view.press("ArrowRight");
    await shows("We");
    await browser.view.press("ArrowRight");
    await shows("Huge");
    await browser.view.press("ArrowLeft");
    await shows("We");
    await browser.view.evaluate("history.back()");
    await browser.until(`!document.querySelector("dialog")`, 20);
    expect(await browser.view.evaluate(`document.activeElement.getAttribute("href")`)).toBe(
      `#/post/${ids.get("We")}`,
    );
  }, 60_000);

  test("large view: the keyboard stays in it, and at the list's end too", async () => {
    await open("We");
    for (let presses = 0; presses < 20; presses++) {
      await browser.view.press("Tab");
      expect(await browser.view.evaluate(`document.activeElement.closest("main, header") === null`)).toBe(
        true,
      );
    }
    await browser.view.evaluate(`document.querySelector(".lightbox .previous").focus()`);
    await browser.view.press("Enter");
    await shows("Newest");
    expect(await browser.view.evaluate(`document.querySelector(".lightbox .previous").hidden`)).toBe(true);
    await browser.view.press("ArrowRight");
    await shows("We");
  }, 60_000);

  test("large view: an address opened directly finds its neighbours once the feed is loaded", async () => {
    browser = await Browser.open(`${service.address}/#/post/${ids.get("Lake")}`, wide);
    await browser.signIn("ada@example.com");
    await position("4 of 6");
    await browser.view.press("ArrowRight");
    await shows("Old");
  }, 60_000);

  test("large view: swipes on a touch screen turn to the next and the previous post", async () => {
    await open("Newest", phone);
    await loaded(640);
    await browser.picture("large-phone");
    await touch(browser, ".stage img", [
      [100, 0],
      [40, 4],
      [-60, 8],
    ]);
    await shows("We");
    await touch(browser, ".stage img", [
      [-60, 0],
      [20, 4],
      [80, 8],
    ]);
    await shows("Newest");
    // Neither a short nor a vertical movement turns, nor one beyond the first post.
    await touch(browser, ".stage img", [
      [0, 0],
      [-30, 0],
    ]);
    await touch(browser, ".stage img", [
      [0, -100],
      [-60, 100],
    ]);
    await touch(browser, ".stage img", [
      [-60, 0],
      [80, 0],
    ]);
    expect(await browser.view.evaluate("location.hash")).toBe(`#/post/${ids.get("Newest")}`);
    expect(await browser.view.evaluate(`document.querySelector(".stage img").style.transform`)).toBe("");
  }, 60_000);

  test("large view: the browser leaves swipes and pinches of a touch screen to the page", async () => {
    await open("Newest", phone);
    await loaded(640);
    await browser.view.cdp("Emulation.setTouchEmulationEnabled", { enabled: true, maxTouchPoints: 2 });
    const fingers = (type: string, ...points: [x: number, y: number][]) =>
      browser.view.cdp("Input.dispatchTouchEvent", { type, touchPoints: points.map(([x, y]) => ({ x, y })) });
    await fingers("touchStart", [280, 300]);
    for (const x of [240, 180, 120, 80]) await fingers("touchMove", [x, 304]);
    await fingers("touchEnd");
    await shows("We");
    await loaded(800);
    await fingers("touchStart", [160, 300], [200, 300]);
    for (const by of [10, 20, 40]) await fingers("touchMove", [160 - by, 300], [200 + by, 300]);
    await fingers("touchEnd");
    await browser.until(`${scale} > 2`);
  }, 60_000);

  test("large view: two fingers and double taps enlarge a photo, and one finger moves it", async () => {
    await open("Lake", phone);
    await loaded(900);
    await touch(
      browser,
      ".stage",
      [
        [-20, 0],
        [-60, 0],
      ],
      [
        [20, 0],
        [60, 0],
      ],
    );
    expect(await browser.view.evaluate(scale)).toBeCloseTo(3, 1);
    await browser.picture("large-zoomed-phone");
    // A drag moves the enlarged photo, as far as it reaches, and does not turn to another.
    await touch(browser, ".stage", [
      [0, 0],
      [-2000, 0],
    ]);
    const matrix = `new DOMMatrix(document.querySelector(".stage img").style.transform)`;
    expect(await browser.view.evaluate(`${matrix}.e + document.querySelector(".stage").clientWidth`)).toBe(0);
    expect(await browser.view.evaluate("location.hash")).toBe(`#/post/${ids.get("Lake")}`);
    await touch(browser, ".stage", [[0, 0]]);
    await touch(browser, ".stage", [[2, 2]]);
    await browser.until(`document.querySelector(".stage img").style.transform === ""`);
    await touch(browser, ".stage", [[0, 0]]);
    await touch(browser, ".stage", [[2, 2]]);
    await browser.until(`${matrix}.a === 2.5`);
    await touch(
      browser,
      ".stage",
      [
        [-200, 0],
        [-10, 0],
      ],
      [
        [200, 0],
        [10, 0],
      ],
    );
    expect(await browser.view.evaluate(`document.querySelector(".stage img").style.transform`)).toBe("");
  }, 60_000);

  test("large view: the mouse, the wheel with Control, keys and a button enlarge a photo", async () => {
    await open("Lake");
    await loaded(900);
    const transform = `document.querySelector(".stage img").style.transform`;
    const send = (event: string) =>
      browser.view.evaluate(`void document.querySelector(".stage img").dispatchEvent(${event})`);
    const at = `bubbles: true, cancelable: true, clientX: 640, clientY: 300`;
    await send(`new MouseEvent("dblclick", { ${at} })`);
    await browser.until(`${transform}.includes("scale(2.5)")`);
    await send(`new MouseEvent("dblclick", { ${at} })`);
    await browser.until(`${transform} === ""`);
    await send(`new WheelEvent("wheel", { ${at}, ctrlKey: true, deltaY: -100 })`);
    await browser.until(`${transform}.includes("scale(1.2")`);
    await send(`new WheelEvent("wheel", { ${at}, ctrlKey: true, deltaY: 100 })`);
    await browser.until(`${transform} === ""`);
    await browser.view.press("+");
    await browser.until(`${transform}.includes("scale(1.5)")`);
    // The arrows move what is enlarged.
    await browser.view.press("+");
    await browser.view.press("ArrowRight");
    await browser.until(`${transform}.startsWith("translate(-")`);
    expect(await browser.view.evaluate("location.hash")).toBe(`#/post/${ids.get("Lake")}`);
    await browser.view.press("0");
    await browser.until(`${transform} === ""`);
    await browser.view.click('button[aria-label="Zoom in"]');
    await browser.until(`document.querySelector('button[aria-label="Zoom out"]')`);
    expect(await browser.view.evaluate(transform)).toContain("scale(2.5)");
  }, 60_000);

  const requested = (name: string) => {
    const original = new RegExp(`${ids.get(name)}\\.\\w+$`);
    return browser.requests.filter((url) => original.test(url));
  };

  test("large view: loads the display size first, and the original when the user asks for it", async () => {
    await open("Huge");
    await loaded(2048);
    expect(requested("Huge")).toEqual([]);
    await browser.view.click("button.original");
    await loaded(3000);
    expect(requested("Huge")).not.toEqual([]);
    expect(await browser.view.evaluate(`document.querySelector("button.original").hidden`)).toBe(true);
  }, 60_000);

  test("large view: loads the original of a photo that is enlarged beyond the display size", async () => {
    await open("Huge");
    await loaded(2048);
    await browser.view.press("+");
    expect(requested("Huge")).toEqual([]);
    await browser.view.press("+");
    await browser.view.press("+");
    await loaded(3000);
    // The transition may only be beginning.
    await browser.until(`${scale} > 1`);
  }, 60_000);

  test("large view: loads the neighbours' display sizes, not their originals", async () => {
    await open("Lake");
    await loaded(900);
    await until(() => browser.requests.some((url) => url.includes(`${ids.get("Huge")}.display`)));
    expect(requested("Huge")).toEqual([]);
  }, 60_000);

  test("large view: plays a video until it is left, with none of the page's buttons on its controls", async () => {
    await open("Video", phone);
    await browser.until(`document.querySelector(".stage video")?.readyState >= 2`, 20);
    await browser.picture("large-video-phone");
    const covered = await browser.view.evaluate(`(() => {
      const { left, right, top, bottom } = document.querySelector("video").getBoundingClientRect();
      return [...document.querySelectorAll(".lightbox button")].filter((b) => b.checkVisibility()).filter((b) => {
        const box = b.getBoundingClientRect();
        return box.right > left && box.left < right && box.bottom > top && box.top < bottom;
      }).length;
    })()`);
    expect(covered).toBe(0);
    await browser.view.evaluate(`window.video = document.querySelector("video")`);
    await browser.view.press("Escape");
    await browser.until(`!document.querySelector("dialog") && window.video.paused && !window.video.src`);
  }, 60_000);

  test("large view: everything to touch has 44 pixels, nothing covers the photo, and all of it can be reached", async () => {
    await open("We");
    await loaded(800);
    for (const [width, height] of [
      [360, 740],
      [740, 360],
      [320, 256],
    ] as const) {
      await browser.view.cdp("Emulation.setDeviceMetricsOverride", {
        width,
        height,
        deviceScaleFactor: 1,
        mobile: true,
      });
      await browser.until(`innerWidth === ${width} && innerHeight === ${height}`);
      await browser.picture(`large-${width}x${height}`);
      const small = await browser.view.evaluate(
        `[...document.querySelectorAll(".lightbox :is(button, a)")].filter((e) => e.checkVisibility()).filter((e) => { const { width, height } = e.getBoundingClientRect(); return width < 44 || height < 44; }).map((e) => e.outerHTML)`,
      );
      expect(small).toEqual([]);
      const stage = `document.querySelector(".stage").getBoundingClientRect()`;
      expect(await browser.view.evaluate(`${stage}.height >= 150`)).toBe(true);
      const covering = await browser.view.evaluate(
        `[...document.querySelectorAll(".lightbox button")].filter((e) => e.checkVisibility()).filter((e) => { const { top, bottom } = e.getBoundingClientRect(); return bottom > ${stage}.top + 1 && top < ${stage}.bottom - 1; }).length`,
      );
      expect(covering).toBe(0);
      const dialog = `document.querySelector("dialog.lightbox")`;
      expect(await browser.view.evaluate(`${dialog}.scrollWidth <= ${dialog}.clientWidth`)).toBe(true);
      const caption = `document.querySelector(".lightbox .caption")`;
      await browser.view.evaluate(`${caption}.scrollIntoView({ block: "end" })`);
      await browser.until(`${caption}.getBoundingClientRect().bottom <= innerHeight`);
      await browser.view.evaluate(`${dialog}.scrollTo(0, 0)`);
    }
  }, 60_000);

  test("large view: says that the browser cannot play a video, and offers it for download", async () => {
    await open("Old", phone);
    await browser.until(
      `document.querySelector(".message")?.innerText.includes("can't play this video")`,
      20,
    );
    const link = `document.querySelector(".message a")`;
    expect(await browser.view.evaluate(`${link}.download`)).toBe("old.avi");
    expect(await browser.view.evaluate(`${link}.href`)).toContain(`${ids.get("Old")}.avi`);
    await browser.picture("large-cannot-play-phone");
  }, 60_000);

  test("large view: says that a post is gone, also one that the feed still shows, and leads to the feed", async () => {
    const id = await post("Going", new Blob([await jpegPhoto(500, 400)]), "going.jpg");
    await processed(id);
    await open("We", wide, "bob@example.com");
    await browser.view.cdp("Network.setCacheDisabled", { cacheDisabled: true });
    await browser.view.press("ArrowLeft");
    await shows("Newest");
    await service.fetch(`/posts/${id}`, { method: "DELETE", token: ada });
    await browser.view.press("ArrowLeft");
    await browser.until(`document.querySelector(".message")?.innerText.includes("was deleted")`, 20);
    await browser.picture("large-gone-wide");
    await browser.press("Go to the photos");
    await browser.until(`!document.querySelector("dialog")`, 20);
    expect(await browser.view.evaluate("location.hash")).toBe("");
  }, 60_000);
});
