// bun run build [--all] [--commit NAME]: the executable for this machine, or one for every platform, in dist/
import { mkdir, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";

/** As Bun names them. */
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
const dist = join(root, "dist");

/**
 * Makes one executable. Names stay as they are (no `--minify`): Elysia reads the source of handlers.
 * Code that only runs at start is not worth compiling: `serve` goes back to the usual policy when it listens.
 * A bunfig.toml in the folder where it is started is none of its business, and a .env it reads itself.
 * @param target a platform; undefined: this machine
 * @returns the file's path, undefined when Bun could not make it (and has said why)
 */
async function build(target: string | undefined, commit: string): Promise<string | undefined> {
  const name = ["image-sharing", ...(target ? [target] : [])].join("-");
  const outfile = join(dist, target?.startsWith("windows") ? `${name}.exe` : name);
  const { exited } = Bun.spawn(
    [
      process.execPath,
      "build",
      join(root, "src/main.ts"),
      "--compile",
      "--minify-whitespace",
      "--minify-syntax",
      "--bytecode",
      "--compile-jit-policy=8",
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

/** Of the working tree; empty where there is none, or no git. */
function currentCommit(): string {
  if (!Bun.which("git")) return "";
  const { stdout, success } = Bun.spawnSync(["git", "describe", "--always", "--dirty", "--exclude=*"], {
    cwd: root,
    stderr: "ignore",
  });
  return success ? stdout.toString().trim() : "";
}

/** A line as `sha256sum --check` reads it. */
async function checksumLine(path: string): Promise<string> {
  const hash = new Bun.CryptoHasher("sha256");
  for await (const chunk of Bun.file(path).stream()) hash.update(chunk);
  return `${hash.digest("hex")}  ${basename(path)}\n`;
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { all: { type: "boolean" }, commit: { type: "string" } } });
  const commit = values.commit ?? currentCommit();
  await mkdir(dist, { recursive: true });
  await rm(join(dist, "SHA256SUMS"), { force: true });

  let sums = "";
  const missing: string[] = [];
  for (const target of values.all ? platforms : [undefined]) {
    const path = await build(target, commit);
    if (path) sums += await checksumLine(path);
    else missing.push(target ?? "this machine");
  }
  await Bun.write(join(dist, "SHA256SUMS"), sums);
  if (missing.length === 0) return;
  process.stderr.write(`Not built: ${missing.join(", ")}.\n`);
  process.exitCode = 1;
}

await main();
