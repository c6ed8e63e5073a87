import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, readdir, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Database } from "bun:sqlite";

import { databaseFile } from "../../src/data-dir.ts";
import { startFakeImageKit } from "../support/fake-imagekit.ts";
import { jpegPhoto } from "../support/media-samples.ts";
import { command, ServiceProcess } from "../support/process.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(300_000);

interface Shared {
  id: string;
  url: string;
  thumbnail_url: string | null;
  display_url: string;
  placeholder: string | null;
  processing: boolean;
}

const photo = jpegPhoto(2100, 350);

let folder: string;
let service: ServiceProcess;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "image-sharing-renditions-"));
  service = new ServiceProcess(folder, { DATABASE_URL: "", FFMPEG: "off" });
});
afterEach(async () => {
  await service.kill();
  await rm(folder, { recursive: true, force: true });
});

function start(args: string[], environment: Record<string, string> = {}) {
  return Bun.spawn([...command, "renditions", ...args], {
    env: { PATH: process.env["PATH"], DATA_DIR: folder, FFMPEG: "off", ...environment },
    cwd: folder,
    stdout: "pipe",
    stderr: "pipe",
  });
}

async function renditions(args: string[] = [], environment: Record<string, string> = {}) {
  const child = start(args, environment);
  const [out, error] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { out, error, status: await child.exited };
}

/** Runs SQL beside the service or without it. */
function change(statement: string): void {
  const database = new Database(join(folder, databaseFile));
  database.run("pragma busy_timeout = 5000");
  database.run(statement);
  database.close();
}

const mediaFiles = async () =>
  (await readdir(join(folder, "media"), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map(({ name }) => name);

async function feed(token: string): Promise<Shared[]> {
  return ((await (await service.fetch("/feed", { token })).json()) as { posts: Shared[] }).posts;
}
const share = async (token: string) =>
  (await (await service.upload(token, new Blob([await photo]))).json()) as Shared;
const settled = (token: string) =>
  until(async () => (await feed(token)).every((post) => !post.processing), { timeoutMs: 120_000 });

test("renditions: the command makes what posts lack, and again only what they lack", async () => {
  await service.start();
  const token = await service.signUp("ada@example.com");
  const { id } = await share(token);
  await share(token);
  await settled(token);
  await service.stop();
  // As an earlier version left it.
  change("update posts set thumbnail_url = null, display_url = null, placeholder = null");
  for (const name of await mediaFiles())
    if (name.endsWith(".webp")) await rm(join(folder, "media", name.slice(34, 36), name));

  const first = await renditions();
  expect(first).toMatchObject({ status: 0, error: expect.stringMatching(/rendition jobs done: 2 of 2\n$/) });
  expect(first.out).toContain("2 posts: 2 rendition jobs done, 0 failed.\n");
  expect((await mediaFiles()).filter((name) => name.startsWith(id)).sort()).toEqual([
    `${id}.display.webp`,
    `${id}.jpg`,
    `${id}.thumb.webp`,
  ]);
  const second = await renditions();
  expect(second.out).toBe("2 posts: 0 rendition jobs done, 0 failed.\n");
  await service.start();
  for (const post of await feed(token)) {
    expect(post).toMatchObject({ processing: false, placeholder: expect.any(String) });
    for (const url of [post.thumbnail_url!, post.display_url])
      expect((await service.fetch(new URL(url).pathname)).headers.get("content-type")).toBe("image/webp");
  }
});

test("renditions: does not say that a rendition was made where a job finds that the post needs none", async () => {
  await service.start();
  const token = await service.signUp("ada@example.com");
  await service.upload(token, new Blob([await jpegPhoto(300, 200)]));
  await settled(token);
  await service.stop();
  // Only the file tells that the large view needs no display size.
  change("update posts set width = 3000");
  const before = (await mediaFiles()).sort();
  expect((await renditions()).out).toBe("1 post: 1 rendition job done, 0 failed.\n");
  expect((await mediaFiles()).sort()).toEqual(before);
});

test("renditions --all: makes all anew while the service runs, and earlier addresses lead to the new files", async () => {
  await service.start();
  const token = await service.signUp("ada@example.com");
  await share(token);
  await settled(token);
  const [before] = await feed(token);
  const { out, status } = await renditions(["--all"]);
  expect(out).toContain("1 post: 1 rendition job done, 0 failed.\n");
  expect(status).toBe(0);
  await settled(token);
  await until(async () => (await feed(token))[0]!.display_url !== before!.display_url);
  const [after] = await feed(token);
  const { id } = after!;
  expect(after!.thumbnail_url).toEndWith(`/media/${id}.v1.thumb.webp`);
  expect(after!.display_url).toEndWith(`/media/${id}.v1.display.webp`);
  await until(async () => (await mediaFiles()).length === 3);
  expect((await mediaFiles()).sort()).toEqual([`${id}.jpg`, `${id}.v1.display.webp`, `${id}.v1.thumb.webp`]);
  for (const [from, to] of [
    [before!.thumbnail_url!, after!.thumbnail_url!],
    [before!.display_url, after!.display_url],
  ] as const) {
    const answer = await service.fetch(new URL(from).pathname, { redirect: "manual" });
    expect(answer.status).toBe(302);
    expect(new URL(answer.headers.get("location")!, from).href).toBe(to);
  }
});

test("renditions: a damaged original fails with status 1, and is tried again by the next run", async () => {
  await service.start();
  const token = await service.signUp("ada@example.com");
  const { id } = await share(token);
  await settled(token);
  await truncate(join(folder, "media", id.slice(-2), `${id}.jpg`), 100);
  for (let run = 0; run < 2; run++) {
    await service.stop();
    change("update posts set display_url = null");
    const { out, error, status } = await renditions();
    expect(out).toContain("1 post: 0 rendition jobs done, 1 failed.\n");
    expect(error).toContain(`picture of post ${id}: ApiError`);
    expect(error).toContain("Some renditions could not be made.");
    expect(status).toBe(1);
    await service.start();
  }
});

test("renditions: says once that the disk is full, and what to do", async () => {
  await service.start();
  const token = await service.signUp("ada@example.com");
  for (let i = 0; i < 3; i++) await share(token);
  await settled(token);
  await service.stop();
  const child = start(["--all"], { MIN_FREE_SPACE: "100000gb" });
  let error = "";
  const decoder = new TextDecoder();
  for await (const chunk of child.stderr) {
    error += decoder.decode(chunk);
    if (/leave them to the service|STORAGE_FULL/.test(error)) child.kill("SIGINT");
  }
  expect(await child.exited).toBe(130);
  expect(error.match(/There is no space left/g)).toHaveLength(1);
  expect(error).not.toContain("STORAGE_FULL");
});

test("renditions: after Ctrl-C the service makes what is left", async () => {
  await service.start();
  const token = await service.signUp("ada@example.com");
  for (let i = 0; i < 3; i++) await share(token);
  await settled(token);
  await service.stop();
  const child = start(["--all"]);
  await until(async () => (await mediaFiles()).some((name) => name.includes(".v1.")));
  child.kill("SIGINT");
  expect(await child.exited).toBe(130);
  expect(await new Response(child.stdout).text()).toBe(
    "Interrupted. The service makes the remaining renditions.\n",
  );
  await service.start();
  await settled(token);
  expect((await mediaFiles()).filter((name) => name.includes(".v1."))).toHaveLength(6);
  // A post's earlier files are deleted after its new addresses are published.
  await until(async () => (await mediaFiles()).length === 9);
});

test("renditions: says that ImageKit makes those of its files itself", async () => {
  const fake = await startFakeImageKit();
  const imagekit = {
    IMAGEKIT_PUBLIC_KEY: "public_test",
    IMAGEKIT_PRIVATE_KEY: fake.privateKey,
    IMAGEKIT_URL_ENDPOINT: fake.urlEndpoint,
    IMAGE_KIT_BASE_URL: fake.url,
  };
  try {
    await service.start();
    await service.stop();
    const { out, status } = await renditions([], imagekit);
    expect(status).toBe(0);
    expect(out).toContain("ImageKit makes the renditions of its files itself");
    expect(out).toContain("0 posts: 0 rendition jobs done, 0 failed.");
  } finally {
    await fake.close();
  }
});

test("renditions: refuses a folder without a database", async () => {
  const { error, status } = await renditions();
  expect(status).toBe(1);
  expect(error).toContain(`There is no database in ${folder}.`);
});
