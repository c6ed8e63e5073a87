// A macro: runs while the program is bundled or transpiled, and embeds the page in the executable.
import { join } from "node:path";

/** Returns the page's script and style sheet, each bundled and minified. */
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
