// A separate process that cleans the files of a folder: `NAME`, with its type in `NAME.type`. With `prepare` as second
// argument it prepares them for storage. Prints the outcome of each and the peak memory of the process in megabytes.
import { readdir } from "node:fs/promises";
import { join } from "node:path";

import { ApiError } from "../../src/errors.ts";
import { prepareMedia } from "../../src/uploads/preparation.ts";
import { removeMetadata } from "../../src/metadata/remove-metadata.ts";
import type { MediaType } from "../../src/media-types.ts";

const [folder = "", what] = process.argv.slice(2);
const work = (path: string, type: MediaType): Promise<unknown> =>
  what === "prepare"
    ? prepareMedia({ path, type, thumbnail: true, maxImagePixels: 300_000_000 })
    : removeMetadata(path, type);
const outcomes: Record<string, string> = {};
for (const file of (await readdir(folder)).filter((name) => !name.endsWith(".type"))) {
  const type = (await Bun.file(join(folder, `${file}.type`)).text()) as MediaType;
  outcomes[file] = await work(join(folder, file), type).then(
    () => "cleaned",
    (error: unknown) => (error instanceof ApiError ? error.code : String(error)),
  );
}
// Linux only. The result of getrusage() would include the peak of the parent process.
const status = await Bun.file("/proc/self/status").text();
const peakMegabytes = Number(/VmHWM:\s*(\d+) kB/.exec(status)?.[1]) / 1024;
console.log(JSON.stringify({ outcomes, peakMegabytes }));
