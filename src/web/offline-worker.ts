import { scriptPath, stylePath } from "./assets.ts";
import text from "./service-worker.js" with { type: "text" };

/** What the page needs to appear without a connection, relative to it. */
const files = ["./", scriptPath, stylePath, "assets/icon.svg"];

/**
 * Returns the service worker of the page.
 * @param page the HTML, which decides with the assets' names when browsers replace the worker
 */
export const offlineWorker = (page: string): string =>
  `const version = ${JSON.stringify(Bun.hash(page).toString(36))};\nconst files = ${JSON.stringify(files)};\n${text}`;
