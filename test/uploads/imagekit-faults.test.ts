import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import { type Fault, type FakeImageKit, startFakeImageKit } from "../support/fake-imagekit.ts";
import { pngPhoto } from "../support/media-samples.ts";
import { TestService } from "../support/service.ts";
import { until } from "../support/until.ts";

let fake: FakeImageKit;
let service: TestService;
let token: string;
beforeAll(async () => {
  fake = await startFakeImageKit();
  service = await TestService.start({
    IMAGEKIT_PUBLIC_KEY: "public_test",
    IMAGEKIT_PRIVATE_KEY: fake.privateKey,
    IMAGEKIT_URL_ENDPOINT: fake.urlEndpoint,
    IMAGE_KIT_BASE_URL: fake.url,
    UPLOAD_DEADLINE: "1",
  });
  ({ token } = await service.signUp());
});
afterAll(async () => {
  await service.close();
  await fake.close();
});

const share = async () => service.upload(token, new Blob([await pngPhoto()]));
const published = async () =>
  ((await (await service.fetch("/feed", { token })).json()) as { posts: { url: string }[] }).posts
    .map(({ url }) => url.slice(url.lastIndexOf("/") + 1))
    .sort();
const stored = () =>
  fake.files
    .values()
    .map(({ name }) => name)
    .toArray()
    .sort();

/** Sweeps until nothing is left. Files that may arrive late are deleted a second time. */
async function settle(): Promise<void> {
  for (let tries = 0; tries < 60; tries++) {
    await service.services.sweeper.sweep(0);
    const { pending, deleting } = await service.services.database.posts.countUnfinished();
    if (pending + deleting === 0) return;
    await Bun.sleep(50);
    // Skips the back-off of failed deletions, which is longer than a test.
    for (const { id } of await service.services.database.posts.claimDeleting(
      new Date(Date.now() + 86_400_000),
      new Date(0),
      [],
      100,
    ))
      await service.services.database.posts.postpone(id, new Date(0));
  }
  throw new Error("unfinished posts stay");
}

const faults: Fault[] = [
  "hang before",
  "hang after",
  "close before",
  "close in the body",
  "close after",
  "202",
  "no fileId",
  "truncated JSON",
  "HTML",
  "over the size limit",
  "401",
  "403",
  "storage exhausted",
  "429 for long",
  "500",
  "500 after",
  "503",
];

describe("imagekit: failing requests", () => {
  test.each(faults)(
    "imagekit: %s of an upload gets an API error, and store and feed agree after the sweep",
    async (fault) => {
      fake.fail("upload", fault);
      const answer = await share();
      fake.fail("upload", null);
      const text = await answer.text();
      expect([200, 413, 502, 503, 507]).toContain(answer.status);
      if (answer.status !== 200) expect(JSON.parse(text)).toEqual({ detail: expect.anything() });
      expect(text).not.toContain(fake.privateKey);
      expect(text).not.toMatch(/stack|\.ts:|at async/);
      expect(service.logged.join("")).not.toContain(fake.privateKey);
      await settle();
      expect(stored()).toEqual(await published());
    },
    20_000,
  );

  test.each(["hang before", "hang after", "close before", "500", "403", "malformed id"] as Fault[])(
    "imagekit: %s of a deletion does not fail the client, and the sweep deletes the file",
    async (fault) => {
      let answer: Response | undefined;
      // The deadline of a second may be too short on a busy machine.
      await until(async () => (answer = await share()).ok);
      const { id } = (await answer!.json()) as { id: string };
      fake.fail("delete", fault);
      const deletion = await service.fetch(`/posts/${id}`, { method: "DELETE", token });
      expect([deletion.status, (await service.fetch(`/posts/${id}`, { token })).status]).toEqual([200, 404]);
      fake.fail("delete", null);
      await settle();
      expect(stored()).toEqual(await published());
    },
    20_000,
  );
});

test("imagekit: a post has ImageKit's URL, and a transformation of it as its thumbnail", async () => {
  const post = (await (await share()).json()) as { url: string; thumbnail_url: string };
  expect(post.url).toStartWith("http");
  expect(post.thumbnail_url).toBe(`${post.url}?tr=w-640,h-640,c-at_max`);
});
