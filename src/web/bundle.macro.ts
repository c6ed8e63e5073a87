// Runs when the program is bundled (or transpiled): the page becomes part of it, so that one executable needs no folder.
import { join } from "node:path";

/** The page's script and style, each bundled into one minified text. */
export function bundledPage(): { script: string; style: string } {
  return { script: bundle("page/main.ts"), style: bundle("page/style.css") };
}

function bundle(entry: string): string {
  const { stdout, stderr, exitCode } = Bun.spawnSync([
    process.execPath,
    "build",
    "--minify",
    "--target=browser",
    join(import.meta.dir, entry),
  ]);
  if (exitCode !== 0) throw new Error(`cannot bundle ${entry}: ${stderr.toString()}`);
  return stdout.toString();
}
