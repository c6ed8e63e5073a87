import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Database } from "bun:sqlite";

import { startFakeS3, type FakeS3 } from "../support/fake-s3.ts";
import { pngPhoto } from "../support/media-samples.ts";
import { diskAndBucket, startMoveMedia } from "../support/move-media-command.ts";
import { ServiceProcess } from "../support/process.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(300_000);

interface Shared {
  id: string;
  url: string;
}

let folder: string;
let s3: FakeS3;
let settings: Record<string, string>;
let service: ServiceProcess;
let token: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "image-sharing-move-media-"));
  s3 = await startFakeS3();
  settings = { ...diskAndBucket(s3), DATABASE_URL: "" };
  service = new ServiceProcess(folder, settings);
});
afterEach(async () => {
  await service.kill();
  await s3.close();
  await rm(folder, { recursive: true, force: true });
});

/** Starts the service and shares this many photos. */
async function share(posts: number): Promise<Shared[]> {
  await service.start();
  token = await service.signUp("ada@example.com");
  const photo = new Blob([await pngPhoto()]);
  return Promise.all(
    Array.from({ length: posts }, async () => (await (await service.upload(token, photo)).json()) as Shared),
  );
}
const moveMedia = (args: string[], environment: Record<string, string> = {}) =>
  startMoveMedia(folder, args, { ...settings, ...environment });
const run = (...args: string[]) => moveMedia(args).result();

const statusOf = async ({ url }: Shared) =>
  (await service.fetch(new URL(url).pathname, { redirect: "manual" })).status;

test("move-media: moves all posts beside the running service, and a post that cannot be moved is named", async () => {
  const posts = await share(3);
  const { id } = posts[1]!;
  await rm(join(folder, "media", id.slice(-2), `${id}.png`));
  const first = await run("--to", "s3");
  expect(first.out).toMatch(/^2 posts moved to s3 \([\d.]+ (?:bytes|kB) without renditions\)\./);
  expect(first.error).toContain("New uploads go to disk: set MEDIA_STORE=s3 for the service");
  expect(first.error).toContain(`post ${id}: ${id}.png is missing in disk\n`);
  expect(first.error).toContain("posts done: 3 of 3\n");
  expect(first.error).toContain("1 post could not be moved, for the reasons above.");
  expect(first.status).toBe(1);
  await until(async () => (await statusOf(posts[0]!)) === 302);
  expect(await statusOf(posts[2]!)).toBe(302);

  await service.fetch(`/posts/${id}`, { method: "DELETE", token });
  const second = await run("--to=s3", "--limit=10");
  expect(second).toMatchObject({
    out: expect.stringMatching(/^0 posts moved to s3 .*\nFiles of 2 posts are left in other stores/),
    status: 0,
  });
  const back = await run("--to", "disk");
  expect(back).toMatchObject({ status: 0, error: expect.not.stringContaining("New uploads") });
  await until(async () => (await statusOf(posts[0]!)) === 200);
});

test("move-media: one that is interrupted ends with status 130, and the next run moves the rest", async () => {
  const posts = await share(6);
  s3.fail("PUT", "hang before", 4);
  const move = moveMedia(["--to", "s3"]);
  await until(() => s3.calls.filter((call) => call === "PUT").length >= 4);
  move.kill("SIGINT");
  const { out, status } = await move.result();
  expect(out).toContain("Interrupted. Repeat the command to move the rest.\n");
  expect(status).toBe(130);
  expect(await readdir(join(folder, "tmp"))).not.toContain(expect.stringContaining("move-"));
  for (const post of posts) expect(await statusOf(post)).toBe(200);
  const second = await run("--to", "s3", "--limit", "1");
  expect(second).toMatchObject({ out: expect.stringContaining("6 posts moved to s3"), status: 0 });
});

test("move-media: a store that cannot be used ends the command with a sentence", async () => {
  await share(1);
  s3.fail("HEAD", "403");
  const refused = await run("--to", "s3");
  expect(refused.error).toContain(
    "s3: it refuses the call (S3 403). 0 posts moved; repeat the command to move the rest.\n",
  );
  expect(refused.status).toBe(1);
  const missing = await run("--to", "imagekit");
  expect(missing.error).toContain("The store imagekit is not configured: set IMAGEKIT_PUBLIC_KEY");
  expect(missing.status).toBe(1);
  for (const text of [refused.error, missing.error]) expect(text).not.toContain(s3.secretAccessKey);
});

test("move-media: media in a store of a later version end the command with a sentence", async () => {
  await share(1);
  const database = new Database(join(folder, "image-sharing.db"));
  database.run("update posts set store = 'tape'");
  database.close();
  const { error, status } = await run("--to", "s3");
  expect(error).toContain('This version does not know the store "tape", which has media. 0 posts moved');
  expect(status).toBe(1);
});

test("move-media: a wrong option is a usage error, and a wrong folder is named", async () => {
  for (const [args, problem] of [
    [[], "move-media: --to STORE is missing.\n"],
    [["--to", "ftp"], "move-media: --to must be one of imagekit, s3, disk.\n"],
    [["--to", "s3", "--limit", "0"], "--limit must be a whole number of MB per second from 1 to 10000."],
    [["--to", "s3", "--limit", "fast"], "--limit must be a whole number of MB per second from 1 to 10000."],
  ] as const) {
    const { error, status } = await run(...args);
    expect(error).toContain(problem);
    expect(status).toBe(2);
  }
  const { error, status } = await run("--to", "s3");
  expect(error).toContain(`There is no database in ${folder}.`);
  expect(status).toBe(1);
});
