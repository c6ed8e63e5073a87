import { afterAll, beforeAll, expect, test } from "bun:test";

import * as samples from "../support/media-samples.ts";
import { TestService } from "../support/service.ts";

let service: TestService;
let token: string;
beforeAll(async () => {
  service = await TestService.start();
  ({ token } = await service.signUp());
});
afterAll(() => service.close());

interface Shared {
  id: string;
  url: string;
  thumbnail_url: string | null;
  width: number | null;
  height: number | null;
}
const share = async (bytes: Uint8Array<ArrayBuffer>) =>
  (await (await service.upload(token, new Blob([bytes]))).json()) as Shared;
const look = (url: string) => service.fetch(new URL(url).pathname);

test.each([samples.jpegPhoto, samples.pngPhoto, samples.webpPhoto])(
  "thumbnail: a large image gets a WebP with a long side of 640 pixels, deleted with its post",
  async (photo) => {
    const { id, thumbnail_url, width, height } = await share(await photo(1000, 500));
    expect([width, height]).toEqual([1000, 500]);
    const answer = await look(thumbnail_url ?? "");
    expect(answer.headers.get("content-type")).toBe("image/webp");
    expect(answer.headers.get("content-disposition")).toMatch(/filename="photo\.webp"/);
    expect(await new Bun.Image(await answer.bytes()).metadata()).toMatchObject({
      width: 640,
      height: 320,
      format: "webp",
    });
    await service.fetch(`/posts/${id}`, { method: "DELETE", token });
    expect((await look(thumbnail_url ?? "")).status).toBe(404);
    expect((await service.mediaFiles()).filter((name) => name.startsWith(id))).toEqual([]);
  },
);

test("thumbnail: does not enlarge a small image", async () => {
  const { thumbnail_url } = await share(await samples.pngPhoto(20, 10));
  expect(await new Bun.Image(await (await look(thumbnail_url ?? "")).bytes()).metadata()).toMatchObject({
    width: 20,
    height: 10,
  });
});

test("thumbnail: a HEIC and an AVIF get a WebP, and a video without a poster has none", async () => {
  for (const sample of [samples.heicPhoto, samples.avifPhoto]) {
    const { width, height, thumbnail_url } = await share(sample());
    const thumbnail = await (await look(thumbnail_url ?? "")).bytes();
    expect(await new Bun.Image(thumbnail).metadata()).toMatchObject({ width, height, format: "webp" });
  }
  expect((await share(samples.mp4Video())).thumbnail_url).toBeNull();
});

test("upload: a video's post has its width and height", async () => {
  expect(await share(samples.mp4Video())).toMatchObject({ width: 64, height: 48 });
});

test("thumbnail: an image too large to decode is published without one", async () => {
  const { id, thumbnail_url, width, height } = await share(samples.blackPng(15_000, 10_000));
  expect({ thumbnail_url, width, height }).toEqual({ thumbnail_url: null, width: 15_000, height: 10_000 });
  const feed = await (await service.fetch("/feed?limit=1", { token })).json();
  expect(feed.posts[0]).toMatchObject({ id, thumbnail_url: null });
  expect((await service.mediaFiles()).filter((name) => name.startsWith(id))).toHaveLength(1);
});

test("upload: rejects a truncated photo with CUT_OFF_MEDIA whatever its last bytes are", async () => {
  const photo = await samples.jpegPhoto(400, 300);
  const cut = photo.slice(0, photo.length * 0.8);
  for (const bytes of [cut, Uint8Array.from([...cut, 0xff, 0xd9])]) {
    const answer = await service.upload(token, new Blob([bytes]));
    expect([answer.status, await answer.json()]).toEqual([
      415,
      { detail: "The file is cut off: part of the picture is missing" },
    ]);
  }
});

test("upload: rejects an image of too many pixels even in a small file", async () => {
  const png = await samples.pngPhoto(8, 8);
  new DataView(png.buffer).setUint32(16, 20_000);
  new DataView(png.buffer).setUint32(20, 20_000);
  new DataView(png.buffer).setUint32(29, Bun.hash.crc32(png.slice(12, 29)));
  const answer = await service.upload(token, new Blob([png]));
  expect(answer.status).toBe(422);
  expect(await answer.json()).toMatchObject({ detail: [{ loc: ["body", "file"] }] });
});
