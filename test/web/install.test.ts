import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { readConfig } from "../../src/config/config.ts";
import { webRoutes } from "../../src/web/routes.ts";
import { Browser, chromium } from "../support/browser.ts";
import { jpegPhoto } from "../support/media-samples.ts";
import { onFreePort } from "../support/free-port.ts";
import { ServiceProcess } from "../support/process.ts";

if (!chromium) console.log("skipped: the tests of the installed page need Chromium");

const get = (path: string) =>
  webRoutes({ config: readConfig({ SITE_NAME: "Ann & Bob" }) }).handle(
    new Request(`http://localhost/${path}`),
  );

/** Width and height of a PNG (https://www.w3.org/TR/png-3/#11IHDR). */
const pngSize = (file: Buffer) => `${file.readUInt32BE(16)}x${file.readUInt32BE(20)}`;

test("page: the manifest has the site's name and icons of the sizes and types that it says", async () => {
  const answer = await get("manifest.webmanifest");
  expect(answer.headers.get("content-type")).toBe("application/manifest+json");
  const manifest = (await answer.json()) as {
    name: string;
    start_url: string;
    icons: { src: string; sizes: string; type: string; purpose?: string }[];
  };
  expect(manifest).toMatchObject({ name: "Ann & Bob", start_url: "./", scope: "./", display: "standalone" });
  expect(manifest).toMatchObject({ share_target: { action: "./share", method: "POST" } });
  for (const { src, sizes, type } of manifest.icons) {
    const icon = await get(src);
    expect([icon.status, icon.headers.get("content-type")]).toEqual([200, type]);
    if (type === "image/png") expect(pngSize(Buffer.from(await icon.bytes()))).toBe(sizes);
  }
  expect(manifest.icons.map(({ purpose }) => purpose)).toContain("maskable");
});

test("page: /favicon.ico is an icon", async () => {
  const answer = await get("favicon.ico");
  expect(answer.headers.get("content-type")).toBe("image/x-icon");
  const file = Buffer.from(await answer.bytes());
  expect(file.readUInt16LE(2)).toBe(1);
  expect(pngSize(file.subarray(file.readUInt32LE(18)))).toBe("32x32");
});

test.skipIf(!chromium)(
  "page: installed below a path prefix, takes files from the share sheet and opens without a connection",
  async () => {
    const dataDir = await mkdtemp(join(tmpdir(), "image-sharing-worker-"));
    const service = await onFreePort(async (port) => {
      const PUBLIC_URL = `http://127.0.0.1:${port}/photos`;
      const started = new ServiceProcess(dataDir, { PORT: String(port), PUBLIC_URL, SITE_NAME: "Family" });
      await started.start();
      return started;
    });
    try {
      await service.signUp("ada@example.com");
      await Bun.write(join(dataDir, "shared.jpg"), await jpegPhoto(120, 90));
      const browser = await Browser.open(`${service.address}/photos`, { width: 1280, height: 800 });
      await browser.until(`document.querySelector("h1")?.textContent === "Sign in"`);
      const { errors, url, data } = (await browser.view.cdp("Page.getAppManifest")) as {
        errors: unknown[];
        url: string;
        data: string;
      };
      expect(errors).toEqual([]);
      expect(new URL(url).pathname).toBe("/photos/manifest.webmanifest");
      expect(JSON.parse(data).name).toBe("Family");
      const problems = (await browser.view.cdp("Page.getInstallabilityErrors")) as {
        installabilityErrors: { errorId: string }[];
      };
      expect(problems.installabilityErrors.filter(({ errorId }) => errorId !== "in-incognito")).toEqual([]);
      // The scope of the service worker begins with the slash.
      await browser.view.navigate(`${service.address}/photos/`);
      await browser.view.evaluate(
        `void navigator.serviceWorker.ready.then(({ active }) => (window.worker = active))`,
      );
      await browser.until("window.worker?.state === 'activated'", 20);

      /** Sends a form as the share sheet does. */
      const share = async () => {
        await browser.view.evaluate(`void (() => {
          const form = Object.assign(document.createElement("form"), { action: "/photos/share", method: "POST", enctype: "multipart/form-data" });
          form.append(Object.assign(document.createElement("input"), { type: "file", name: "files", id: "sheet", multiple: true }));
          document.body.append(form);
        })()`);
        await browser.choose("#sheet", [join(dataDir, "shared.jpg")]);
        await browser.view.evaluate(`document.querySelector("form[action]").submit()`);
        await browser.until(`location.hash === "#/" && !document.querySelector("#sheet")`, 20);
      };
      const rows = `document.querySelectorAll(".uploads li").length`;
      await share();
      await browser.until(
        `document.querySelector("#notice:popover-open")?.textContent === "Sign in to share 1 file."`,
        20,
      );
      await browser.fill("input[name=email]", "ada@example.com");
      await browser.fill("input[name=password]", "correct horse battery");
      await browser.view.press("Enter");
      await browser.until(
        `${rows} === 1 && document.querySelector(".uploads").innerText.includes("shared.jpg")`,
      );
      await share();
      await browser.until(
        `${rows} === 1 && document.querySelector(".uploads img")?.naturalWidth === 120`,
        20,
      );
      // A reload discards the drafts.
      await browser.view.reload();
      await browser.until(`document.body.innerText.includes("Nothing here yet")`, 20);
      expect(await browser.view.evaluate(rows)).toBe(0);

      await service.kill();
      await browser.view.reload();
      await browser.until(
        `document.querySelector("[role=alert]")?.innerText.includes("No connection. Check your network and try again.")`,
        20,
      );
      await browser.picture("offline-wide");
      await service.start();
      await browser.press("Try again");
      await browser.until(`document.body.innerText.includes("Nothing here yet")`, 20);
      // Only the page is stored.
      const kept = await browser.view.evaluate(
        `caches.keys().then(([name]) => caches.open(name)).then((cache) => cache.keys()).then((keys) => keys.map(({ url }) => new URL(url).pathname))`,
      );
      expect(kept).toEqual([
        "/photos/",
        expect.stringMatching(/^\/photos\/assets\/page-\w+\.js$/),
        expect.stringMatching(/^\/photos\/assets\/page-\w+\.css$/),
        "/photos/assets/icon.svg",
      ]);
      browser.close();
    } finally {
      await service.kill();
      await rm(dataDir, { recursive: true, force: true });
    }
  },
  120_000,
);
