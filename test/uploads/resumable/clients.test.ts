import { afterAll, beforeAll, expect, test } from "bun:test";

import Uppy from "@uppy/core";
import Tus from "@uppy/tus";
import * as tus from "tus-js-client";

import { limits } from "../../../src/http/connections.ts";
import { frameOf, randomVideo } from "../../support/random-video.ts";
import { seeded } from "../../support/seeded-random.ts";
import { TestService } from "../../support/service.ts";
import { startUnreliableLine } from "../../support/unreliable-line.ts";

/** For more: UPLOAD_CUTS=200 bun test test/uploads/resumable/clients */
const cuts = Number(process.env["UPLOAD_CUTS"] ?? 25);

let service: TestService;
let server: Bun.Server<undefined>;
let token: string;
beforeAll(async () => {
  service = await TestService.start();
  ({ token } = await service.signUp());
  server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    development: false,
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    fetch: service.handler,
  });
  service.services.connections.listen(server, limits);
});
afterAll(async () => {
  await server.stop(true);
  await service.close();
});

interface Post {
  id: string;
  url: string;
  caption: string;
  file_name: string;
}
const posts = async (): Promise<Post[]> =>
  ((await (await service.fetch("/feed", { token })).json()) as { posts: Post[] }).posts;

/** Uploads with tus-js-client and waits until it reports success. */
function upload(
  bytes: Uint8Array,
  address: string,
  options: Partial<tus.UploadOptions> = {},
): Promise<tus.Upload> {
  return new Promise((resolve, reject) => {
    const upload: tus.Upload = new tus.Upload(Buffer.from(bytes), {
      endpoint: `${address}/uploads`,
      headers: { authorization: `Bearer ${token}` },
      metadata: { filename: "film.mp4", caption: "From a train" },
      retryDelays: Array<number>(100).fill(0),
      onError: reject,
      onSuccess: () => resolve(upload),
      ...options,
    });
    upload.start();
  });
}

async function expectNewest(video: Uint8Array, caption: string): Promise<void> {
  const [post] = await posts();
  expect(post).toMatchObject({ caption, file_name: "film.mp4" });
  const stored = await (await service.fetch(new URL(post!.url).pathname)).bytes();
  expect(frameOf(stored).equals(frameOf(video))).toBeTrue();
}

test("tus-js-client: uploads in one request, in chunks, with its creation, and with overridden methods", async () => {
  const address = server.url.origin;
  for (const [i, options] of (
    [
      {},
      { chunkSize: 30_000 },
      { uploadDataDuringCreation: true },
      { uploadDataDuringCreation: true, chunkSize: 30_000 },
      { overridePatchMethod: true, chunkSize: 30_000 },
    ] satisfies Partial<tus.UploadOptions>[]
  ).entries()) {
    const video = randomVideo(100_000, i + 1);
    const before = (await posts()).length;
    await upload(video, address, options);
    expect(await posts()).toHaveLength(before + 1);
    await expectNewest(video, "From a train");
  }
});

test("Uppy: uploads several files in chunks, with their texts", async () => {
  const videos = [1, 2, 3].map((seed) => randomVideo(100_000, 100 + seed));
  const uppy = new Uppy().use(Tus, {
    endpoint: `${server.url.origin}/uploads`,
    headers: { authorization: `Bearer ${token}` },
    chunkSize: 40_000,
    limit: 2,
  });
  for (const [i, video] of videos.entries())
    uppy.addFile({
      name: `film-${i}.mp4`,
      type: "video/mp4",
      // Outside of browsers, tus-js-client takes buffers rather than files.
      data: Object.assign(Buffer.from(video), { size: video.length }) as unknown as Blob,
      meta: { caption: `Film ${i}` },
    });
  const result = await uppy.upload();
  expect([result?.failed, result?.successful?.length]).toEqual([[], 3]);
  const newest = (await posts()).slice(0, 3);
  expect(newest.map(({ caption, file_name }) => [caption, file_name]).sort()).toEqual(
    [0, 1, 2].map((i) => [`Film ${i}`, `film-${i}.mp4`]),
  );
  uppy.destroy();
});

test("tus-js-client: reports why the service refuses a file, without trying again", async () => {
  let requests = 0;
  const refused = upload(Buffer.alloc(10_000, "x"), server.url.origin, {
    onBeforeRequest: () => void requests++,
  });
  const error = (await refused.catch((reason: unknown) => reason)) as tus.DetailedError;
  expect(error.originalResponse?.getStatus()).toBe(415);
  expect(requests).toBe(2);
});

test(
  `tus-js-client: an upload arrives over ${cuts} broken connections`,
  seeded(async (random) => {
    const video = randomVideo(cuts * 12_000);
    const line = startUnreliableLine(server.url.origin, () => ({
      bytes: 500 + random.integer(24_000),
      // The service loses bytes that it has not read yet when the connection ends.
      pauseMs: random.integer(40),
    }));
    try {
      const before = (await posts()).length;
      await upload(video, line.address);
      expect(line.cuts).toBeGreaterThan(cuts / 2);
      expect(await posts()).toHaveLength(before + 1);
      await expectNewest(video, "From a train");
    } finally {
      line.close();
    }
  }),
  60_000,
);
