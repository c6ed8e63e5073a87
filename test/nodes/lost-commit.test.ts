import { afterEach, beforeEach, describe, expect, test } from "bun:test";

import { type CuttingProxy, startCuttingProxy } from "../support/cutting-proxy.ts";
import { pngPhoto } from "../support/media-samples.ts";
import { freshDatabase, hasPostgres } from "../support/postgres.ts";
import { TestService } from "../support/service.ts";
import { postOf, type Post } from "./two-nodes.ts";

describe.skipIf(!hasPostgres)("lost commit: connection lost while a post is published", () => {
  let proxy: CuttingProxy;
  let service: TestService;
  let token: string;
  let photo: Blob;
  beforeEach(async () => {
    photo = new Blob([await pngPhoto(16, 16)]);
    proxy = startCuttingProxy(await freshDatabase());
    service = await TestService.start({ DATABASE_URL: proxy.url });
    token = (await service.signUp()).token;
  });
  afterEach(async () => {
    await service.close();
    proxy.close();
  });

  /** The number of the upload's commit. */
  const [reservation, publication] = [1, 2];
  const feed = async () =>
    ((await (await service.fetch("/feed", { token })).json()) as { posts: Post[] }).posts;
  const upload = (key: string) =>
    service.upload(token, photo, undefined, "photo.png", { "idempotency-key": key });

  test("lost commit: after the commit, the post and its bytes exist, and a repeated upload returns the post", async () => {
    proxy.cutAt("COMMIT", "after", publication);
    const answer = await upload("one");
    expect([answer.status, proxy.cuts]).toEqual([503, 1]);
    expect(answer.headers.get("retry-after")).toBe("5");
    await service.services.sweeper.sweep(0);

    const posts = await feed();
    expect(posts).toHaveLength(1);
    const path = new URL(posts[0]!.url).pathname;
    const media = await service.fetch(path);
    expect([media.status, (await media.bytes()).length > 100]).toEqual([200, true]);
    expect((await postOf(await upload("one"))).id).toBe(posts[0]!.id);
    expect(await feed()).toHaveLength(1);
  });

  test("lost commit: before the commit, neither post nor bytes exist, and a repeated upload creates them", async () => {
    proxy.cutAt("COMMIT", "before", publication);
    expect((await upload("one")).status).toBe(503);
    expect(proxy.cuts).toBe(1);
    expect(await feed()).toEqual([]);
    expect(await service.mediaFiles()).toEqual([]);
    expect(await service.services.database.posts.countUnfinished()).toEqual({ pending: 0, deleting: 0 });

    const { id } = await postOf(await upload("one"));
    expect(await feed()).toMatchObject([{ id }]);
  });

  test("lost commit: for a reservation, no bytes exist, and the sweeper removes its row", async () => {
    proxy.cutAt("COMMIT", "after", reservation);
    expect((await upload("one")).status).toBe(503);
    expect(proxy.cuts).toBe(1);
    expect(await feed()).toEqual([]);
    // The sweeper does not wait for the grace period.
    await service.services.sweeper.sweep();
    expect(await service.services.database.posts.countUnfinished()).toEqual({ pending: 0, deleting: 0 });
    expect(await service.mediaFiles()).toEqual([]);
    expect((await upload("one")).status).toBe(200);
  });
});
