import { afterAll, afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  chmod,
  chown,
  lchown,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  rename,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { pngPhoto } from "../support/media-samples.ts";
import { command, listeningAddress } from "../support/process.ts";
import { readTar } from "../support/tar.ts";

setDefaultTimeout(90_000);

const isRoot = process.getuid?.() === 0;
if (!isRoot) console.log("skipped: the tests of commands that root runs need to be root");

/** The service's user. */
const user = 54_321;
let folder: string;
let dataDir: string;
/** A folder that only root may read. */
let victim: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "image-sharing-owner-"));
  await chmod(folder, 0o755);
  dataDir = join(folder, "data");
  victim = join(folder, "victim");
  await mkdir(victim, { mode: 0o700 });
  await writeFile(join(victim, "precious"), "precious and long enough to be a secret", { mode: 0o600 });
});
afterEach(async () => {
  await stop();
  await rm(folder, { recursive: true, force: true });
});

async function makeDataDir(): Promise<void> {
  await mkdir(dataDir, { mode: 0o700 });
  await chown(dataDir, user, user);
}

const environment = () => ({
  PATH: process.env["PATH"],
  DATA_DIR: dataDir,
  RATE_LIMIT: "off",
  FFMPEG: "off",
});

async function run(args: string[], stdin = "") {
  const child = Bun.spawn([...command, ...args], {
    env: environment(),
    cwd: folder,
    stdin: new Blob([stdin]),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [error, status] = await Promise.all([new Response(child.stderr).text(), child.exited]);
  return { error, status };
}

const password = "correct horse battery";
const superuser = () => run(["superuser", "ada@example.com", "--password-stdin"], password);

let service: Bun.Subprocess | undefined;
let address: string;

/** A data folder as `superuser` leaves it. */
let usedDataDir: string | undefined;
afterAll(async () => {
  if (usedDataDir !== undefined) await rm(usedDataDir, { recursive: true });
});

/** Makes a data folder that was used before: the first time by the command, then as a copy. */
async function makeUsedDataDir(): Promise<void> {
  if (usedDataDir === undefined) {
    await makeDataDir();
    expect(await superuser()).toEqual({ status: 0, error: "" });
    usedDataDir = await mkdtemp(join(tmpdir(), "image-sharing-owner-used-"));
    copyFolder(dataDir, usedDataDir);
  } else copyFolder(usedDataDir, dataDir);
}

/** With owners and modes. */
function copyFolder(from: string, to: string): void {
  const { exitCode } = Bun.spawnSync(["cp", "-a", "-T", from, to]);
  expect(exitCode).toBe(0);
}

/** Starts the service as its own user. */
async function start(): Promise<void> {
  const started = Bun.spawn([...command], {
    uid: user,
    gid: user,
    env: { ...environment(), HOST: "127.0.0.1", PORT: "0", LOG_LEVEL: "error" },
    cwd: "/",
    stdout: "pipe",
    stderr: "inherit",
  });
  service = started;
  address = await listeningAddress(started);
}
async function stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
  service?.kill(signal);
  await service?.exited;
  service = undefined;
}

async function login(): Promise<string> {
  const body = new URLSearchParams({ username: "ada@example.com", password });
  const answer = await fetch(`${address}/auth/jwt/login`, { method: "POST", body });
  expect(answer.status).toBe(200);
  return ((await answer.json()) as { access_token: string }).access_token;
}

async function upload(): Promise<{ id: string; url: string }> {
  const form = new FormData();
  form.set("file", new Blob([await pngPhoto()]), "photo.png");
  const headers = { authorization: `Bearer ${await login()}` };
  const answer = await fetch(`${address}/upload`, { method: "POST", body: form, headers });
  expect(answer.status).toBe(200);
  return (await answer.json()) as { id: string; url: string };
}

/** Returns the names of files that do not belong to the service's user. */
async function ofOthers(): Promise<string[]> {
  const names = ["", ...(await readdir(dataDir, { recursive: true }))];
  const owners = await Promise.all(names.map((name) => lstat(join(dataDir, name))));
  return names.filter((_, i) => owners[i]!.uid !== user || owners[i]!.gid !== user);
}

async function expectVictimUntouched(): Promise<void> {
  expect(await readdir(victim)).toEqual(["precious"]);
  for (const [path, mode] of [
    [victim, 0o700],
    [join(victim, "precious"), 0o600],
  ] as const) {
    const found = await lstat(path);
    expect([path, found.uid, found.mode & 0o777]).toEqual([path, 0, mode]);
  }
  expect(await Bun.file(join(victim, "precious")).text()).toStartWith("precious");
}

const plain = ({ status, error }: Awaited<ReturnType<typeof run>>) => {
  expect([status, error.trim().split("\n").length]).toEqual([1, 1]);
  expect(error).not.toMatch(/\n\s+at /);
};

describe.skipIf(!isRoot)("commands run by root in a data folder of the service's user", () => {
  test("superuser run by root: before the first start, creates files that the service can use", async () => {
    await makeDataDir();
    expect(await superuser()).toEqual({ status: 0, error: "" });
    expect(await ofOthers()).toEqual([]);
    await start();
    await upload();
  });

  test("superuser run by root: creates a missing folder for the owner of its parent", async () => {
    await makeDataDir();
    dataDir = join(dataDir, "deeper/still");
    expect(await superuser()).toEqual({ status: 0, error: "" });
    expect(await ofOthers()).toEqual([]);
    await start();
    await login();
  });

  test("superuser, invite and backup run by root: leave no files of root's, whether the service is running, stopped or killed", async () => {
    await makeDataDir();
    await start();
    for (const [i, end] of ([undefined, "SIGTERM", "SIGKILL"] as const).entries()) {
      if (end) await stop(end);
      expect(await superuser()).toEqual({ status: 0, error: "" });
      expect(await run(["invite"])).toEqual({ status: 0, error: "" });
      expect(await run(["backup", join(folder, `${i}.tar`)])).toEqual({
        status: 0,
        error: expect.stringMatching(/^(?:posts archived: \d+ of \d+\n)*$/),
      });
      expect(await ofOthers()).toEqual([]);
      if (end) await start();
      await upload();
    }
  });

  test("import-folder run by root: reads photos that only root may read, and leaves no files of root's", async () => {
    await makeUsedDataDir();
    await start();
    const photos = join(victim, "photos");
    await mkdir(photos, { mode: 0o700 });
    for (let i = 0; i < 40; i++)
      await writeFile(join(photos, `${i}.png`), await pngPhoto(10 + i, 10), { mode: 0o600 });
    for (const running of [true, false]) {
      if (!running) await stop();
      await writeFile(join(photos, `${running}.png`), await pngPhoto(running ? 60 : 61, 10), { mode: 0o600 });
      expect(await run(["import-folder", photos, "--for", "ada@example.com"])).toMatchObject({ status: 0 });
      expect(await ofOthers()).toEqual([]);
    }
    await rm(photos, { recursive: true });
    await start();
    const answer = await fetch(`${address}/feed?limit=100`, {
      headers: { authorization: `Bearer ${await login()}` },
    });
    expect(((await answer.json()) as { posts: unknown[] }).posts).toHaveLength(42);
  });

  test("restore run by root: creates files that the service can use", async () => {
    await makeDataDir();
    await superuser();
    await start();
    const { id } = await upload();
    await stop();
    expect(await run(["backup", join(folder, "b.tar")])).toMatchObject({ status: 0 });
    // In a folder where only root can read the archive.
    await rename(join(folder, "b.tar"), join(victim, "b.tar"));
    await rm(dataDir, { recursive: true });
    await makeDataDir();
    expect(await run(["restore", join(victim, "b.tar")])).toEqual({
      status: 0,
      error: "megabytes of b.tar checked: 1 of 1\n",
    });
    expect(await ofOthers()).toEqual([]);
    await start();
    const headers = { authorization: `Bearer ${await login()}` };
    expect((await fetch(`${address}/posts/${id}`, { headers })).status).toBe(200);
  });

  test("commands run by root: work in a folder that its owner cannot reach by path (systemd's DynamicUser)", async () => {
    const hidden = join(folder, "private");
    await mkdir(hidden, { mode: 0o700 });
    dataDir = join(hidden, "data");
    await makeDataDir();
    expect(await superuser()).toEqual({ status: 0, error: "" });
    expect(await ofOthers()).toEqual([]);
    expect(await run(["backup", "b.tar"])).toEqual({ status: 0, error: "" });
    expect(await ofOthers()).toEqual([]);
    await rm(dataDir, { recursive: true });
    await makeDataDir();
    expect(await run(["restore", "b.tar"])).toEqual({
      status: 0,
      error: "megabytes of b.tar checked: 1 of 1\n",
    });
    expect(await ofOthers()).toEqual([]);
    expect(await superuser()).toEqual({ status: 0, error: "" });
    expect(await ofOthers()).toEqual([]);
    await chmod(hidden, 0o755);
    await start();
    await login();
  });

  test("commands run by root: keep root's rights until a database has opened", async () => {
    const hidden = join(folder, "private");
    await mkdir(hidden, { mode: 0o700 });
    dataDir = join(hidden, "data");
    await makeDataDir();
    const program = `
      import { accessDataFolderAsOwner } from ${JSON.stringify(join(import.meta.dir, "../../src/commands/data-folder-access.ts"))};
      const folder = accessDataFolderAsOwner(${JSON.stringify(dataDir)});
      const rights = [process.geteuid()];
      await folder.sqlite(async () => {
        await Bun.file("/dev/null").text();
        folder.outside(() => {});
        rights.push(process.geteuid());
      });
      rights.push(process.geteuid());
      await folder.sqlite(() => Promise.reject(new Error())).catch(() => rights.push(process.geteuid()));
      console.log(JSON.stringify(rights));
    `;
    const child = Bun.spawn([process.execPath, "-e", program], { cwd: folder, stdout: "pipe" });
    expect(JSON.parse(await new Response(child.stdout).text())).toEqual([user, 0, user, user]);
  });

  test("commands run by root: in a folder of root's, act as the owner of the database", async () => {
    await mkdir(dataDir);
    await chown(dataDir, 0, user);
    await chmod(dataDir, 0o770);
    await start();
    expect(await superuser()).toEqual({ status: 0, error: "" });
    expect((await ofOthers()).filter((name) => name !== "")).toEqual([]);
  });

  test("commands run by root: name a file of root's that the service cannot open", async () => {
    await makeDataDir();
    await writeFile(join(dataDir, "jwt-secret"), "x".repeat(40), { mode: 0o600 });
    const refused = await superuser();
    plain(refused);
    expect(refused.error).toContain("jwt-secret in it belongs to root");
  });

  describe("commands run by root do not follow links of the service's user:", () => {
    const plant = async (target: string, path: string) => {
      await rm(path, { recursive: true, force: true });
      await symlink(target, path);
      await lchown(path, user, user);
    };

    test.each([
      ["tmp", () => victim],
      ["media", () => victim],
      ["jwt-secret", () => join(victim, "secret")],
      ["jwt-secret", () => join(victim, "precious")],
      ["image-sharing.db", () => join(victim, "new.db")],
      ["image-sharing.db", () => join(victim, "precious")],
      ["image-sharing.db-wal", () => join(victim, "precious")],
      ["image-sharing.db-shm", () => join(victim, "precious")],
      ["image-sharing.db-journal", () => join(victim, "precious")],
      ["image-sharing.db-reserve", () => join(victim, "precious")],
    ])("%s", async (name, target) => {
      for (const [i, { used, mode }] of [
        { used: false, mode: 0o755 },
        { used: true, mode: 0o755 },
        { used: false, mode: 0o700 },
        { used: true, mode: 0o700 },
      ].entries()) {
        await chmod(folder, mode);
        await rm(dataDir, { recursive: true, force: true });
        await (used ? makeUsedDataDir() : makeDataDir());
        await plant(target(), join(dataDir, name));
        await superuser();
        await run(["backup", join(folder, `${i}.tar`)]);
        await expectVictimUntouched();
      }
    });

    test.each([0o755, 0o700])(
      "commands run by root: do not follow a link at the data folder's path, in a folder with mode 0%o",
      async (mode) => {
        const home = join(folder, "home");
        await mkdir(home);
        await chown(home, user, user);
        await chmod(folder, mode);
        dataDir = join(home, "data");
        await plant(victim, dataDir);
        plain(await superuser());
        plain(await run(["restore", join(folder, "none.tar")]));
        plain(await run(["backup", join(folder, "b.tar")]));
        await expectVictimUntouched();
      },
    );

    test("backup run by root: does not include the target of a link in place of a media file", async () => {
      await makeDataDir();
      await superuser();
      await start();
      const { id } = await upload();
      const file = join(dataDir, "media", id.slice(-2), `${id}.png`);
      await plant(join(victim, "precious"), file);
      const archive = join(folder, "b.tar");
      plain(await run(["backup", archive]));
      expect(await Bun.file(archive).exists()).toBe(false);
    });

    test("restore run by root: does not follow a link that appears in place of the media folder", async () => {
      await makeDataDir();
      await superuser();
      await start();
      await upload();
      expect(await run(["backup", join(folder, "b.tar")])).toMatchObject({ status: 0 });
      await stop();
      for (let i = 0; i < 5; i++) {
        await rm(dataDir, { recursive: true });
        await makeDataDir();
        // Replaces new files with links.
        const planter = Bun.spawn(
          [
            "sh",
            "-c",
            `cd "$0"; while :; do for d in restoring-* media; do mv "$d" aside 2>/dev/null; ln -s "$1" "$d" 2>/dev/null; rm -rf aside; done; done`,
            dataDir,
            victim,
          ],
          { uid: user, gid: user, stderr: "ignore" },
        );
        await run(["restore", join(folder, "b.tar")]);
        planter.kill("SIGKILL");
        await planter.exited;
        await expectVictimUntouched();
      }
    });
  });
});

test.skipIf(!isRoot)("backup run by root: contains the files of the service's user", async () => {
  await makeDataDir();
  await superuser();
  await start();
  const { id } = await upload();
  expect(await run(["backup", "b.tar"])).toEqual({ status: 0, error: "posts archived: 1 of 1\n" });
  const { uid, mode } = await lstat(join(folder, "b.tar"));
  expect([uid, mode & 0o777]).toEqual([0, 0o600]);
  const names: string[] = [];
  for await (const { name } of readTar(join(folder, "b.tar"))) names.push(name);
  expect(names).toContain(`media/${id}.png`);
});
