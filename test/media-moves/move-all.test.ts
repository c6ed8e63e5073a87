import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { rm } from "node:fs/promises";
import { join } from "node:path";

import { linkingTarget } from "../../src/importing/import-target.ts";
import { createBytePace } from "../../src/media-moves/byte-pace.ts";
import { moveAll, type MoveReport } from "../../src/media-moves/move-all.ts";
import type { MoveServices } from "../../src/media-moves/move-services.ts";
import { addBacklog } from "../../src/rendition-jobs/backlog.ts";
import { createRenditionRunner } from "../../src/rendition-jobs/runner.ts";
import type { MediaStore } from "../../src/storage/media-store.ts";
import { startFakeImageKit, type FakeImageKit } from "../support/fake-imagekit.ts";
import { startFakeS3, type FakeS3 } from "../support/fake-s3.ts";
import { importInto } from "../importing/importing.ts";
import { aviVideo, jpegPhoto, mp4Video } from "../support/media-samples.ts";
import { createOriginal, idOf } from "../support/original-database.ts";
import { TestService } from "../support/service.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(60_000);

const photo = jpegPhoto(2100, 350);
const noSignal = new AbortController().signal;

interface Shared {
  id: string;
  url: string;
  thumbnail_url: string;
  display_url: string;
  processing: boolean;
}

let s3: FakeS3;
let imagekit: FakeImageKit;
let service: TestService;
let user: { id: string; email: string; token: string };
beforeEach(async () => {
  [s3, imagekit] = await Promise.all([startFakeS3(), startFakeImageKit()]);
  service = await TestService.start({
    MEDIA_STORE: "disk",
    S3_BUCKET: s3.bucket,
    S3_ENDPOINT: s3.url,
    S3_REGION: s3.region,
    S3_ACCESS_KEY_ID: s3.accessKeyId,
    S3_SECRET_ACCESS_KEY: s3.secretAccessKey,
    IMAGEKIT_PUBLIC_KEY: "public",
    IMAGEKIT_PRIVATE_KEY: imagekit.privateKey,
    IMAGEKIT_URL_ENDPOINT: imagekit.deliveryUrl,
    IMAGE_KIT_BASE_URL: imagekit.url,
  });
  user = await service.signUp();
});
afterEach(async () => {
  await service.close();
  await Promise.all([s3.close(), imagekit.close()]);
});

/** Stored files by the ends of their keys. */
const ends = (keys: Iterable<string>) =>
  [...keys].map((key) => key.slice(key.lastIndexOf("/") + 1).slice(37)).sort();
const onDisk = async () => ends(await service.mediaFiles());
const inS3 = () => ends(s3.objects.keys());
const inImageKit = () => ends(imagekit.files.keys());

const upload = async () =>
  (await (await service.upload(user.token, new Blob([await photo]))).json()) as Shared;
const read = async (id: string) =>
  (await (await service.fetch(`/posts/${id}`, { token: user.token })).json()) as Shared;

/** Makes the renditions that wait. */
async function makeRenditions(id: string): Promise<void> {
  const runner = createRenditionRunner(service.services, { pollMs: 20, renewalMs: 1000, retryMs: 1 });
  runner.start();
  await until(async () => !(await read(id)).processing).finally(() => runner.stop());
}

/** Moves all posts, and says why some were not moved. */
async function move(
  to: "disk" | "s3" | "imagekit",
  {
    services = service.services,
    wrap = (store: MediaStore) => store,
    signal = noSignal,
    limit = undefined as number | undefined,
  } = {},
): Promise<MoveReport & { reasons: string[] }> {
  const reasons: string[] = [];
  const moving: MoveServices = { ...services, pace: createBytePace(limit) };
  const observer = {
    progress() {},
    waiting() {},
    failed: (_: string, reason: string) => void reasons.push(reason),
  };
  const times = { retryMs: 1, busyMs: 20 };
  const report = await moveAll(moving, wrap(services.storeNamed(to)!), observer, signal, times);
  return { ...report, reasons };
}

/** Deletes what moves have left, as the sweeper does after the grace period. */
async function sweepLeftovers(...posts: Shared[]): Promise<void> {
  for (const { id } of posts) await service.services.database.mediaCopies.expire(id, new Date());
  await service.services.sweeper.sweep();
}

const isSame = (bytes: Uint8Array, other: Uint8Array) => Buffer.compare(bytes, other) === 0;
const pathOf = (url: string) => new URL(url).pathname;

describe("between disk and S3", () => {
  test("move: a post's files are copied, its address leads to the bucket, and the old files are kept for a while", async () => {
    const post = await upload();
    await makeRenditions(post.id);
    const before = await read(post.id);
    expect(await onDisk()).toEqual(["display.webp", "jpg", "thumb.webp"]);
    expect(await move("s3")).toEqual({ moved: 1, bytes: (await photo).length, failed: 0, reasons: [] });
    expect(inS3()).toEqual(await onDisk());
    expect(await read(post.id)).toEqual(before);
    for (const url of [before.url, before.thumbnail_url, before.display_url]) {
      const answer = await service.fetch(pathOf(url), { redirect: "manual" });
      expect(answer.status).toBe(302);
      const signed = await fetch(answer.headers.get("location")!);
      expect(signed.status).toBe(200);
      if (url === before.url) expect(isSame(await signed.bytes(), await photo)).toBe(true);
    }
    await service.services.sweeper.sweep();
    expect(await onDisk()).toHaveLength(3);
    await sweepLeftovers(post);
    expect(await onDisk()).toEqual([]);
    expect(inS3()).toHaveLength(3);
  });

  test("move: back to disk, within the grace period and after it, and nothing is left in the bucket", async () => {
    const post = await upload();
    await makeRenditions(post.id);
    await move("s3");
    expect(await move("disk")).toMatchObject({ moved: 1 });
    await sweepLeftovers(post);
    expect([await onDisk(), inS3()]).toEqual([["display.webp", "jpg", "thumb.webp"], []]);
    await move("s3");
    await sweepLeftovers(post);
    await move("disk");
    await sweepLeftovers(post);
    expect([await onDisk(), inS3()]).toEqual([["display.webp", "jpg", "thumb.webp"], []]);
    const answer = await service.fetch(pathOf(post.url));
    expect(isSame(await answer.bytes(), await photo)).toBe(true);
    expect(await service.tempFiles()).toEqual([]);
  });

  test("move: posts of deactivated accounts move too, and stay hidden", async () => {
    const post = await upload();
    await service.services.database.users.change("operator", user, { isActive: false });
    await service.services.database.posts.syncPostStates(user.id);
    expect(await move("s3")).toMatchObject({ moved: 1 });
    expect((await service.fetch(pathOf(post.url))).status).toBe(404);
    await service.services.database.users.change("operator", user, { isActive: true });
    await service.services.database.posts.syncPostStates(user.id);
    expect((await service.fetch(pathOf(post.url), { redirect: "manual" })).status).toBe(302);
  });

  test("move: an image without renditions yet gets them in the new store", async () => {
    const { id } = await upload();
    await move("s3");
    expect(await read(id)).toMatchObject({ processing: true });
    await makeRenditions(id);
    expect(inS3()).toEqual(["display.webp", "jpg", "thumb.webp"]);
    expect((await read(id)).display_url).toEndWith(`/media/${id}.display.webp`);
  });

  test("move: an attempt at a rendition that runs meanwhile loses its lease, and another one makes it", async () => {
    const { id } = await upload();
    const { renditionJobs } = service.services.database;
    const job = await renditionJobs.claim("picture", "", new Date(), new Date(Date.now() + 60_000));
    await move("s3");
    expect(await renditionJobs.finish(job!, { displayUrl: "/media/lost" })).toBe(false);
    await makeRenditions(id);
    expect((await read(id)).display_url).toEndWith(".display.webp");
  });

  test("move: renditions that are replaced during the copy are copied anew", async () => {
    const post = await upload();
    await makeRenditions(post.id);
    let isReplaced = false;
    const wrap = (store: MediaStore): MediaStore => ({
      ...store,
      async put(...args) {
        const stored = await store.put(...args);
        if (!isReplaced) {
          isReplaced = true;
          await addBacklog(service.services, true, noSignal);
          await makeRenditions(post.id);
        }
        return stored;
      },
    });
    expect(await move("s3", { wrap })).toMatchObject({ moved: 1, failed: 0 });
    expect((await read(post.id)).display_url).toEndWith(".v1.display.webp");
    await sweepLeftovers(post);
    expect(await onDisk()).toEqual([]);
    expect(inS3()).toEqual(["jpg", "v1.display.webp", "v1.thumb.webp"]);
  });
});

describe("to and from ImageKit", () => {
  test("move: ImageKit makes the renditions, and earlier addresses lead to it", async () => {
    const post = await upload();
    await makeRenditions(post.id);
    const before = await read(post.id);
    expect(await move("imagekit")).toMatchObject({ moved: 1, failed: 0 });
    const after = await read(post.id);
    expect(after.url).toStartWith("https://ik.imagekit.io/");
    expect(after.thumbnail_url).toContain("?tr=");
    expect(after.processing).toBe(false);
    for (const [from, to] of [
      [before.url, after.url],
      [before.thumbnail_url, after.thumbnail_url],
      [before.display_url, after.display_url],
    ] as const) {
      const answer = await service.fetch(pathOf(from), { redirect: "manual" });
      expect([answer.status, answer.headers.get("location")]).toEqual([302, to]);
    }
    await sweepLeftovers(post);
    expect([await onDisk(), inImageKit()]).toEqual([[], ["jpg"]]);
  });

  test("move: away from ImageKit, renditions are made under new keys", async () => {
    const post = await upload();
    await makeRenditions(post.id);
    const before = await read(post.id);
    await move("imagekit");
    await sweepLeftovers(post);
    expect(await move("disk")).toMatchObject({ moved: 1 });
    expect(await read(post.id)).toMatchObject({ processing: true, thumbnail_url: post.url });
    await makeRenditions(post.id);
    const after = await read(post.id);
    expect(after.thumbnail_url).toEndWith(`/media/${post.id}.v1.thumb.webp`);
    const answer = await service.fetch(pathOf(before.thumbnail_url), { redirect: "manual" });
    expect(answer.headers.get("location")).toBe(`${post.id}.v1.thumb.webp`);
    await sweepLeftovers(post);
    expect([await onDisk(), inImageKit()]).toEqual([["jpg", "v1.display.webp", "v1.thumb.webp"], []]);
  });

  test("move: a video that browsers play keeps its own address for playing, and another one gets ImageKit's MP4", async () => {
    const playable = (await (await service.upload(user.token, new Blob([mp4Video()]))).json()) as Shared;
    const other = (await (await service.upload(user.token, new Blob([aviVideo()]))).json()) as Shared;
    expect(await move("imagekit")).toMatchObject({ moved: 2, failed: 0 });
    expect((await read(playable.id)).display_url).toBe((await read(playable.id)).url);
    const video = await read(other.id);
    expect(video.display_url).toBe(`${video.url}?tr=f-mp4`);
    expect(video.thumbnail_url).toContain("/ik-thumbnail.jpg");
  });

  test("move: from S3 to ImageKit, and back within the grace period", async () => {
    const post = await upload();
    await makeRenditions(post.id);
    const limit = 20e6;
    for (const store of ["s3", "imagekit", "s3"] as const)
      expect(await move(store, { limit })).toMatchObject({ moved: 1, failed: 0 });
    await makeRenditions(post.id);
    await sweepLeftovers(post);
    expect([await onDisk(), inImageKit()]).toEqual([[], []]);
    expect(inS3()).toEqual(["jpg", "v1.display.webp", "v1.thumb.webp"]);
  });
});

describe("from another program's files in ImageKit", () => {
  test("move: the file of an imported post is copied from where the other program put it, and its size is learned", async () => {
    const file = join(service.dataDir, "original.db");
    createOriginal(file, { users: 1, posts: 1, endpoint: imagekit.deliveryUrl });
    imagekit.place("/photo_0.jpg", Buffer.from(await photo));
    const target = linkingTarget(service.services);
    await importInto(service, file, { urlEndpoint: imagekit.deliveryUrl, target });
    expect(await move("disk")).toMatchObject({ moved: 1, failed: 0, reasons: [] });
    const post = await read(idOf("post", 0));
    expect(post).toMatchObject({ processing: true, bytes: (await photo).length });
    expect(pathOf(post.url)).toStartWith("/media/");
    const answer = await service.fetch(pathOf(post.url));
    expect(isSame(await answer.bytes(), await photo)).toBe(true);
    await makeRenditions(post.id);
    await sweepLeftovers(post);
    expect(inImageKit()).toEqual([]);
  });
});

describe("failures", () => {
  test("move: a copy that differs is not used, and is deleted", async () => {
    const post = await upload();
    s3.fail("PUT", "corrupt", 2);
    const report = await move("s3");
    expect(report).toMatchObject({ moved: 0, failed: 1 });
    expect(report.reasons[0]).toBe(`the copy of ${post.id}.jpg in s3 differs from it`);
    expect((await service.fetch(pathOf(post.url))).status).toBe(200);
    await sweepLeftovers(post);
    expect(inS3()).toEqual([]);
    s3.fail("PUT", "corrupt", 1);
    expect(await move("s3")).toMatchObject({ moved: 1, failed: 0 });
  });

  test("move: a copy whose ETag is no checksum is read back", async () => {
    await upload();
    s3.fail("HEAD", "odd ETag");
    expect(await move("s3")).toMatchObject({ moved: 1, failed: 0 });
    expect(s3.calls.filter((call) => call === "GET")).toHaveLength(2);
  });

  test("move: a copy with the right ETag is not read back", async () => {
    await upload();
    expect(await move("s3")).toMatchObject({ moved: 1, failed: 0 });
    expect(s3.calls).not.toContain("GET");
  });

  test("move: a rendition whose download ends early is read again", async () => {
    const post = await upload();
    await makeRenditions(post.id);
    await move("s3");
    let isCut = false;
    const cutting = (store: MediaStore | undefined): MediaStore => ({
      ...store!,
      async read(key, signal) {
        const content = await store!.read(key, signal);
        if (isCut || !content || !key.endsWith(".webp")) return content;
        isCut = true;
        return { ...content, bytes: content.bytes! + 1 };
      },
    });
    const { storeNamed } = service.services;
    const services = {
      ...service.services,
      storeNamed: (name: string) => (name === "s3" ? cutting(storeNamed(name)) : storeNamed(name)),
    };
    expect(await move("disk", { services })).toMatchObject({ moved: 1, failed: 0 });
    expect(isCut).toBe(true);
  });

  test("move: a post whose file is missing or cut off stays, and the others move", async () => {
    const [missing, cut, good] = [await upload(), await upload(), await upload()];
    const { disk } = service.services;
    await rm(disk.resolve(`${missing.id}.jpg`));
    await Bun.write(disk.resolve(`${cut.id}.jpg`), (await photo).subarray(0, 1000));
    const report = await move("s3");
    expect(report).toMatchObject({ moved: 1, failed: 2 });
    expect(report.reasons.sort()).toEqual(
      [
        `${missing.id}.jpg is missing in disk`,
        `${cut.id}.jpg has 1000 bytes in disk, not ${(await photo).length}`,
      ].sort(),
    );
    expect((await service.fetch(pathOf(good.url), { redirect: "manual" })).status).toBe(302);
  });

  test("move: a target that cannot be used ends the move, and nothing is lost or left", async () => {
    const post = await upload();
    s3.fail("PUT", "403");
    s3.fail("HEAD", "403");
    await expect(move("s3")).rejects.toThrow("s3: it refuses the call (S3 403)");
    s3.fail("HEAD", null);
    s3.fail("PUT", "quota");
    await expect(move("s3")).rejects.toThrow("s3: there is no space left");
    s3.fail("PUT", "too large");
    const { reasons } = await move("s3");
    expect(reasons[0]).toStartWith("s3: the file is too large");
    s3.fail("PUT", null);
    await sweepLeftovers(post);
    expect((await service.fetch(pathOf(post.url))).status).toBe(200);
    expect(await move("s3")).toMatchObject({ moved: 1 });
  });

  test("move: a copy is compared with the whole file where the store has read only a part of its last attempt", async () => {
    await upload();
    const wrap = (store: MediaStore): MediaStore => ({
      ...store,
      async put(key, file, signal) {
        const stored = await store.put(key, file, signal);
        // As when a repeated attempt is answered early, because the first one has stored the file.
        await file.stream!().cancel();
        return stored;
      },
    });
    expect(await move("s3", { wrap })).toMatchObject({ moved: 1, failed: 0 });
    // Once each, and not again as copies that differ.
    expect(s3.calls.filter((method) => method === "PUT")).toHaveLength(inS3().length);
  });

  test("move: a post that is deleted during the copy leaves nothing", async () => {
    const post = await upload();
    const wrap = (store: MediaStore): MediaStore => ({
      ...store,
      async put(...args) {
        const stored = await store.put(...args);
        const answer = await service.fetch(`/posts/${post.id}`, { method: "DELETE", token: user.token });
        expect(answer.status).toBe(200);
        return stored;
      },
    });
    expect(await move("s3", { wrap })).toMatchObject({ moved: 0, failed: 0 });
    await sweepLeftovers(post);
    expect([await onDisk(), inS3()]).toEqual([[], []]);
  });

  test("move: a deleted post takes its left-over files with it", async () => {
    const post = await upload();
    await makeRenditions(post.id);
    await move("s3");
    await service.fetch(`/posts/${post.id}`, { method: "DELETE", token: user.token });
    await service.services.sweeper.sweep();
    expect([await onDisk(), inS3()]).toEqual([[], []]);
  });

  test("move: one that is stopped leaves a copy that the sweeper deletes", async () => {
    const post = await upload();
    const stopping = new AbortController();
    const wrap = (store: MediaStore): MediaStore => ({
      ...store,
      async put(...args) {
        const stored = await store.put(...args);
        stopping.abort(new Error("stopped"));
        return stored;
      },
    });
    expect(await move("s3", { wrap, signal: stopping.signal })).toMatchObject({ moved: 0, failed: 0 });
    expect(inS3()).toEqual(["jpg"]);
    // An aborted put could still take effect.
    await service.services.sweeper.sweep();
    expect(inS3()).toEqual(["jpg"]);
    await sweepLeftovers(post);
    expect([await onDisk(), inS3()]).toEqual([["jpg", "thumb.webp"], []]);
  });
});

test("move: two at once move each post once, with other requests between them", async () => {
  const posts = await Promise.all(Array.from({ length: 12 }, upload));
  const [one, other, kept] = await Promise.all([
    move("s3"),
    move("s3"),
    service.fetch(`/posts/${posts[0]!.id}`, {
      method: "PATCH",
      json: { caption: "edited" },
      token: user.token,
    }),
  ]);
  expect(kept.status).toBe(200);
  expect(one.moved + other.moved).toBe(12);
  expect([...one.reasons, ...other.reasons]).toEqual([]);
  expect(await read(posts[0]!.id)).toMatchObject({ caption: "edited" });
  await sweepLeftovers(...posts);
  expect([(await onDisk()).length, inS3().length]).toEqual([0, 24]);
});
