// What `bun run test` runs: all tests on SQLite, then those that touch the database once more on PostgreSQL.
// Files run beside each other, except those that say in a comment why they run alone. Those that say why they are long
// run with LONG_TESTS=1, and when they are named. A file that fails beside others runs once more alone, because a machine
// with more work than processors delays everything; what failed is printed at the end in any case.
import { chmod, mkdtemp, rm, statfs, writeFile } from "node:fs/promises";
import { availableParallelism, freemem, tmpdir } from "node:os";
import { join } from "node:path";

import { readReport, type Failure } from "./junit-report.ts";
import { canStartPostgres, hasPostgres, PostgresServer } from "./postgres.ts";

/** A path and what is in the file. */
interface TestFile {
  readonly file: string;
  readonly text: string;
}

const onBoth = [
  "accounts",
  "app",
  "crash",
  "folder-import",
  "hardening",
  "importing",
  "media-moves",
  "posts",
  "rendition-jobs",
  "uploads",
].map((name) => `test/${name}`);
/** Whether the file starts a service on the database that TEST_DATABASE names. Others gain nothing from a second run. */
const runsOnBoth = ({ file, text }: TestFile): boolean =>
  onBoth.some((place) => file.startsWith(place)) && /support\/(service|process)\.ts"/.test(text);
/** Files that start the program as a process, most of them many times. */
const startsProcess = /\/(process|two-nodes)\.ts"/;
const runsAlone = /^\/\/ Runs alone: /m;
const isLong = /^\/\/ Long: /m;
const skipsLong = !process.env["LONG_TESTS"] && process.argv.length === 2;

/** How long each file took the last time: the slowest ones are started first. */
const timings = "node_modules/.test-timings.json";

const named = process.argv.slice(2).map((name) => name.replace(/^\.\//, ""));
let failed = false;
let interrupted = false;
// The tests end by the same signal, and then the database server has to.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => (interrupted = true));

/** More failed files than this are not run again: the cause is not the load. */
const maxFilesAgain = 5;

const counts = { passed: 0, failed: 0 };
const failures: string[] = [];

/** The outcome of a run of files. */
interface Outcome {
  /** The files that failed. */
  readonly broken: readonly string[];
  readonly failures: readonly Failure[];
  readonly passed: number;
}

/** @param workers how many files run at once */
async function runOnce(
  files: readonly string[],
  workers: number,
  environment: Record<string, string>,
): Promise<Outcome> {
  const report = join(folder, `report-${crypto.randomUUID()}.xml`);
  const { exited } = Bun.spawn(
    [
      ...[process.execPath, "test", "--timeout=60000", "--reporter=junit", `--reporter-outfile=${report}`],
      ...(workers > 1 ? [`--parallel=${workers}`, `--timings=${timings}`, "--update-timings"] : []),
      ...files.map((file) => `./${file}`),
    ],
    { env: { ...process.env, ...environment }, stdio: ["ignore", "inherit", "inherit"] },
  );
  const succeeded = (await exited) === 0;
  const { clean, failures, passed } = readReport(
    await Bun.file(report)
      .text()
      .catch(() => ""),
  );
  // The report does not name files that could not be loaded.
  const broken = succeeded ? [] : files.filter((file) => !clean.has(file));
  if (!succeeded && broken.length === 0)
    throw new Error("the tests failed, but their report names no failure");
  return { broken, failures, passed };
}

async function run(files: string[], workers: number, environment: Record<string, string>): Promise<void> {
  if (files.length === 0 || interrupted) return;
  const first = await runOnce(files, workers, environment);
  counts.passed += first.passed;
  if (first.broken.length === 0 || interrupted) return;
  const database = environment["TEST_DATABASE"] ?? "sqlite";
  const note = (outcome: string, { broken, failures: details }: Outcome) => {
    failures.push(`${outcome} (${database}): ${broken.join(", ")}`);
    failures.push(...details.map(({ file, title, message }) => `  ${file}: ${title}\n    ${message}`));
  };
  if (workers === 1 || first.broken.length > maxFilesAgain) {
    note("failed", first);
    counts.failed += Math.max(first.failures.length, first.broken.length);
    failed = true;
    return;
  }
  console.log(`\nOnce more, alone: ${first.broken.join(", ")}`);
  const second = await runOnce(first.broken, 1, environment);
  note("failed beside other files", first);
  counts.passed += second.broken.length === 0 ? first.failures.length : 0;
  if (second.broken.length === 0) return;
  note("failed alone, too", second);
  counts.failed += Math.max(second.failures.length, second.broken.length);
  failed = true;
}

/** @param places parts of the paths of the files; all files when empty */
async function filesIn(places: string[]): Promise<TestFile[]> {
  const files = [...new Bun.Glob("test/**/*.test.ts").scanSync()].sort();
  const named = files.filter((file) => places.length === 0 || places.some((place) => file.includes(place)));
  return Promise.all(named.map(async (file) => ({ file, text: await Bun.file(file).text() })));
}

/** Bytes that the tests need at most for their temporary files. */
const maxTemporaryBytes = 6e9;

/**
 * Makes the folder for the temporary files of all tests: in memory where there is room, because syncing them to a disk
 * takes a third of the processor time and half of the time of a run.
 */
async function makeTemporaryFolder(): Promise<string> {
  const inMemory = await makeFolderIn("/dev/shm").catch(() => undefined);
  if (inMemory !== undefined) {
    const { bavail, bsize } = await statfs(inMemory);
    if (Math.min(bavail * bsize, freemem()) >= maxTemporaryBytes && (await mayExecuteIn(inMemory)))
      return inMemory;
    await rm(inMemory, { recursive: true });
  }
  return makeFolderIn(tmpdir());
}

/** Makes a folder that every user may write to, like the system's own. */
async function makeFolderIn(parent: string): Promise<string> {
  const folder = await mkdtemp(join(parent, "image-sharing-tests-"));
  await chmod(folder, 0o1777);
  return folder;
}

/** Whether programs in the folder can be run; containers often forbid it in memory. */
async function mayExecuteIn(folder: string): Promise<boolean> {
  const program = join(folder, "program");
  await writeFile(program, "#!/bin/sh\n", { mode: 0o755 });
  try {
    return Bun.spawnSync([program]).success;
  } catch {
    return false;
  } finally {
    await rm(program);
  }
}

/**
 * Builds the executable for the tests that start it: it starts in a third of the time that the source needs.
 * @returns its path, which every user may execute
 * @throws Error when the build fails
 */
async function buildIn(folder: string): Promise<string> {
  const build = Bun.spawn([process.execPath, "src/build/build.ts", `--outdir=${folder}`], {
    stdout: "ignore",
    stderr: "inherit",
  });
  if ((await build.exited) !== 0) throw new Error("the executable for the tests was not built");
  return join(folder, "image-sharing");
}

async function runAll(files: readonly TestFile[], environment: Record<string, string>): Promise<void> {
  const together: string[] = [];
  const alone: string[] = [];
  for (const { file, text } of files) {
    if (skipsLong && isLong.test(text)) {
      console.log(`skipped: ${file} (needs LONG_TESTS=1, or its name)`);
      continue;
    }
    (runsAlone.test(text) ? alone : together).push(file);
  }
  // Some tests mostly wait: twice as many files as processors keep those busy.
  await run(together, 2 * availableParallelism(), environment);
  await run(alone, 1, environment);
}

const folder = await makeTemporaryFolder();
process.env["TMPDIR"] = folder;
let server: PostgresServer | undefined;
try {
  if (!process.env["TEST_DATABASE_URL"] && canStartPostgres) server = await PostgresServer.start();
  const files = await filesIn(named);
  if (files.length === 0) {
    console.error(`no file of tests matches ${named.join(" ")}`);
    failed = true;
  }
  const needsProgram = files.some(({ text }) => startsProcess.test(text));
  const environment: Record<string, string> = {
    ...(server && { TEST_DATABASE_URL: server.url("postgres") }),
    ...(!process.env["TEST_EXECUTABLE"] && needsProgram && { TEST_EXECUTABLE: await buildIn(folder) }),
  };
  await runAll(files, environment);
  const again = files.filter(runsOnBoth);
  if (hasPostgres && again.length > 0) {
    console.log("\nOn PostgreSQL:");
    await runAll(again, { ...environment, TEST_DATABASE: "postgres" });
  } else if (!hasPostgres)
    console.log(
      "\nskipped: tests on PostgreSQL need its server programs (Debian: postgresql) or TEST_DATABASE_URL",
    );
} finally {
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
}
console.log(["", "Summary", ...failures, `${counts.passed} passed, ${counts.failed} failed`].join("\n"));
process.exit(failed || interrupted ? 1 : 0);
