// bun run icons: the icons of the page that are no vector graphics, from src/web/icon.svg, drawn by the browser.
import { join } from "node:path";

import { Browser, chromium } from "./browser.ts";

const web = join(import.meta.dir, "../../src/web");

/** Runs in the browser. @returns a PNG of the SVG in base64 */
async function draw(svg: string, size: number): Promise<string> {
  const image = new Image();
  image.src = `data:image/svg+xml,${encodeURIComponent(svg)}`;
  await image.decode();
  const canvas = Object.assign(document.createElement("canvas"), { width: size, height: size });
  canvas.getContext("2d")!.drawImage(image, 0, 0, size, size);
  return canvas.toDataURL("image/png").split(",")[1]!;
}

/**
 * Fills the whole square and keeps the drawing in the circle that every mask shows
 * (https://www.w3.org/TR/appmanifest/#icon-masks).
 */
const maskable = (svg: string): string =>
  svg
    .replace(/ rx="\d+"/, "")
    .replace(/(<rect[^>]*>)(.*)<\/svg>/, '$1<g transform="translate(4.8 4.8) scale(0.7)">$2</g></svg>');

/** An icon file with one PNG of 32 × 32 pixels (https://learn.microsoft.com/previous-versions/ms997538). */
function toIco(png: Buffer): Buffer {
  const header = Buffer.alloc(22);
  header.writeUInt16LE(1, 2);
  header.writeUInt16LE(1, 4);
  header.writeUInt8(32, 6);
  header.writeUInt8(32, 7);
  header.writeUInt16LE(1, 10);
  header.writeUInt16LE(32, 12);
  header.writeUInt32LE(png.length, 14);
  header.writeUInt32LE(header.length, 18);
  return Buffer.concat([header, png]);
}

if (!chromium) throw new Error("The icons need Chromium.");
const svg = await Bun.file(join(web, "icon.svg")).text();
const browser = await Browser.open("about:blank", { width: 100, height: 100 }, { asAnotherTab: true });
const png = async (source: string, size: number) => {
  const call = `(${draw.toString()})(${JSON.stringify(source)}, ${size})`;
  return Buffer.from((await browser.view.evaluate(call)) as string, "base64");
};
await Bun.write(join(web, "icons/icon-192.png"), await png(svg, 192));
await Bun.write(join(web, "icons/icon-512.png"), await png(svg, 512));
await Bun.write(join(web, "icons/maskable-512.png"), await png(maskable(svg), 512));
await Bun.write(join(web, "icons/favicon.ico"), toIco(await png(svg, 32)));
browser.close();
