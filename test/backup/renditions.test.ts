import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Database } from "bun:sqlite";

import { writeBackup } from "../../src/commands/backup.ts";
import { restoreBackup } from "../../src/commands/restore.ts";
import { databaseFile, mediaFolder } from "../../src/data-dir.ts";
import { DiskStore } from "../../src/storage/disk-store.ts";
import { renditionKeyAt } from "../../src/storage/media-keys.ts";
import { createRenditionRunner, type RenditionRunner } from "../../src/rendition-jobs/runner.ts";
import { jpegPhoto, mp4Video } from "../support/media-samples.ts";
import { onPostgres } from "../support/postgres.ts";
import { command } from "../support/process.ts";
import { TestService } from "../support/service.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(120_000);

const onSqlite = { DATABASE_URL: "", FFMPEG: "off" };
const email = "ada@example.com";

interface Shared {
  id: string;
  url: string;
  thumbnail_url: string | null;
  display_url: string;
  processing: boolean;
}
interface Row {
  id: string;
  key: string;
  thumbnail_url: string | null;
  display_url: string | null;
}

let folder: string;
let ends: (() => Promise<unknown>)[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "image-sharing-backup-"));
  ends = [];
});
afterEach(async () => {
  for (const end of ends.reverse()) await end();
  await rm(folder, { recursive: true });
});

const pathTo = (name: string) => join(folder, name);

/** A service on this folder, an access token of its account, and a runner that is not started. */
async function open(name: string, isNew = false) {
  const service = await TestService.start({ DATA_DIR: pathTo(name), ...onSqlite });
  const runner: RenditionRunner = createRenditionRunner(service.services, {
    pollMs: 20,
    renewalMs: 20,
    retryMs: 1,
  });
  ends.push(async () => {
    await runner.stop();
    await service.close({ keepData: true });
  });
  const token = isNew
    ? (await service.signUp(email)).token
    : ((await (await service.login(email)).json()) as { access_token: string }).access_token;
  const share = async (file: Blob, thumbnail?: Blob) => {
    const body = new FormData();
    body.set("file", file);
    if (thumbnail) body.set("thumbnail", thumbnail);
    return (await (await service.fetch("/upload", { method: "POST", body, token })).json()) as Shared;
  };
  const feed = async () =>
    ((await (await service.fetch("/feed", { token })).json()) as { posts: Shared[] }).posts;
  const read = async (id: string) =>
    (await (await service.fetch(`/posts/${id}`, { token })).json()) as Shared;
  return { service, runner, share, feed, read };
}

const largePhoto = async () => new Blob([await jpegPhoto(2100, 350)]);
const diskOf = (name: string) => new DiskStore(join(pathTo(name), mediaFolder));

/** Runs SQL on the database of this folder. */
function query<T>(name: string, statement: string, ...values: string[]): T[] {
  using client = new Database(join(pathTo(name), databaseFile));
  client.run("pragma busy_timeout = 5000");
  return client.query<T, string[]>(statement).all(...values);
}

const filesIn = async (name: string) =>
  (await readdir(join(pathTo(name), mediaFolder), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name)
    .sort();

/** Expects that the media of a restored folder are exactly those that its database refers to. */
async function expectComplete(name: string, posts: number): Promise<void> {
  const rows = query<Row>(name, "select id, key, thumbnail_url, display_url from posts");
  const referred = rows.flatMap(({ key, thumbnail_url, display_url }) =>
    [key, renditionKeyAt(thumbnail_url), renditionKeyAt(display_url)].filter((key) => key !== undefined),
  );
  expect(await filesIn(name)).toEqual(referred.sort());
  expect(rows).toHaveLength(posts);
}

/** Replaces the database by one with the same accounts and posts, as the version before renditions wrote it. */
async function makeEarlier(name: string): Promise<void> {
  const path = join(pathTo(name), databaseFile);
  const earlier = pathTo("earlier.db");
  using client = new Database(earlier);
  client.run("create table migrations (tag text primary key)");
  for (const tag of ["0000_initial", "0001_token_version", "0002_accounts_and_moderation"]) {
    const file = Bun.file(join(import.meta.dir, `../../drizzle/sqlite/${tag}.sql`));
    for (const statement of (await file.text()).split("--> statement-breakpoint")) client.run(statement);
    client.run("insert into migrations values (?)", [tag]);
  }
  client.run("attach ? as later", [path]);
  for (const table of ["users", "posts"]) {
    const columns = client
      .query<{ name: string }, [string]>("select name from pragma_table_info(?, 'main')")
      .all(table)
      .map((column) => column.name)
      .join(", ");
    client.run(`insert into ${table} (${columns}) select ${columns} from later.${table}`);
  }
  client.run("detach later");
  for (const suffix of ["", "-wal", "-shm"]) await rm(path + suffix, { force: true });
  await rename(earlier, path);
}

// SQLite only: test/backup/configurations.test.ts has both databases.
describe.skipIf(onPostgres)("backup", () => {
  test("backup: made while renditions are made anew, it restores with the files that its database refers to, and no others", async () => {
    const { runner, share, feed } = await open("data", true);
    for (let i = 0; i < 4; i++) await share(await largePhoto());
    runner.start();
    await until(async () => (await feed()).every(({ processing }) => !processing));
    await runner.stop();

    const all = Bun.spawn([...command, "renditions", "--all"], {
      env: { PATH: process.env["PATH"], DATA_DIR: pathTo("data"), FFMPEG: "off" },
      cwd: folder,
      stdout: "ignore",
    });
    ends.push(async () => all.kill());
    const backups = 4;
    for (let i = 0; i < backups; i++) {
      await until(async () => (await filesIn("data")).filter((name) => name.includes(".v1.")).length > 2 * i);
      await writeBackup(pathTo("data"), pathTo(`${i}.tar`));
    }
    expect(await all.exited).toBe(0);
    for (let i = 0; i < backups; i++) {
      await restoreBackup(pathTo(`${i}.tar`), pathTo(`restored-${i}`));
      await expectComplete(`restored-${i}`, 4);
    }
    const restored = await open("restored-2");
    restored.runner.start({ isOnlyProcess: true });
    await until(async () => (await restored.feed()).every(({ processing }) => !processing));
    for (const { thumbnail_url, display_url } of await restored.feed())
      for (const url of [thumbnail_url!, display_url])
        expect((await restored.service.fetch(new URL(url).pathname)).headers.get("content-type")).toBe(
          "image/webp",
        );
  });

  test("backup: a rendition that was replaced after the snapshot is made again after a restore, and a poster from the client is kept", async () => {
    const { runner, share, feed } = await open("data", true);
    const video = await share(new Blob([mp4Video()]), await largePhoto());
    const photo = await share(await largePhoto());
    runner.start();
    await until(async () => (await feed()).every(({ processing }) => !processing));
    await runner.stop();
    // To the backup, a missing file is one that was replaced after its snapshot.
    query(
      "data",
      "update posts set display_url = ? where id = ?",
      `/media/${video.id}.display.mp4`,
      video.id,
    );
    await diskOf("data").delete(`${photo.id}.display.webp`, null, AbortSignal.timeout(10_000));
    expect(await writeBackup(pathTo("data"), pathTo("b.tar"))).toMatchObject({ posts: 2, leftOut: 0 });
    await restoreBackup(pathTo("b.tar"), pathTo("restored"));
    await expectComplete("restored", 2);
    expect(await filesIn("restored")).toEqual(
      [`${video.id}.mp4`, `${video.id}.thumb.webp`, `${photo.id}.jpg`, `${photo.id}.thumb.webp`].sort(),
    );
    const jobs = query("restored", "select post_id, kind, state, attempts from rendition_jobs order by kind");
    expect(jobs).toEqual([
      { post_id: video.id, kind: "mp4", state: "waiting", attempts: 0 },
      { post_id: photo.id, kind: "picture", state: "waiting", attempts: 0 },
    ]);
    const restored = await open("restored");
    expect(await restored.read(video.id)).toMatchObject({ display_url: video.url, processing: true });
    restored.runner.start({ isOnlyProcess: true });
    await until(async () => !(await restored.read(photo.id)).processing);
    expect(await filesIn("restored")).toContain(`${photo.id}.display.webp`);
    expect((await restored.read(photo.id)).display_url).toEndWith(`${photo.id}.display.webp`);
  });

  test("backup: jobs that wait or run continue after a restore", async () => {
    const { service, share } = await open("data", true);
    for (let i = 0; i < 2; i++) await share(await largePhoto());
    const leaseEnd = new Date(Date.now() + 3_600_000);
    await service.services.database.renditionJobs.claim("picture", "", new Date(), leaseEnd);
    await writeBackup(pathTo("data"), pathTo("b.tar"));
    await restoreBackup(pathTo("b.tar"), pathTo("restored"));
    const restored = await open("restored");
    expect((await restored.feed()).map(({ processing }) => processing)).toEqual([true, true]);
    restored.runner.start({ isOnlyProcess: true });
    await until(async () => (await restored.feed()).every(({ processing }) => !processing));
    expect((await filesIn("restored")).filter((name) => name.endsWith(".display.webp"))).toHaveLength(2);
  });

  test("backup: one of the version before renditions restores, and the service makes what its posts lack", async () => {
    const { share } = await open("data", true);
    const { id } = await share(await largePhoto());
    for (const end of ends.splice(0)) await end();
    await makeEarlier("data");
    expect(await writeBackup(pathTo("data"), pathTo("b.tar"))).toMatchObject({ posts: 1, leftOut: 0 });
    await restoreBackup(pathTo("b.tar"), pathTo("restored"));
    expect(await filesIn("restored")).toEqual([`${id}.jpg`, `${id}.thumb.webp`]);
    const restored = await open("restored");
    expect(await restored.read(id)).toMatchObject({ processing: false });
    expect((await restored.read(id)).thumbnail_url).toEndWith(`${id}.thumb.webp`);
    const made = Bun.spawn([...command, "renditions"], {
      env: { PATH: process.env["PATH"], DATA_DIR: pathTo("restored"), FFMPEG: "off" },
      cwd: folder,
      stdout: "ignore",
    });
    expect(await made.exited).toBe(0);
    expect((await restored.read(id)).display_url).toEndWith(`${id}.v1.display.webp`);
  });
});
