import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdir, mkdtemp, readdir, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { header } from "../../src/backup/tar.ts";
import { openDatabase } from "../../src/database/database.ts";
import { command } from "../support/process.ts";
import { until } from "../support/until.ts";

const mkfifo = Bun.which("mkfifo");
if (!mkfifo) console.log("skipped: the tests of commands that are ended half-way need mkfifo");

let folder: string;
let child: Bun.Subprocess | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "image-sharing-told-"));
});
afterEach(async () => {
  child?.kill("SIGKILL");
  await child?.exited;
  await rm(folder, { recursive: true, force: true });
});

/** Creates a named pipe, which blocks its readers forever. */
const makeBlockingFile = (...path: string[]) => Bun.spawnSync([mkfifo ?? "", join(folder, ...path)]);

/** Starts a command, sends it a signal once a file with a matching name exists, and returns its exit status and errors. */
async function signalWhileRunning(args: string[], begun: RegExp, signal: NodeJS.Signals) {
  const running = Bun.spawn([...command, ...args], {
    env: {
      PATH: process.env["PATH"],
      DATA_DIR: join(folder, "data"),
      HOST: "127.0.0.1",
      PORT: "0",
      FFMPEG: "off",
    },
    cwd: folder,
    stdout: "inherit",
    stderr: "pipe",
  });
  child = running;
  const hasBegun = async () => (await readdir(folder, { recursive: true })).some((name) => begun.test(name));
  await until(async () => running.exitCode !== null || (await hasBegun()));
  running.kill(signal);
  const error = await new Response(running.stderr).text();
  return { status: await running.exited, error };
}

async function makeDatabase(): Promise<void> {
  await mkdir(join(folder, "data"));
  await (await openDatabase(join(folder, "data/image-sharing.db"))).close();
}

test.skipIf(!mkfifo)("shutdown: a signal during startup exits at once with status 0", async () => {
  await makeDatabase();
  makeBlockingFile("data/jwt-secret");
  expect(await signalWhileRunning(["serve"], /^data\/tmp\/./, "SIGTERM")).toMatchObject({ status: 0 });
});

test.skipIf(!mkfifo).each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const)("backup: leaves nothing behind when terminated by %s", async (signal, status) => {
  await makeDatabase();
  makeBlockingFile("data/jwt-secret");
  const before = await readdir(folder);
  expect(await signalWhileRunning(["backup", join(folder, "b.tar")], /\.partial$/, signal)).toEqual({
    status,
    error: "Interrupted.\n",
  });
  expect(await readdir(folder)).toEqual(before);
});

test("restore: leaves nothing behind when terminated", async () => {
  // Large enough for the restore to be still running when the signal is sent.
  const size = 4 * 1024 ** 3;
  await Bun.write(join(folder, "long.tar"), header("image-sharing.db", size));
  await truncate(join(folder, "long.tar"), 512 + size + 1024);
  expect(
    await signalWhileRunning(["restore", join(folder, "long.tar")], /restoring-/, "SIGTERM"),
  ).toMatchObject({ status: 143, error: expect.stringContaining("Interrupted.\n") });
  expect(await readdir(folder)).toEqual(["long.tar"]);
});
