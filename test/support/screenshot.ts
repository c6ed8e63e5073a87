// bun run screenshot: the README's picture of the page, docs/page.webp, with photos drawn by the browser.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Browser, chromium } from "./browser.ts";
import { ServiceProcess } from "./process.ts";

interface Scene {
  caption: string;
  author: string;
  /** CSS colours from the zenith to the horizon. */
  sky: string[];
  /** Place of the sun, as shares of width and height, and its colour. */
  sun: [number, number, string];
  /** CSS colours of the hills from the farthest to the nearest. */
  hills: string[];
  size: [number, number];
}

const scenes: Scene[] = [
  {
    caption: "First snow above the valley",
    author: "grandpa@example.com",
    sky: ["#5b7ea6", "#b9cfe0", "#f3ece4"],
    sun: [0.72, 0.34, "#fffaf0"],
    hills: ["#c9d8e6", "#a9bfd3", "#7f9ab3", "#eef3f7"],
    size: [1200, 900],
  },
  {
    caption: "Evening at the lake, day three",
    author: "ada@example.com",
    sky: ["#24305e", "#c0587e", "#f9b16e"],
    sun: [0.4, 0.52, "#ffe6b0"],
    hills: ["#8a5179", "#5f3c6b", "#372a50", "#1c1a35"],
    size: [1200, 800],
  },
  {
    caption: "Picnic weather at last",
    author: "mum@example.com",
    sky: ["#3f8fd6", "#8cc6ee", "#e4f4fb"],
    sun: [0.2, 0.2, "#fffbe0"],
    hills: ["#9cc3a5", "#6fae6f", "#4b9650", "#2f7a3c"],
    size: [1200, 900],
  },
  {
    caption: "Sunrise from the night train",
    author: "ada@example.com",
    sky: ["#4a4e87", "#d98c8c", "#fbe2b4"],
    sun: [0.62, 0.58, "#fff4d2"],
    hills: ["#b58a93", "#8d6f86", "#5d5273", "#383a59"],
    size: [1200, 800],
  },
  {
    caption: "The dunes were worth the walk",
    author: "mum@example.com",
    sky: ["#6aa4c8", "#cfe0e2", "#f7ead2"],
    sun: [0.8, 0.24, "#fffdf0"],
    hills: ["#e6cfa2", "#d9b47c", "#c4985e", "#a87a45"],
    size: [1200, 900],
  },
  {
    caption: "Moonlight over the ridge",
    author: "grandpa@example.com",
    sky: ["#0d1530", "#22335f", "#4d6590"],
    sun: [0.7, 0.25, "#f4f1de"],
    hills: ["#344a75", "#253759", "#182640", "#0d1729"],
    size: [1200, 800],
  },
];

/** Runs in the browser. @returns a JPEG of the scene in base64 */
function draw({ sky, sun, hills, size: [width, height] }: Scene, seed: number): string {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d")!;
  const gradient = context.createLinearGradient(0, 0, 0, height * 0.8);
  sky.forEach((colour, i) => gradient.addColorStop(i / (sky.length - 1), colour));
  context.fillStyle = gradient;
  context.fillRect(0, 0, width, height);
  const [x, y, light] = [width * sun[0], height * sun[1], sun[2]];
  const glow = context.createRadialGradient(x, y, 0, x, y, height * 0.45);
  glow.addColorStop(0, `${light}ff`);
  glow.addColorStop(0.13, `${light}ee`);
  glow.addColorStop(0.16, `${light}55`);
  glow.addColorStop(1, `${light}00`);
  context.fillStyle = glow;
  context.fillRect(0, 0, width, height);
  hills.forEach((colour, i) => {
    context.fillStyle = colour;
    context.beginPath();
    context.moveTo(0, height);
    for (let column = 0; column <= width; column += 4) {
      const along = column / width;
      const wave = [1, 2.3, 5.1].reduce(
        (sum, pace, k) => sum + Math.sin(along * 6 * pace + seed * (k + 1.7) + i * 2.1) / (k * 2 + 1),
        0,
      );
      context.lineTo(column, height * (0.56 + i * 0.11) - wave * height * 0.055);
    }
    context.lineTo(width, height);
    context.fill();
  });
  return canvas.toDataURL("image/jpeg", 0.9).split(",")[1]!;
}

/** @returns an access token of an account that has the name of its address */
async function signUp(service: ServiceProcess, email: string): Promise<string> {
  const token = await service.signUp(email);
  const name = email.charAt(0).toUpperCase() + email.slice(1, email.indexOf("@"));
  const headers = { "content-type": "application/json" };
  await service.fetch("/users/me", { method: "PATCH", token, headers, body: JSON.stringify({ name }) });
  return token;
}

async function main(): Promise<void> {
  if (!chromium) throw new Error("The screenshot needs Chromium.");
  const dataDir = await mkdtemp(join(tmpdir(), "image-sharing-screenshot-"));
  const service = new ServiceProcess(dataDir);
  try {
    await service.start();
    const browser = await Browser.open(service.address, { width: 940, height: 850 });
    const tokens = new Map<string, string>();
    for (const [i, scene] of scenes.entries()) {
      const { author, caption } = scene;
      const token = tokens.get(author) ?? (await signUp(service, author));
      tokens.set(author, token);
      const photo = await browser.view.evaluate(`(${draw.toString()})(${JSON.stringify(scene)}, ${i})`);
      const form = new FormData();
      form.set("file", new Blob([Buffer.from(photo as string, "base64")]), "photo.jpg");
      form.set("caption", caption);
      const upload = await service.fetch("/upload", { method: "POST", body: form, token });
      if (!upload.ok) throw new Error(`The upload was answered ${upload.status}.`);
    }
    await browser.scheme("light");
    await browser.signIn("ada@example.com");
    await browser.until(`document.querySelectorAll(".post img").length === ${scenes.length}`);
    // A loaded image may still be decoded, and a decoded one still be painted.
    await browser.view.evaluate(
      `void Promise.all([...document.querySelectorAll(".post img")].map((image) => image.decode()))
        .then(() => requestAnimationFrame(() => requestAnimationFrame(() => (window.isPainted = true))))`,
    );
    await browser.until(`window.isPainted === true`);
    const picture = await browser.view.screenshot({ format: "webp", quality: 78 });
    await Bun.write(join(import.meta.dir, "../../docs/page.webp"), picture);
    browser.close();
  } finally {
    await service.kill();
    await rm(dataDir, { recursive: true, force: true });
  }
}

await main();
