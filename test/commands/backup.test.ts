import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { openDatabase } from "../../src/database/database.ts";
import { DiskStore } from "../../src/storage/disk-store.ts";
import { addAccount, addPost, at } from "../support/databases.ts";
import { startFakeS3, type FakeS3 } from "../support/fake-s3.ts";
import { command } from "../support/process.ts";
import { until } from "../support/until.ts";

let folder: string;
let s3: FakeS3;
let inS3: Record<string, string>;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "image-sharing-backup-"));
  s3 = await startFakeS3();
  inS3 = {
    S3_BUCKET: s3.bucket,
    S3_ENDPOINT: s3.url,
    S3_REGION: s3.region,
    S3_ACCESS_KEY_ID: s3.accessKeyId,
    S3_SECRET_ACCESS_KEY: s3.secretAccessKey,
  };
});
afterEach(async () => {
  await s3.close();
  await rm(folder, { recursive: true, force: true });
});

function start(args: string[], dataDir: string, settings: Record<string, string> = {}) {
  return Bun.spawn([...command, ...args], {
    env: {
      PATH: process.env["PATH"],
      TMPDIR: process.env["TMPDIR"],
      DATA_DIR: join(folder, dataDir),
      FFMPEG: "off",
      ...settings,
    },
    cwd: folder,
    stdout: "pipe",
    stderr: "pipe",
  });
}

async function run(...started: Parameters<typeof start>) {
  const child = start(...started);
  const [out, error] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { out, error, status: await child.exited };
}

/** Makes a data folder with posts whose media are on disk, or said to be in S3. */
async function makeDataFolder(stores: readonly ("disk" | "s3")[]): Promise<void> {
  await mkdir(join(folder, "data"));
  const database = await openDatabase(join(folder, "data/image-sharing.db"));
  const { id: userId } = await addAccount(database);
  const disk = new DiskStore(join(folder, "data/media"));
  for (const store of stores) {
    const { id } = await addPost(database, userId, { store, publishedAt: at(1) });
    const path = disk.resolve(`${id}.png`);
    await mkdir(dirname(path), { recursive: true });
    if (store === "disk") await Bun.write(path, id);
  }
  await database.close();
}

test("backup: says what the archive holds and what it does not, and restore where everything is", async () => {
  await makeDataFolder(["disk", "disk", "s3"]);
  expect(await run(["backup", "b.tar"], "data", inS3)).toEqual({
    status: 0,
    out: `b.tar holds the database and the media of 2 posts. Keep it as safe as the data.
The media of 1 post are in S3 and not in the archive. --with-media adds them.
`,
    error: expect.stringMatching(/posts archived: 2 of 2\n$/),
  });
  expect(await run(["backup", "more.tar", "--with-media", "--since", "b.tar"], "data", inS3)).toEqual({
    status: 0,
    out: `more.tar holds the database and the media of 2 posts. Keep it as safe as the data.
Some of the media are in b.tar. A restore needs this archive in the same folder, under the same name.
Left out, because of deletions during the backup or missing files: 1 post.
`,
    error: expect.stringMatching(/posts archived: 3 of 3\n$/),
  });
  const unseen = await run(["restore", "b.tar"], "unseen");
  expect([unseen.status, unseen.out.split("\n")[0]]).toEqual([0, `Restored to ${join(folder, "unseen")}.`]);
  expect(unseen.out).toContain(
    "The media of 1 post were not in the archive and are still in S3, which is not configured: they cannot be seen until it is (S3_BUCKET).\n",
  );
  const moved = await run(["restore", "b.tar"], "moved", inS3);
  expect(moved.out).toEndWith(
    "The media of 2 posts are in S3 now.\nThe media of 1 post were not in the archive and are still in S3.\n",
  );
  expect([moved.status, s3.objects.size]).toEqual([0, 2]);
});

test("restore: after Ctrl-C, nothing but files that nothing refers to is left in S3, and repeating it continues", async () => {
  // More than are stored at the same time.
  const posts = 8;
  await makeDataFolder(Array<"disk">(posts).fill("disk"));
  expect((await run(["backup", "b.tar"], "data")).status).toBe(0);
  const before = (await readdir(folder)).sort();
  // Once the first files are stored, the others never arrive.
  Object.assign(s3.objects, {
    set(...entry: [unknown, unknown]) {
      for (const method of ["PUT", "HEAD"] as const) s3.fail(method, "hang before");
      return Map.prototype.set.apply(this, entry);
    },
  });
  const child = start(["restore", "b.tar"], "restored", inS3);
  await until(() => s3.objects.size > 0 || child.exitCode !== null);
  child.kill("SIGINT");
  expect(await child.exited).toBe(130);
  expect(await new Response(child.stderr).text()).toContain("Interrupted.");
  expect((await readdir(folder)).sort()).toEqual(before);
  Object.assign(s3.objects, { set: Map.prototype.set });
  for (const method of ["PUT", "HEAD"] as const) s3.fail(method, null);
  expect((await run(["restore", "b.tar"], "restored", inS3)).status).toBe(0);
  expect(s3.objects.size).toBe(posts);
});
