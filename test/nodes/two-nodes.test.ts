import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";

import { startFakeS3, type FakeS3 } from "../support/fake-s3.ts";
import { pngPhoto } from "../support/media-samples.ts";
import { freshDatabase, hasPostgres } from "../support/postgres.ts";
import { TestService } from "../support/service.ts";

// Hashes many passwords.
setDefaultTimeout(60_000);

interface Shared {
  id: string;
  url: string;
  created_at: string;
}

describe.skipIf(!hasPostgres)("two nodes: one database", () => {
  let fake: FakeS3;
  let a: TestService;
  let b: TestService;
  beforeAll(async () => {
    fake = await startFakeS3();
    const settings = {
      DATABASE_URL: await freshDatabase(),
      JWT_SECRET_KEY: "the same secret on every node, 32 bytes",
      RATE_LIMIT: "on",
      S3_BUCKET: fake.bucket,
      S3_ENDPOINT: fake.url,
      S3_REGION: fake.region,
      S3_ACCESS_KEY_ID: fake.accessKeyId,
      S3_SECRET_ACCESS_KEY: fake.secretAccessKey,
    };
    // Both start on an empty database at the same time: one migrates, the other waits.
    [a, b] = await Promise.all([TestService.start(settings), TestService.start(settings)]);
  });
  afterEach(() => fake.fail("DELETE", null));
  afterAll(async () => {
    await Promise.all([a.close(), b.close()]);
    await fake.close();
  });

  const share = async (node: TestService, token: string) =>
    (await (await node.upload(token, new Blob([await pngPhoto()]))).json()) as Shared;
  const status = async (answer: Promise<Response>) => (await answer).status;

  test("two nodes: a token of one is valid at the other until either revokes it", async () => {
    const { token } = await a.signUp();
    expect(await status(b.fetch("/users/me", { token }))).toBe(200);
    expect(await status(b.fetch("/auth/jwt/logout", { method: "POST", token }))).toBe(204);
    expect(await status(a.fetch("/users/me", { token }))).toBe(401);
    expect(await status(b.fetch("/users/me", { token }))).toBe(401);
  });

  test("two nodes: one shows, delivers and deletes the other's posts", async () => {
    const { token } = await a.signUp();
    const { id, url } = await share(a, token);
    expect(await (await b.fetch("/feed", { token })).text()).toContain(id);
    const led = await b.fetch(new URL(url).pathname);
    expect(led.status).toBe(302);
    expect((await fetch(led.headers.get("location") ?? "")).status).toBe(200);
    expect(await status(b.fetch(`/posts/${id}`, { method: "DELETE", token }))).toBe(200);
    expect(await status(a.fetch(`/posts/${id}`, { token }))).toBe(404);
    expect([...fake.objects.keys()].filter((key) => key.startsWith(id))).toEqual([]);
  });

  test("two nodes: an upload key makes one post, whichever node gets the upload", async () => {
    const { token } = await a.signUp();
    const photo = new Blob([await pngPhoto()]);
    const send = (node: TestService, key: string) =>
      node.upload(token, photo, undefined, "photo.png", { "idempotency-key": key });
    const first = (await (await send(a, "one")).json()) as Shared;
    expect(((await (await send(b, "one")).json()) as Shared).id).toBe(first.id);
    const both = await Promise.all([send(a, "two"), send(b, "two")]);
    const ids = new Set<string>();
    for (const answer of both) {
      expect([200, 409]).toContain(answer.status);
      if (answer.ok) ids.add(((await answer.json()) as Shared).id);
    }
    expect(ids.size).toBe(1);
  });

  test("two nodes: count wrong passwords together, including concurrent ones", async () => {
    const { email } = await a.signUp();
    const statuses: number[] = [];
    for (let i = 0; i < 12; i++)
      statuses.push(...(await Promise.all([a, b].map((node) => status(node.login(email, "wrong"))))));
    expect(statuses.filter((code) => code === 400)).toHaveLength(20);
    expect(statuses.filter((code) => code === 429)).toHaveLength(4);
    expect(await status(a.login(email))).toBe(429);
  });

  test("two nodes: a counter restarts when its window ends, and refunds no more than was used", async () => {
    const [here, there] = [a, b].map((node) => node.services.database.counters);
    if (!here || !there) throw new Error("these nodes share nothing");
    const key = crypto.randomUUID();
    expect(await here.consume(key, -1, 60)).toEqual({ used: 0, endsInSeconds: 0 });
    expect((await here.consume(key, 2, 60)).used).toBe(2);
    const { used, endsInSeconds } = await there.consume(key, 1, 60);
    expect(used).toBe(3);
    expect(endsInSeconds).toBeGreaterThan(0);
    expect(endsInSeconds).toBeLessThan(61);
    expect((await there.consume(key, -5, 60)).used).toBe(0);
    const ended = crypto.randomUUID();
    await here.consume(ended, 7, -1);
    expect((await there.consume(ended, 1, 60)).used).toBe(1);
  });

  test("two nodes: sweepers delete every file exactly once", async () => {
    const { token } = await a.signUp();
    const posts = await Promise.all(Array.from({ length: 30 }, (_, i) => share(i % 2 ? a : b, token)));
    fake.fail("DELETE", "403");
    for (const { id } of posts) await a.fetch(`/posts/${id}`, { method: "DELETE", token });
    fake.fail("DELETE", null);
    for (const { id } of posts) await a.services.database.posts.postpone(id, new Date(0));
    const before = fake.calls.filter((method) => method === "DELETE").length;
    await Promise.all([a.services.sweeper.sweep(), b.services.sweeper.sweep()]);
    // Of each, a photo, a thumbnail and a display size that might exist.
    expect(fake.calls.filter((method) => method === "DELETE").length - before).toBe(90);
    const left = [...fake.objects.keys()].filter((key) => posts.some(({ id }) => key.startsWith(id)));
    expect(left).toEqual([]);
    expect((await a.services.database.posts.countUnfinished()).deleting).toBe(0);
  });

  test("two nodes: no post appears behind a cursor while both publish", async () => {
    const { token } = await a.signUp();
    const seen: string[] = [];
    let done = false;
    const reader = (async () => {
      // The newest posts come first, so new ones must precede those already seen.
      while (!done) {
        const { posts } = (await (await b.fetch("/feed?limit=200", { token })).json()) as { posts: Shared[] };
        const ids = posts.map(({ id }) => id);
        const fresh = ids.filter((id) => !seen.includes(id));
        expect(ids.slice(0, fresh.length)).toEqual(fresh);
        seen.push(...fresh);
      }
    })();
    for (let round = 0; round < 6; round++)
      await Promise.all(Array.from({ length: 8 }, (_, i) => share(i % 2 ? a : b, token)));
    done = true;
    await reader;
    expect(seen.length).toBeGreaterThan(8);
  });
});
