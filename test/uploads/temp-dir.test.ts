import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdir, mkdtemp, readdir, rm, utimes } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { basename, join } from "node:path";

import { createTempDir } from "../../src/uploads/temp-dir.ts";
import { until } from "../support/until.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "image-sharing-temp-dir-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const alive = process.ppid;
const dead = 0x7fff_fff0;
const leaveFolder = async (name: string, hoursAgo = 0) => {
  await mkdir(join(root, name));
  const then = new Date(Date.now() - hoursAgo * 3_600_000);
  await utimes(join(root, name), then, then);
  return name;
};

test("temp folder: startup removes the folders of dead processes and keeps those of live ones", async () => {
  const own = await createTempDir(root, { shared: false });
  const otherProcess = await leaveFolder(`${alive}@${hostname()}-abcdef`);
  await leaveFolder(`${dead}@${hostname()}-abcdef`);
  // A previous container with the same process id, once with the same host name and once with another.
  await leaveFolder(`${process.pid}@${hostname()}-abcdef`, 100);
  await leaveFolder(`${process.pid}@another-machine-abcdef`, 100);
  await leaveFolder(`${dead}-abcdef`);
  const second = await createTempDir(root, { shared: false });
  expect((await readdir(root)).sort()).toEqual(
    [basename(own.path), basename(second.path), otherProcess].sort(),
  );
  await own.remove();
  await second.remove();
  expect(await readdir(root)).toEqual([otherProcess]);
});

test("temp folder: startup keeps the folder of another machine until it has been unused for 24 hours", async () => {
  // Processes in different containers have the same id.
  const foreign = await leaveFolder(`${process.pid}@another-machine-abcdef`, 23);
  await leaveFolder(`${process.pid}@a-third-abcdef`, 25);
  await leaveFolder(`${dead}@${hostname()}-abcdef`);
  const own = await createTempDir(root, { shared: true });
  expect((await readdir(root)).sort()).toEqual([basename(own.path), foreign].sort());
});

test.if(process.platform === "linux")(
  "temp folder: startup removes a folder older than the process with its id, and that of a zombie",
  async () => {
    // Before the process that runs this test started.
    await leaveFolder(`${alive}@${hostname()}-abcdef`, 100);
    // The child outlives the shell, which could reap it; sleep never does.
    const zombies = Bun.spawn(["sh", "-c", "sleep 0.2 & echo $!; exec sleep 10"], { stdout: "pipe" });
    const { value } = await zombies.stdout.getReader().read();
    const zombie = new TextDecoder().decode(value).trim();
    await leaveFolder(`${zombie}@${hostname()}-abcdef`);
    await until(async () => (await Bun.file(`/proc/${zombie}/stat`).text()).includes(") Z "));
    const own = await createTempDir(root, { shared: false });
    zombies.kill();
    expect(await readdir(root)).toEqual([basename(own.path)]);
  },
);
