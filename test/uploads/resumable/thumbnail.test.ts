import { afterAll, beforeAll, expect, test } from "bun:test";
import { readdir } from "node:fs/promises";
import { join } from "node:path";

import { jpegPhoto } from "../../support/media-samples.ts";
import { randomVideo } from "../../support/random-video.ts";
import { TestService } from "../../support/service.ts";
import { nodeOf, postIdIn, TusRequests } from "../../support/tus.ts";

const video = randomVideo(30_000);
let photo: Uint8Array<ArrayBuffer>;
let service: TestService;
let token: string;
let tus: TusRequests;
beforeAll(async () => {
  service = await TestService.start({ FFMPEG: "off" });
  ({ token } = await service.signUp());
  tus = new TusRequests(service, token);
  photo = new Uint8Array(await jpegPhoto(64, 48));
});
afterAll(() => service.close());

const uploadFiles = async () =>
  (await readdir(join(service.dataDir, "uploads"))).filter((name) => name !== "folder-id");

/** Sends the whole video and returns its post. */
async function publish(path: string): Promise<{ thumbnail_url: string | null; url: string }> {
  const last = await tus.patch(path, 0, video);
  expect(last.status).toBe(204);
  const answer = await service.fetch(`/posts/${postIdIn(last)}`, { token });
  return (await answer.json()) as { thumbnail_url: string | null; url: string };
}

test("the thumbnail of a resumable upload becomes that of its post, a later one replaces it, and no file is left", async () => {
  const path = await tus.begin(video.length);
  expect((await tus.thumbnail(path, new Uint8Array(await jpegPhoto(48, 64)))).status).toBe(204);
  const answer = await tus.thumbnail(path, photo);
  expect([answer.status, answer.headers.get("tus-resumable")]).toEqual([204, "1.0.0"]);
  const { thumbnail_url } = await publish(path);
  const poster = await (await service.fetch(new URL(thumbnail_url!).pathname)).bytes();
  expect(await new Bun.Image(poster).metadata()).toMatchObject({ width: 64, height: 48 });
  expect([await uploadFiles(), await service.tempFiles()]).toEqual([[], []]);
});

test.each([
  ["no image", "the thumbnail is not an image"],
  ["", "the thumbnail is not an image"],
  [new Uint8Array(10 * 1024 ** 2 + 1).fill(0xff), "the thumbnail is not an image"],
])(
  "what is not an image is refused as a thumbnail, and the upload goes on without (%#)",
  async (body, msg) => {
    const path = await tus.begin(video.length);
    const answer = await tus.thumbnail(path, body);
    expect([answer.status, await answer.json()]).toEqual([
      422,
      { detail: [{ type: "value_error", loc: ["body", "thumbnail"], msg: `Value error, ${msg}` }] },
    ]);
    expect((await publish(path)).thumbnail_url).toBeNull();
    expect(await service.tempFiles()).toEqual([]);
  },
);

test("a photo of more than 10 MB is refused as a thumbnail", async () => {
  const path = await tus.begin(video.length);
  const answer = await tus.thumbnail(path, new Blob([photo, new Uint8Array(10 * 1024 ** 2)]));
  expect([answer.status, await answer.text()]).toEqual([422, expect.stringContaining("more than 10 MB")]);
  await tus.terminate(path);
});

test("a video whose thumbnail cannot be decoded is published without it", async () => {
  const path = await tus.begin(video.length);
  expect((await tus.thumbnail(path, photo.slice(0, 300))).status).toBe(204);
  expect((await publish(path)).thumbnail_url).toBeNull();
  expect([await uploadFiles(), await service.tempFiles()]).toEqual([[], []]);
});

test("a thumbnail goes with its upload: when that is ended, and with the sweep", async () => {
  const path = await tus.begin(video.length);
  await tus.thumbnail(path, photo);
  expect(await uploadFiles()).toHaveLength(1);
  await tus.terminate(path);
  expect(await uploadFiles()).toEqual([]);
  const other = await tus.begin(video.length);
  await tus.thumbnail(other, photo);
  await service.services.sweeper.sweep();
  expect(await uploadFiles()).toHaveLength(1);
  await service.services.database.resumableUploads.remove(other.slice("/uploads/".length));
  await service.services.sweeper.sweep();
  expect(await uploadFiles()).toEqual([]);
});

test("a publication that fails at the thumbnail leaves no temp file, and succeeds later", async () => {
  const path = await tus.begin(video.length);
  const broken = nodeOf(service, ({ uploadFolder }) => ({
    uploadFolder: {
      ...uploadFolder,
      thumbnailOf: () => {
        throw new Error("the disk is on fire");
      },
    },
  }));
  expect((await new TusRequests(broken, token).patch(path, 0, video)).status).toBe(500);
  expect(await service.tempFiles()).toEqual([]);
  const last = await tus.patch(path, video.length - 1, video.slice(-1));
  expect([last.status, typeof postIdIn(last)]).toEqual([204, "string"]);
});

test("a thumbnail is not kept when the token ends while it arrives", async () => {
  const eve = await service.signUp();
  const own = new TusRequests(service, eve.token);
  const path = await own.begin(video.length);
  const rest = Promise.withResolvers<void>();
  const body = new ReadableStream({
    async start(controller) {
      controller.enqueue(photo.slice(0, 100));
      await rest.promise;
      controller.enqueue(photo.slice(100));
      controller.close();
    },
  });
  const answer = own.thumbnail(path, body);
  await service.fetch("/auth/jwt/logout", { method: "POST", token: eve.token });
  rest.resolve();
  expect((await answer).status).toBe(401);
  expect((await uploadFiles()).filter((name) => name.endsWith(".thumbnail"))).toEqual([]);
});

test("only the owner of an unfinished upload sets its thumbnail", async () => {
  const path = await tus.begin(video.length);
  const bob = new TusRequests(service, (await service.signUp()).token);
  expect((await bob.thumbnail(path, photo)).status).toBe(404);
  expect((await tus.thumbnail("/uploads/00000000-0000-4000-8000-000000000000", photo)).status).toBe(404);
  await publish(path);
  expect((await tus.thumbnail(path, photo)).status).toBe(404);
});
