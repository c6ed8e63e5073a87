import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { copyingTarget, CopyingStopped } from "../../src/importing/import-target.ts";
import { startFakeImageKit, type FakeImageKit } from "../support/fake-imagekit.ts";
import { jpegPhoto } from "../support/media-samples.ts";
import { createOriginal, idOf } from "../support/original-database.ts";
import { TestService } from "../support/service.ts";
import { feedOf, importInto } from "./importing.ts";

const never = new AbortController().signal;
const maxBytes = { image: 1_000_000, video: 1_000_000 };

let folder: string;
let file: string;
let fake: FakeImageKit;
let service: TestService;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "image-sharing-import-"));
  file = join(folder, "original.db");
  fake = await startFakeImageKit();
  service = await TestService.start();
});
afterEach(async () => {
  await service.close();
  await fake.close();
  await rm(folder, { recursive: true });
});

const copyInto = (signal = never) =>
  importInto(service, file, {
    urlEndpoint: fake.deliveryUrl,
    target: copyingTarget({ ...service.services, maxBytes }, signal),
    signal,
  });

const token = (number: number) =>
  service.services.tokens.issueAccess({ id: idOf("user", number), tokenVersion: 0 });

/** A JPEG with a comment, as private metadata. */
async function photoWithComment(): Promise<Buffer> {
  const photo = Buffer.from(await jpegPhoto(40, 30));
  const comment = Buffer.from("\xff\xfe\0\x08secret", "latin1");
  return Buffer.concat([photo.subarray(0, 2), comment, photo.subarray(2)]);
}

test("import --copy-media: files are copied without their metadata, and posts keep ids and times", async () => {
  createOriginal(file, { users: 2, posts: 4, endpoint: fake.deliveryUrl });
  const photo = await photoWithComment();
  for (let i = 0; i < 4; i++) fake.place(`/photo_${i}.jpg`, photo);
  const { posts, problems } = await copyInto();
  expect([posts.added, problems]).toEqual([4, []]);
  const feed = await feedOf(service, await token(0));
  expect(feed.map(({ id }) => id)).toEqual([3, 2, 1, 0].map((i) => idOf("post", i)));
  expect(feed[3]).toMatchObject({
    created_at: "2024-01-01T00:00:00.000Z",
    width: 40,
    content_type: "image/jpeg",
  });
  const stored = await service.fetch(new URL(feed[0]!.url).pathname);
  const bytes = Buffer.from(await stored.arrayBuffer());
  expect(bytes.subarray(0, 2).toString("hex")).toBe("ffd8");
  expect(bytes.includes("secret")).toBe(false);
  expect(bytes.length).toBe(feed[0]!.bytes);
  expect((await service.fetch(new URL(feed[0]!.thumbnail_url).pathname)).status).toBe(200);
  expect(await service.tempFiles()).toEqual([]);
  expect((await copyInto()).posts).toEqual({ added: 0, known: 4, refused: 0 });
  expect(await service.mediaFiles()).toHaveLength(8);
});

test("import --copy-media: names files that are missing, too large or no media, and a repeated run copies them", async () => {
  createOriginal(file, { users: 1, posts: 4, endpoint: fake.deliveryUrl });
  fake.place("/photo_0.jpg", Buffer.from("not a picture at all"));
  fake.place("/photo_1.jpg", Buffer.alloc(maxBytes.image + 1));
  fake.place("/photo_2.jpg", Buffer.from(await jpegPhoto(40, 30)));
  const { accounts, posts, problems } = await copyInto();
  expect([accounts.added, posts]).toEqual([1, { added: 1, known: 0, refused: 3 }]);
  const of = (number: number) => problems.find((line) => line.startsWith(`post ${idOf("post", number)}: `));
  expect(of(0)).toContain("Only images (JPEG");
  expect(of(1)).toContain("File too large: at most 976.5 kB are accepted");
  expect(of(3)).toContain("its file is not in ImageKit");
  expect(await service.tempFiles()).toEqual([]);
  expect(await service.mediaFiles()).toHaveLength(2);
  for (const i of [0, 1, 3]) fake.place(`/photo_${i}.jpg`, Buffer.from(await jpegPhoto(40, 30)));
  expect((await copyInto()).posts).toEqual({ added: 3, known: 1, refused: 0 });
});

test("import --copy-media: what a killed run has left is replaced", async () => {
  createOriginal(file, { users: 1, posts: 1, endpoint: fake.deliveryUrl });
  fake.place("/photo_0.jpg", Buffer.from(await jpegPhoto(40, 30)));
  const { imports } = service.services.database;
  await importInto(service, file, {
    urlEndpoint: fake.deliveryUrl,
    // Only the accounts.
    target: { accounts: imports.addAccounts, posts: async () => {} },
  });
  const id = idOf("post", 0);
  const reserved = await imports.reserve({
    ...{ id, userId: idOf("user", 0), caption: "", alt: "", fileType: "image", fileName: "x.png" },
    ...{ store: "disk", key: `${id}.png`, contentType: "image/png", bytes: 1, width: null, height: null },
    ...{ durationSeconds: null, sha256: "", uploadKey: null, reservedAt: new Date() },
  });
  expect(reserved).toBe("new");
  expect((await copyInto()).posts.added).toBe(1);
  expect((await feedOf(service, await token(0)))[0]).toMatchObject({ id, content_type: "image/jpeg" });
});

test("import --copy-media: an abort leaves no file behind, and a repeated run copies the rest", async () => {
  createOriginal(file, { users: 1, posts: 40, endpoint: fake.deliveryUrl });
  const photo = Buffer.from(await jpegPhoto(40, 30));
  for (let i = 0; i < 40; i++)
    for (const name of [`photo_${i}.jpg`, `clip_${i}.mp4`]) fake.place(`/${name}`, photo);
  const aborting = new AbortController();
  const target = copyingTarget({ ...service.services, maxBytes }, aborting.signal);
  const stopped = importInto(service, file, {
    urlEndpoint: fake.deliveryUrl,
    target: {
      ...target,
      posts: (posts, done) =>
        target.posts(posts, (post, result) => {
          done(post, result);
          aborting.abort(new Error("Ctrl-C"));
        }),
    },
  });
  await expect(stopped).rejects.toThrow("Ctrl-C");
  await service.services.sweeper.sweep(0);
  const first = await feedOf(service, await token(0));
  expect(first.length).toBeWithin(1, 40);
  expect(await service.mediaFiles()).toHaveLength(2 * first.length);
  const { posts } = await copyInto();
  expect(posts).toEqual({ added: 40 - first.length, known: first.length, refused: 0 });
  expect(await feedOf(service, await token(0))).toHaveLength(40);
  expect(await service.mediaFiles()).toHaveLength(80);
  expect((await readdir(service.services.tempDir)).length).toBe(0);
});

test("import --copy-media: follows no redirect", async () => {
  let requests = 0;
  const secret = Bun.serve({ port: 0, fetch: () => (requests++, new Response("secret")) });
  const redirecting = Bun.serve({ port: 0, fetch: () => Response.redirect(`${secret.url}`) });
  try {
    const urlEndpoint = `http://127.0.0.1:${redirecting.port}/demo`;
    createOriginal(file, { users: 1, posts: 1, endpoint: urlEndpoint });
    const target = copyingTarget({ ...service.services, maxBytes }, never);
    const { problems } = await importInto(service, file, { urlEndpoint, target });
    expect(problems).toEqual([`post ${idOf("post", 0)}: ImageKit did not deliver its file (no answer)`]);
    expect(requests).toBe(0);
  } finally {
    await redirecting.stop(true);
    await secret.stop(true);
  }
});

test("import --copy-media: gives up when ImageKit does not respond any more", async () => {
  createOriginal(file, { users: 1, posts: 30, endpoint: fake.deliveryUrl });
  const refusing = Bun.serve({ port: 0, fetch: () => new Response("busy", { status: 403 }) });
  try {
    const urlEndpoint = `http://127.0.0.1:${refusing.port}/demo`;
    await rm(file);
    createOriginal(file, { users: 1, posts: 30, endpoint: urlEndpoint });
    const target = copyingTarget({ ...service.services, maxBytes }, never);
    await expect(importInto(service, file, { urlEndpoint, target })).rejects.toThrow(CopyingStopped);
  } finally {
    await refusing.stop(true);
  }
});
