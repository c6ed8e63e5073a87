import { afterEach, beforeAll, beforeEach, expect, setSystemTime, test } from "bun:test";
import { readdir } from "node:fs/promises";
import { join } from "node:path";

import { ApiError } from "../../../src/errors.ts";
import { frameOf, randomVideo } from "../../support/random-video.ts";
import { TestService } from "../../support/service.ts";
import { nodeOf, postIdIn, TusRequests } from "../../support/tus.ts";

let video: Uint8Array<ArrayBuffer>;
let service: TestService;
let user: Awaited<ReturnType<TestService["signUp"]>>;
let tus: TusRequests;
beforeAll(() => {
  video = randomVideo(30_000);
});
beforeEach(async () => {
  service = await TestService.start();
  user = await service.signUp();
  tus = new TusRequests(service, user.token);
});
afterEach(async () => {
  setSystemTime();
  await service.close();
});

const hours = (count: number) => count * 3_600_000;
const uploadFiles = async () =>
  (await readdir(join(service.dataDir, "uploads"))).filter((name) => name !== "folder-id");
const feed = async (token = user.token) =>
  ((await (await service.fetch("/feed", { token })).json()) as { posts: { id: string; url: string }[] })
    .posts;
async function expectPublished(answer: Response): Promise<void> {
  expect(answer.status).toBe(204);
  const posts = await feed();
  expect(posts.map(({ id }) => id)).toEqual([postIdIn(answer)!]);
  const stored = await (await service.fetch(new URL(posts[0]!.url).pathname)).bytes();
  expect(frameOf(stored).equals(frameOf(video))).toBeTrue();
}
test("an upload expires after a day without new bytes, and its bytes are removed", async () => {
  const [silent, alive] = [await tus.begin(video.length), await tus.begin(video.length)];
  const start = Date.now();
  for (const path of [silent, alive]) await tus.patch(path, 0, video.slice(0, 10));
  setSystemTime(new Date(start + hours(20)));
  const later = new TusRequests(service, await tokenOf(user.email));
  expect((await later.patch(alive, 10, video.slice(10, 20))).status).toBe(204);
  expect((await later.head(silent)).status).toBe(200);
  setSystemTime(new Date(start + hours(25)));
  const latest = new TusRequests(service, await tokenOf(user.email));
  expect((await latest.head(silent)).status).toBe(404);
  expect((await latest.patch(silent, 10, "x")).status).toBe(404);
  expect(await latest.offset(alive)).toBe(20);
  await service.services.sweeper.sweep();
  expect(await uploadFiles()).toEqual([alive.slice("/uploads/".length)]);
});

const tokenOf = async (email: string) =>
  ((await (await service.login(email)).json()) as { access_token: string }).access_token;

test("a published upload is known as long as an unfinished one, so that a lost answer makes no second post", async () => {
  const path = await tus.begin(video.length);
  const last = await tus.patch(path, 0, video);
  const repeated = await tus.patch(path, video.length, "");
  expect([repeated.status, postIdIn(repeated)]).toEqual([204, postIdIn(last)]);
  setSystemTime(new Date(Date.now() + hours(23)));
  const later = new TusRequests(service, await tokenOf(user.email));
  expect(postIdIn(await later.head(path))).toBe(postIdIn(last));
  setSystemTime(new Date(Date.now() + hours(2)));
  const latest = new TusRequests(service, await tokenOf(user.email));
  expect((await latest.head(path)).status).toBe(404);
  expect(await feed(await tokenOf(user.email))).toHaveLength(1);
});

test("an upload goes on after signing out and in again", async () => {
  const path = await tus.begin(video.length);
  await tus.patch(path, 0, video.slice(0, 10));
  await service.fetch("/auth/jwt/logout", { method: "POST", token: user.token });
  expect([(await tus.head(path)).status, (await tus.patch(path, 10, "x")).status]).toEqual([401, 401]);
  user = { ...user, token: await tokenOf(user.email) };
  const again = new TusRequests(service, user.token);
  await expectPublished(await again.patch(path, await again.offset(path), video.slice(10)));
});

test("bytes that arrive after the session has ended are not acknowledged", async () => {
  const path = await tus.begin(video.length);
  await tus.patch(path, 0, video.slice(0, 10));
  const body = new ReadableStream({
    async start(controller) {
      controller.enqueue(video.slice(10, 20));
      await service.fetch("/auth/jwt/logout", { method: "POST", token: user.token });
      controller.enqueue(video.slice(20));
      controller.close();
    },
  });
  expect((await tus.patch(path, 10, body)).status).toBe(401);
  user = { ...user, token: await tokenOf(user.email) };
  const again = new TusRequests(service, user.token);
  expect(await again.offset(path)).toBe(10);
  await expectPublished(await again.patch(path, 10, video.slice(10)));
});

test("a session that ends while the post is published leaves the upload, without its last byte", async () => {
  const path = await tus.begin(video.length);
  const node = service.interrupted("storing", () =>
    service.fetch("/auth/jwt/logout", { method: "POST", token: user.token }),
  );
  expect((await new TusRequests(node, user.token).patch(path, 0, video)).status).toBe(401);
  expect(await service.mediaFiles()).toEqual([]);
  user = { ...user, token: await tokenOf(user.email) };
  const again = new TusRequests(service, user.token);
  expect(await again.offset(path)).toBe(video.length - 1);
  await expectPublished(await again.patch(path, video.length - 1, video.slice(-1)));
});

test("a service that stops keeps what has arrived, and does not wait for the rest", async () => {
  const path = await tus.begin(video.length);
  const node = new TusRequests(nodeOf(service), user.token);
  const arrived = Promise.withResolvers<void>();
  let pulls = 0;
  const body = new ReadableStream(
    {
      pull(controller) {
        if (pulls++ === 0) controller.enqueue(video.slice(0, 9000));
        else arrived.resolve();
      },
    },
    { highWaterMark: 0 },
  );
  const answer = node.patch(path, 0, body);
  await arrived.promise;
  service.services.uploadLeases.interruptAll();
  expect((await answer).status).toBe(503);
  expect(await tus.offset(path)).toBe(9000);
});

test("deactivating or deleting an account removes its unfinished uploads and their bytes", async () => {
  const root = await service.signUp();
  await service.promote(root);
  for (const end of [{ method: "PATCH", json: { is_active: false } }, { method: "DELETE" }]) {
    const path = await tus.begin(video.length);
    await tus.patch(path, 0, video.slice(0, 10));
    expect(await uploadFiles()).toHaveLength(1);
    await service.fetch(`/users/${user.id}`, { ...end, token: root.token });
    await service.services.sweeper.sweep();
    expect([await uploadFiles(), await service.services.database.resumableUploads.countUnfinished()]).toEqual(
      [[], 0],
    );
    if (end.method === "DELETE") continue;
    await service.fetch(`/users/${user.id}`, {
      method: "PATCH",
      json: { is_active: true },
      token: root.token,
    });
    user = { ...user, token: await tokenOf(user.email) };
    tus = new TusRequests(service, user.token);
    expect((await tus.head(path)).status).toBe(404);
  }
});

test("a store that fails leaves the upload without its last byte, which publishes the post later", async () => {
  const path = await tus.begin(video.length);
  const failing = nodeOf(service, ({ store }) => ({
    store: {
      name: store.name,
      makesRenditions: false,
      isPublic: false,
      mayCompleteLate: false,
      find: store.find.bind(store),
      read: store.read.bind(store),
      delete: store.delete.bind(store),
      put: async () => {
        throw new ApiError("STORE_UNAVAILABLE");
      },
    },
  }));
  expect((await new TusRequests(failing, user.token).patch(path, 0, video)).status).toBe(503);
  expect(await tus.offset(path)).toBe(video.length - 1);
  await expectPublished(await tus.patch(path, video.length - 1, video.slice(-1)));
  expect([await uploadFiles(), await service.tempFiles()]).toEqual([[], []]);
});

test("a crash after the post was published, and before the upload was told, makes no second post", async () => {
  const path = await tus.begin(video.length);
  const crashing = nodeOf(service, ({ database }) => ({
    database: {
      ...database,
      resumableUploads: {
        ...database.resumableUploads,
        finish: async () => {
          throw new Error("crash");
        },
      },
    },
  }));
  expect((await new TusRequests(crashing, user.token).patch(path, 0, video)).status).toBe(500);
  const [post] = await feed();
  expect(await tus.offset(path)).toBe(video.length - 1);
  const last = await tus.patch(path, video.length - 1, video.slice(-1));
  expect(postIdIn(last)).toBe(post!.id);
  await expectPublished(last);
});

test("a crash while the post is published leaves no bytes behind, and the post is published later", async () => {
  const path = await tus.begin(video.length);
  const { database } = service.services;
  const crashed = nodeOf(service, () => ({
    database: {
      ...database,
      posts: {
        ...database.posts,
        publish: async () => {
          throw new Error("crash");
        },
        abandon: async () => undefined,
      },
    },
  }));
  expect((await new TusRequests(crashed, user.token).patch(path, 0, video)).status).toBe(500);
  expect(await database.posts.countUnfinished()).toEqual({ pending: 1, deleting: 0 });
  await expectPublished(await tus.patch(path, video.length - 1, video.slice(-1)));
  expect(await database.posts.countUnfinished()).toEqual({ pending: 0, deleting: 0 });
  expect((await service.mediaFiles()).filter((name) => name.endsWith(".mp4"))).toHaveLength(1);
});
