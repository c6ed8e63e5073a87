import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";

import { startFakeS3, type FakeS3 } from "../support/fake-s3.ts";
import { pngPhoto } from "../support/media-samples.ts";
import { TestService } from "../support/service.ts";

interface Shared {
  id: string;
  url: string;
  thumbnail_url: string;
}

let fake: FakeS3;
let settings: Record<string, string>;
let service: TestService;
let token: string;
beforeAll(async () => {
  fake = await startFakeS3();
  settings = {
    S3_BUCKET: fake.bucket,
    S3_ENDPOINT: fake.url,
    S3_REGION: fake.region,
    S3_ACCESS_KEY_ID: fake.accessKeyId,
    S3_SECRET_ACCESS_KEY: fake.secretAccessKey,
  };
  service = await TestService.start(settings);
  ({ token } = await service.signUp());
});
afterEach(() => {
  for (const method of ["PUT", "HEAD", "DELETE"] as const) fake.fail(method, null);
});
afterAll(async () => {
  await service.close();
  await fake.close();
});

const share = async (to = service, by = token) =>
  (await (await to.upload(by, new Blob([await pngPhoto(1000, 500)]))).json()) as Shared;
const keysOf = ({ id }: Shared) => [...fake.objects.keys()].filter((key) => key.startsWith(id)).sort();

describe("s3: posts", () => {
  test("s3: media routes redirect to signed URLs of the photo and of its thumbnail", async () => {
    const post = await share();
    expect(keysOf(post)).toEqual([`${post.id}.png`, `${post.id}.thumb.webp`]);
    expect(await service.mediaFiles()).toEqual([]);
    for (const [address, type] of [
      [post.url, "image/png"],
      [post.thumbnail_url, "image/webp"],
    ] as const) {
      const answer = await service.fetch(new URL(address).pathname);
      expect(answer.status).toBe(302);
      const location = answer.headers.get("location") ?? "";
      expect(location).toStartWith(`${fake.url}/${fake.bucket}/${post.id}`);
      expect(location).not.toContain(fake.secretAccessKey);
      const cacheControl = answer.headers.get("cache-control") ?? "";
      expect(cacheControl).toMatch(/, s-maxage=300$/);
      const kept = Number(/max-age=(\d+)/.exec(cacheControl)?.[1]);
      expect(kept).toBeLessThan(Number(new URL(location).searchParams.get("X-Amz-Expires")));
      const read = await fetch(location);
      expect([read.status, read.headers.get("content-type")]).toEqual([200, type]);
      const head = await service.fetch(new URL(address).pathname, { method: "HEAD" });
      const looked = await fetch(head.headers.get("location") ?? "", { method: "HEAD" });
      expect([head.status, looked.status]).toEqual([302, 200]);
    }
  });

  test("s3: photo and thumbnail have the photo's name, each with its own extension", async () => {
    const photo = new Blob([await pngPhoto(1000, 500)]);
    const post = (await (await service.upload(token, photo, "", "../walk & talk.html")).json()) as Shared;
    const names = keysOf(post).map((key) => fake.objects.get(key)?.contentDisposition);
    expect(names).toEqual([
      `inline; filename="walk & talk.html.png"; filename*=UTF-8''walk%20%26%20talk.html.png`,
      `inline; filename="walk & talk.html.webp"; filename*=UTF-8''walk%20%26%20talk.html.webp`,
    ]);
  });

  test("s3: deleting a post deletes photo and thumbnail from the bucket and ends the redirects", async () => {
    const post = await share();
    expect((await service.fetch(`/posts/${post.id}`, { method: "DELETE", token })).status).toBe(200);
    expect(keysOf(post)).toEqual([]);
    for (const address of [post.url, post.thumbnail_url])
      expect((await service.fetch(new URL(address).pathname)).status).toBe(404);
  });

  test("s3: a later sweep deletes objects whose deletion failed", async () => {
    const post = await share();
    fake.fail("DELETE", "403");
    expect((await service.fetch(`/posts/${post.id}`, { method: "DELETE", token })).status).toBe(200);
    expect((await service.fetch(new URL(post.url).pathname)).status).toBe(404);
    expect(keysOf(post)).toHaveLength(2);
    fake.fail("DELETE", null);
    await service.services.database.posts.postpone(post.id, new Date(0));
    await service.services.sweeper.sweep();
    expect(keysOf(post)).toEqual([]);
  });

  test("s3: a rejected upload leaves no post and reveals no details of the bucket", async () => {
    fake.fail("PUT", "403");
    const answer = await service.upload(token, new Blob([await pngPhoto()]), "refused");
    expect([answer.status, await answer.json()]).toEqual([
      502,
      { detail: "The media store did not accept the file" },
    ]);
    expect(await (await service.fetch("/feed", { token })).text()).not.toContain("refused");
    expect(service.logged.join("\n")).not.toContain("X-Amz-Signature");
  });

  test("s3: the page's content security policy allows images of a bucket without TLS", async () => {
    const policy = (await service.fetch("/")).headers.get("content-security-policy") ?? "";
    expect(/img-src ([^;]*)/.exec(policy)?.[1]?.split(" ")).toContain(new URL(fake.url).origin);
  });

  test("s3: with S3_PUBLIC_URL, posts have URLs of the bucket instead of redirects", async () => {
    const open = await TestService.start({ ...settings, S3_PUBLIC_URL: "https://cdn.example.com/m/" });
    const { token: by } = await open.signUp();
    const { id, url, thumbnail_url } = await share(open, by);
    expect([url, thumbnail_url]).toEqual([
      `https://cdn.example.com/m/${id}.png`,
      `https://cdn.example.com/m/${id}.thumb.webp`,
    ]);
    await open.close();
  });
});
