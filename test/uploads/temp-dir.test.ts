import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdir, mkdtemp, readdir, rm, utimes } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { basename, join } from "node:path";

import { makeTempDir } from "../../src/uploads/temp-dir.ts";
import { until } from "../support/until.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "image-sharing-temp-dir-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const alive = process.ppid;
const dead = 0x7fff_fff0;
const leave = async (name: string, hoursAgo = 0) => {
  await mkdir(join(root, name));
  const then = new Date(Date.now() - hoursAgo * 3_600_000);
  await utimes(join(root, name), then, then);
  return name;
};

test("folders of dead processes are removed, those of living ones stay", async () => {
  const ours = await makeTempDir(root, { shared: false });
  const other = await leave(`${alive}@${hostname()}-abcdef`);
  await leave(`${dead}@${hostname()}-abcdef`);
  // A container's predecessor had the same number, and maybe another name.
  await leave(`${process.pid}@${hostname()}-abcdef`);
  await leave(`${process.pid}@another-machine-abcdef`);
  await leave(`${dead}-abcdef`);
  const second = await makeTempDir(root, { shared: false });
  expect((await readdir(root)).sort()).toEqual([basename(ours.path), basename(second.path), other].sort());
  await ours.remove();
  await second.remove();
  expect(await readdir(root)).toEqual([other]);
});

test("folders of other machines stay as long as they may be in use", async () => {
  // In a container of its own every process has the same number.
  const theirs = await leave(`${process.pid}@another-machine-abcdef`, 23);
  await leave(`${process.pid}@a-third-abcdef`, 25);
  await leave(`${dead}@${hostname()}-abcdef`);
  const ours = await makeTempDir(root, { shared: true });
  expect((await readdir(root)).sort()).toEqual([basename(ours.path), theirs].sort());
});

test.if(process.platform === "linux")(
  "temp folder: one that is older than the process with its number is removed, and so is a zombie's",
  async () => {
    // Longer ago than the process that runs this test was started.
    await leave(`${alive}@${hostname()}-abcdef`, 100);
    // The child outlives the shell, which could reap it; sleep never does.
    const zombies = Bun.spawn(["sh", "-c", "sleep 0.2 & echo $!; exec sleep 10"], { stdout: "pipe" });
    const { value } = await zombies.stdout.getReader().read();
    const zombie = new TextDecoder().decode(value).trim();
    await leave(`${zombie}@${hostname()}-abcdef`);
    await until(async () => (await Bun.file(`/proc/${zombie}/stat`).text()).includes(") Z "));
    const ours = await makeTempDir(root, { shared: false });
    zombies.kill();
    expect(await readdir(root)).toEqual([basename(ours.path)]);
  },
);
