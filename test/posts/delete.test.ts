import { afterAll, beforeAll, expect, test } from "bun:test";

import { pngPhoto } from "../support/media-samples.ts";
import { TestService } from "../support/service.ts";

let service: TestService;
let ada: Awaited<ReturnType<TestService["signUp"]>>;
beforeAll(async () => {
  service = await TestService.start();
  ada = await service.signUp();
});
afterAll(() => service.close());

const share = async () =>
  (await (await service.upload(ada.token, new Blob([await pngPhoto()]))).json()) as {
    id: string;
    url: string;
  };
const remove = (id: string, token?: string) => service.fetch(`/posts/${id}`, { method: "DELETE", token });

test("delete: removes a post from the feed and its bytes from the store", async () => {
  const { id, url } = await share();
  expect(await service.mediaFiles()).not.toBeEmpty();
  const answer = await remove(id, ada.token);
  expect(answer.status).toBe(200);
  expect(await answer.json()).toEqual({ success: true, message: "Post deleted successfully" });
  expect((await service.fetch(`/posts/${id}`, { token: ada.token })).status).toBe(404);
  expect((await service.fetch(new URL(url).pathname)).status).toBe(404);
  expect(await service.mediaFiles()).toBeEmpty();
});

test.each(["post", "account"])(
  "delete: media that were just read are 404 as soon as their %s is deleted",
  async (what) => {
    const eve = await service.signUp();
    const upload = await service.upload(eve.token, new Blob([await pngPhoto(1000, 500)]));
    const { id, url, thumbnail_url } = (await upload.json()) as Record<string, string>;
    const paths = [url, thumbnail_url].map((address) => new URL(address!).pathname);
    const read = async (headers: Record<string, string> = {}) =>
      Promise.all(paths.map(async (path) => (await service.fetch(path, { headers })).status));
    expect([await read(), await read(), await read({ range: "bytes=0-9" })]).toEqual([
      [200, 200],
      [200, 200],
      [206, 206],
    ]);

    if (what === "post") await remove(id!, eve.token);
    else {
      await service.promote(ada);
      await service.fetch(`/users/${eve.id}`, { method: "DELETE", token: ada.token });
    }
    for (const headers of [{}, { "if-none-match": "*" }, { range: "bytes=0-9" }])
      expect(await read(headers)).toEqual([404, 404]);
  },
);

test("delete: answers 403 to a user who is neither the author nor a superuser", async () => {
  const { id } = await share();
  const bob = await service.signUp();
  const answer = await remove(id, bob.token);
  expect(answer.status).toBe(403);
  expect(await answer.json()).toEqual({ detail: "Not authorized to delete this post" });
  expect((await remove(id)).status).toBe(401);
  expect((await service.fetch(`/posts/${id}`, { token: ada.token })).status).toBe(200);
});

test("delete: exactly one of many concurrent calls succeeds", async () => {
  const { id } = await share();
  const answers = await Promise.all(Array.from({ length: 8 }, () => remove(id, ada.token)));
  expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array.from({ length: 7 }, () => 404)]);
});

test("delete: ignores a body", async () => {
  const { id } = await share();
  const answer = await service.fetch(`/posts/${id}`, {
    method: "DELETE",
    token: ada.token,
    body: "{not json",
    headers: { "content-type": "application/json" },
  });
  expect(answer.status).toBe(200);
});
