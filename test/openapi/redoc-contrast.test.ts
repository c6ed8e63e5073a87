import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Browser, chromium } from "../support/browser.ts";
import { ServiceProcess } from "../support/process.ts";

if (!chromium) console.log("skipped: the test of ReDoc's colours needs Chromium");

/** Runs in the page: returns texts whose contrast is less than `least` (WCAG 2.2, 1.4.3). */
function faintTexts(least: number): string[] {
  type Colour = [number, number, number, number];
  const parse = (text: string) => {
    const [red = 0, green = 0, blue = 0, alpha = 1] = (text.match(/[\d.]+/g) ?? []).map(Number);
    return [red, green, blue, alpha] as Colour;
  };
  const over = (front: Colour, back: Colour) =>
    front.map((part, i) => (i === 3 ? 1 : part * front[3] + (back[i] ?? 0) * (1 - front[3]))) as Colour;
  const behind = (element: Element | null): Colour =>
    element
      ? over(parse(getComputedStyle(element).backgroundColor), behind(element.parentElement))
      : [255, 255, 255, 1];
  const luminance = (colour: Colour) => {
    const [red = 0, green = 0, blue = 0] = colour.map((part) =>
      part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4,
    );
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  return [...document.querySelectorAll("#redoc *")]
    .filter((element) => element.checkVisibility() && element.tagName !== "STYLE")
    .filter((element) =>
      [...element.childNodes].some((node) => node.nodeType === 3 && node.nodeValue?.trim()),
    )
    .filter((element) => {
      const back = behind(element);
      const lights = [luminance(over(parse(getComputedStyle(element).color), back)), luminance(back)];
      return (Math.max(...lights) + 0.05) / (Math.min(...lights) + 0.05) < least;
    })
    .map((element) => element.textContent?.slice(0, 40) ?? "");
}

test.skipIf(!chromium)(
  "ReDoc: has sufficient contrast in dark mode",
  async () => {
    const service = new ServiceProcess(await mkdtemp(join(tmpdir(), "image-sharing-redoc-")));
    await service.start();
    const browser = await Browser.open("about:blank", { width: 1280, height: 800 });
    try {
      await browser.scheme("dark");
      await browser.view.navigate(`${service.address}/redoc`);
      await browser.until(`document.querySelector("#redoc h5")`);
      const faint = async (least: number) =>
        (await browser.view.evaluate(`(${faintTexts.toString()})(${least})`)) as string[];
      expect(await faint(100)).not.toBeEmpty();
      expect(await faint(3.5)).toEqual([]);
    } finally {
      browser.close();
      await service.kill();
      await rm(service.dataDir, { recursive: true, force: true });
    }
  },
  60_000,
);
