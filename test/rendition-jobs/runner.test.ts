import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";

import { truncate } from "node:fs/promises";

import { ApiError } from "../../src/errors.ts";
import { addBacklog } from "../../src/rendition-jobs/backlog.ts";
import { picturesBytes } from "../../src/rendition-jobs/job-space.ts";
import type { PostRead } from "../../src/posts/post-read.ts";
import type { RenditionServices } from "../../src/rendition-jobs/rendition-services.ts";
import { createRenditionRunner, type RenditionRunner } from "../../src/rendition-jobs/runner.ts";
import type { MediaStore } from "../../src/storage/media-store.ts";
import { jpegPhoto } from "../support/media-samples.ts";
import { TestService } from "../support/service.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(60_000);

const largePhoto = jpegPhoto(2100, 350);

let service: TestService;
let token: string;
let runners: RenditionRunner[];
beforeEach(async () => {
  runners = [];
  service = await TestService.start();
  ({ token } = await service.signUp());
});
afterEach(async () => {
  for (const runner of runners) await runner.stop();
  await service.close();
});

/** Starts a runner that looks, renews and retries quickly. */
function start(changes: Partial<RenditionServices> = {}, renewalMs = 20): RenditionRunner {
  const runner = createRenditionRunner(
    { ...service.services, ...changes },
    { pollMs: 20, renewalMs, retryMs: 1 },
  );
  runners.push(runner);
  runner.start();
  return runner;
}

/** The services with a store whose put is another. */
const putting = (put: (original: MediaStore, ...args: Parameters<MediaStore["put"]>) => unknown) => ({
  storeNamed(name: string): MediaStore {
    const store = service.services.storeNamed(name)!;
    return { ...store, put: (...args) => put(store, ...args) as ReturnType<MediaStore["put"]> };
  },
});

/** Shares a photo that needs a display size. */
async function share(): Promise<PostRead> {
  const answer = await service.upload(token, new Blob([await largePhoto]));
  return (await answer.json()) as PostRead;
}
const read = async (id: string) =>
  (await (await service.fetch(`/posts/${id}`, { token })).json()) as PostRead;
const done = (id: string) => until(async () => !(await read(id)).processing);
const filesOf = async (id: string) =>
  (await service.mediaFiles())
    .filter((name) => name.startsWith(id))
    .map((name) => name.slice(37))
    .sort();
const counts = async () =>
  (await service.services.database.renditionJobs.counts()).map(
    ({ kind, state, jobs }) => `${kind} ${state} ${jobs}`,
  );
const pathOf = (url: string) => new URL(url).pathname;

test("renditions: a photo larger than 2,048 pixels gets a display size after its upload, deleted with its post", async () => {
  const photo = await share();
  expect(photo).toMatchObject({ processing: true, display_url: photo.url });
  const runner = start();
  await done(photo.id);
  await runner.stop();
  const { display_url } = await read(photo.id);
  const answer = await service.fetch(pathOf(display_url));
  expect(answer.headers.get("content-type")).toBe("image/webp");
  expect(await new Bun.Image(await answer.bytes()).metadata()).toMatchObject({ width: 2048, height: 341 });
  expect(await filesOf(photo.id)).toEqual(["display.webp", "jpg", "thumb.webp"]);
  const line = service.logged.find((text) => text.includes("rendition.made"));
  expect(JSON.parse(line!)).toMatchObject({ post: photo.id, kind: "picture", bytes: expect.any(Number) });
  await service.fetch(`/posts/${photo.id}`, { method: "DELETE", token });
  expect(await filesOf(photo.id)).toEqual([]);
  expect(await service.tempFiles()).toEqual([]);
});

test("renditions: an upload wakes a runner that waits for jobs", async () => {
  const runner = createRenditionRunner(service.services);
  runners.push(runner);
  runner.start();
  const { id } = await share();
  runner.wake();
  await done(id);
});

test("renditions: attempts are repeated while the store fails, and succeed when it recovers", async () => {
  const { id } = await share();
  let failures = 2;
  const runner = start(
    putting((store, ...args) => {
      if (failures-- > 0) throw new ApiError("STORE_UNAVAILABLE");
      return store.put(...args);
    }),
  );
  await done(id);
  await runner.stop();
  expect(await filesOf(id)).toContain("display.webp");
  const failed = service.logged
    .filter((text) => text.includes('"rendition.failed"'))
    .map((text) => JSON.parse(text));
  expect(failed.map(({ post, kind, attempts }) => ({ post, kind, attempts }))).toEqual([
    { post: id, kind: "picture", attempts: 1 },
    { post: id, kind: "picture", attempts: 2 },
  ]);
  expect(failed[0].error).toMatchObject({ name: "ApiError" });
  const metrics = await service.services.metrics.text();
  expect(metrics).toContain('image_sharing_renditions_total{kind="picture",outcome="retried"} 2');
  expect(metrics).toContain('image_sharing_renditions_total{kind="picture",outcome="made"} 1');
});

test("renditions: a backlog knows whether all posts were examined before the signal aborted", async () => {
  await share();
  const { signal } = new AbortController();
  expect(await addBacklog(service.services, true, signal)).toMatchObject({ posts: 1, isComplete: true });
  expect(await addBacklog(service.services, true, AbortSignal.abort())).toEqual({
    posts: 0,
    jobs: 0,
    lastPostId: "",
    isComplete: false,
  });
});

test("renditions: an attempt waits for disk space, however long it takes", async () => {
  const claims: number[] = [];
  const { id } = await share();
  const runner = start({
    space: {
      async claim(party, claimed) {
        claims.push(claimed);
        if (claims.length < 8) throw new ApiError("STORAGE_FULL");
        return service.services.space.claim(party, claimed);
      },
    },
  });
  await done(id);
  await runner.stop();
  expect(await filesOf(id)).toContain("display.webp");
  expect(claims).toEqual(Array.from({ length: 8 }, () => picturesBytes));
  expect(await service.tempFiles()).toEqual([]);
});

test("renditions: a job fails for good after five attempts, and its post keeps what it has", async () => {
  const photo = await share();
  const runner = start(
    putting(() => {
      throw new ApiError("STORE_FAILED");
    }),
  );
  await done(photo.id);
  await runner.stop();
  expect(await counts()).toEqual(["picture failed 1"]);
  expect(await read(photo.id)).toMatchObject({ display_url: photo.url, thumbnail_url: photo.thumbnail_url });
  expect(service.logged.filter((text) => text.includes('"rendition.failed"'))).toHaveLength(5);
  expect(await service.services.metrics.text()).toContain(
    'image_sharing_rendition_jobs{kind="picture",state="failed"} 1',
  );
  expect(await service.tempFiles()).toEqual([]);
});

test("renditions: a job that fails for good leaves none of the files that its attempts have stored", async () => {
  const { id } = await share();
  const files = await filesOf(id);
  await addBacklog(service.services, true, new AbortController().signal);
  const runner = start(
    putting((store, key, ...rest) => {
      if (key.endsWith(".display.webp")) throw new ApiError("STORE_FAILED");
      return store.put(key, ...rest);
    }),
  );
  await done(id);
  await runner.stop();
  expect(await counts()).toEqual(["picture failed 1"]);
  expect(await filesOf(id)).toEqual(files);
});

test("renditions: a put that hangs ends at its deadline, and the job is repeated", async () => {
  const { id } = await share();
  let hangs = true;
  start({
    ...putting((store, key, file, signal) => {
      if (!hangs) return store.put(key, file, AbortSignal.timeout(30_000));
      hangs = false;
      return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    }),
    deadlineFor: () => 0.05,
  });
  await done(id);
  expect(await filesOf(id)).toContain("display.webp");
});

test("renditions: a damaged original fails at the first attempt, and an image no longer stands in for its thumbnail", async () => {
  const photo = await share();
  const { database, disk } = service.services;
  await truncate(disk.resolve(photo.url.slice(photo.url.lastIndexOf("/") + 1)), 100);
  const stoodIn = await database.renditionJobs.claim("picture", "", new Date(), new Date());
  // As published without a thumbnail.
  const standIn = { ...stoodIn!, thumbnailUrl: pathOf(photo.url) };
  expect(await database.renditionJobs.finish(standIn, { thumbnailUrl: standIn.thumbnailUrl })).toBe(true);
  await database.renditionBacklog.addPage(
    ["disk"],
    "",
    10,
    () => ({ kinds: ["picture"], replacesExisting: false }),
    new Date(),
  );
  expect(await read(photo.id)).toMatchObject({ thumbnail_url: photo.url, processing: true });
  start();
  await done(photo.id);
  expect(await read(photo.id)).toMatchObject({ thumbnail_url: null, display_url: photo.url });
  expect(await counts()).toEqual(["picture failed 1"]);
  expect(service.logged.filter((text) => text.includes('"rendition.failed"'))).toHaveLength(1);
});

test("renditions: a post that is deleted while its renditions are stored leaves nothing", async () => {
  const { id } = await share();
  const runner = start(
    putting(async (store, ...args) => {
      await service.fetch(`/posts/${id}`, { method: "DELETE", token });
      expect(await filesOf(id)).toEqual([]);
      return store.put(...args);
    }),
  );
  await until(() => service.logged.some((text) => text.includes("DELETE")));
  await until(async () => (await service.services.database.posts.countUnfinished()).deleting === 1);
  await runner.stop();
  expect(await filesOf(id)).toEqual([]);
  expect(service.logged.filter((text) => text.includes("rendition."))).toEqual([]);
});

test("renditions: an attempt that fails because its post is deleted is not reported as a failure", async () => {
  const { id } = await share();
  start(
    putting(async (store, key, ...rest) => {
      if (!key.startsWith(id)) return store.put(key, ...rest);
      await service.fetch(`/posts/${id}`, { method: "DELETE", token });
      throw new ApiError("STORE_FAILED");
    }),
    60_000,
  );
  // The lane runs one job at a time.
  await done((await share()).id);
  expect(await filesOf(id)).toEqual([]);
  expect(service.logged.filter((text) => text.includes('"rendition.failed"'))).toEqual([]);
});

test("renditions: what a killed process stored after a deletion is deleted when its lease has ended", async () => {
  const { id, url } = await share();
  const { database, disk, sweeper, tempDir } = service.services;
  const job = await database.renditionJobs.claim("picture", "", new Date(), new Date(Date.now() + 700));
  await service.fetch(`/posts/${id}`, { method: "DELETE", token });
  const path = `${tempDir}/late`;
  await Bun.write(path, "late");
  const late = {
    file: Bun.file(path),
    contentType: "image/webp",
    displayName: "late.webp",
    bytes: 4,
  } as const;
  await disk.put(`${id}.display.webp`, late, AbortSignal.timeout(10_000));
  expect(url).toContain(job!.key);
  expect(await filesOf(id)).toEqual(["display.webp"]);
  await until(async () => {
    await sweeper.sweep();
    return (await database.posts.countUnfinished()).deleting === 0;
  });
  expect(await filesOf(id)).toEqual([]);
});

test("renditions: an attempt whose lease was taken over publishes nothing, and leaves the files of the other one", async () => {
  const { id } = await share();
  const { database } = service.services;
  const runner = start(
    putting(async (store, ...args) => {
      const stored = await store.put(...args);
      const later = Date.now() + 120_000;
      const heir = await database.renditionJobs.claim("picture", "", new Date(later), new Date(later));
      if (heir) await database.renditionJobs.finish(heir, { displayUrl: stored.url, placeholder: "heir" });
      return stored;
    }),
  );
  await done(id);
  await runner.stop();
  expect(await read(id)).toMatchObject({ placeholder: "heir", processing: false });
  expect(await filesOf(id)).toEqual(["display.webp", "jpg", "thumb.webp"]);
});

test("renditions: stopping aborts a job, and does not count its attempt", async () => {
  const { id } = await share();
  const { promise: put, resolve } = Promise.withResolvers<void>();
  const runner = start(
    putting((_store, _key, _file, signal) => {
      resolve();
      return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    }),
  );
  await put;
  await runner.stop();
  expect(await counts()).toEqual(["picture waiting 1"]);
  expect(service.logged.filter((text) => text.includes("rendition."))).toEqual([]);
  const { database } = service.services;
  const job = await database.renditionJobs.claim("picture", "", new Date(), new Date());
  expect(job).toMatchObject({ postId: id, attempts: 1 });
});

test("renditions: a job whose attempts have ended the process five times fails", async () => {
  const { id } = await share();
  const { database } = service.services;
  for (let attempt = 0; attempt < 5; attempt++)
    await database.renditionJobs.claim("picture", "", new Date(), new Date());
  start();
  await done(id);
  expect(await counts()).toEqual(["picture failed 1"]);
});

test("renditions: a process that starts alone continues the jobs of a killed one at once", async () => {
  const { id } = await share();
  const { database } = service.services;
  const killed = await database.renditionJobs.claim("picture", "", new Date(), new Date(Date.now() + 60_000));
  expect(killed?.postId).toBe(id);
  const runner = createRenditionRunner(service.services);
  runners.push(runner);
  runner.start({ isOnlyProcess: true });
  await done(id);
});
