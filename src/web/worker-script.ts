import { scriptPath, stylePath } from "./assets.ts";
import { shareTarget } from "./manifest.ts";
import text from "./service-worker.js" with { type: "text" };

/** What the page needs to open without a connection, relative to it. */
const files = ["./", scriptPath, stylePath, "assets/icon.svg"];

/**
 * Returns the service worker of the page.
 * @param pages the HTML in every language: browsers replace the worker when it changes, or the names of the assets in it
 */
export function serviceWorker(pages: readonly string[]): string {
  const constants = { version: Bun.hash(pages.join()).toString(36), files, shareTarget };
  const lines = Object.entries(constants).map(
    ([name, value]) => `const ${name} = ${JSON.stringify(value)};\n`,
  );
  return lines.join("") + text;
}
