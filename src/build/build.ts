// bun run build [--commit NAME]: the executable for this machine.
// bun run release [--commit NAME]: one for every platform, and this version's entry in the changelog.
// Both write the executables and their checksums to dist/, or to the folder named with --outdir.
import { mkdir, rm } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";

import { version } from "../../package.json";
import { changelogEntry } from "./changelog.ts";

/** Platforms, as Bun names them. */
const platforms = [
  "linux-x64",
  "linux-arm64",
  "linux-x64-musl",
  "linux-arm64-musl",
  "darwin-x64",
  "darwin-arm64",
  "windows-x64",
] as const;

const root = join(import.meta.dir, "../..");

/**
 * Builds one executable. Identifiers are not renamed (no `--minify`), because Elysia reads the source of handlers.
 * The executable ignores a bunfig.toml in its working folder, and reads .env itself.
 * @param target a platform; undefined for this machine
 * @returns the file's path; undefined if the build failed, after Bun printed the reason
 */
async function build(
  outdir: string,
  target: string | undefined,
  commit: string,
): Promise<string | undefined> {
  const name = ["image-sharing", ...(target ? [target] : [])].join("-");
  const outfile = join(outdir, target?.startsWith("windows") ? `${name}.exe` : name);
  const { exited } = Bun.spawn(
    [
      process.execPath,
      "build",
      join(root, "src/main.ts"),
      "--compile",
      "--minify-whitespace",
      "--minify-syntax",
      "--bytecode",
      "--no-compile-autoload-bunfig",
      "--no-compile-autoload-dotenv",
      `--outfile=${outfile}`,
      ...(target ? [`--target=bun-${target}`] : []),
      ...(commit ? [`--define=BUILD_COMMIT=${JSON.stringify(commit)}`] : []),
    ],
    { cwd: root, stdout: "inherit", stderr: "inherit" },
  );
  return (await exited) === 0 ? outfile : undefined;
}

/** The commit of the working tree; empty without a repository or without git. */
function currentCommit(): string {
  if (!Bun.which("git")) return "";
  const { stdout, success } = Bun.spawnSync(["git", "describe", "--always", "--dirty", "--exclude=*"], {
    cwd: root,
    stderr: "ignore",
  });
  return success ? stdout.toString().trim() : "";
}

/** A line in the format of `sha256sum --check`. */
async function checksumLine(path: string): Promise<string> {
  const hash = new Bun.CryptoHasher("sha256");
  for await (const chunk of Bun.file(path).stream()) hash.update(chunk);
  return `${hash.digest("hex")}  ${basename(path)}\n`;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { release: { type: "boolean" }, commit: { type: "string" }, outdir: { type: "string" } },
  });
  const commit = values.commit ?? currentCommit();
  const outdir = values.outdir === undefined ? join(root, "dist") : resolve(values.outdir);
  const checksums = join(outdir, "SHA256SUMS");
  await mkdir(outdir, { recursive: true });
  await rm(checksums, { force: true });
  if (values.release) {
    const changelog = await Bun.file(join(root, "CHANGELOG.md")).text();
    await Bun.write(join(outdir, "CHANGES.md"), changelogEntry(changelog, version));
  }

  let sums = "";
  const missing: string[] = [];
  for (const target of values.release ? platforms : [undefined]) {
    const path = await build(outdir, target, commit);
    if (path) sums += await checksumLine(path);
    else missing.push(target ?? "this machine");
  }
  await Bun.write(checksums, sums);
  if (missing.length === 0) return;
  process.stderr.write(`Not built: ${missing.join(", ")}.\n`);
  if (values.release)
    process.stderr.write("Bun downloads its runtime for each other platform, which needs network access.\n");
  process.exitCode = 1;
}

await main();
