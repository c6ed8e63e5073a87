import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";

import { type FakeImageKit, startFakeImageKit } from "../support/fake-imagekit.ts";
import { pngPhoto } from "../support/media-samples.ts";
import { freshDatabase, hasPostgres, withServer } from "../support/postgres.ts";
import { until } from "../support/until.ts";
import { postOf, TwoNodes } from "./two-nodes.ts";

setDefaultTimeout(60_000);

describe.skipIf(!hasPostgres)("sweeping: two nodes with one remote media store", () => {
  let nodes: TwoNodes;
  let fake: FakeImageKit;
  let photo: Blob;
  beforeAll(async () => {
    photo = new Blob([await pngPhoto(16, 16)]);
    fake = await startFakeImageKit();
    nodes = await TwoNodes.start(await freshDatabase(), {
      IMAGEKIT_PUBLIC_KEY: "public_test",
      IMAGEKIT_PRIVATE_KEY: fake.privateKey,
      IMAGEKIT_URL_ENDPOINT: fake.urlEndpoint,
      IMAGE_KIT_BASE_URL: fake.url,
    });
  });
  afterAll(async () => {
    await nodes?.end();
    await fake?.close();
  });

  const rows = () =>
    withServer(nodes.databaseUrl, async (sql): Promise<string[]> =>
      (await sql`select state from posts order by state`).map(({ state }: { state: string }) => state),
    );

  test("sweeping: nodes delete each file of a removed account once, and leave none", async () => {
    const email = "ada@example.com";
    const token = await nodes.a.signUp(email);
    for (let i = 0; i < 24; i++) {
      const answer = await nodes[i % 2 ? "a" : "b"].upload(token, photo);
      expect(answer.status).toBe(200);
    }
    const chief = await nodes.b.signUp("chief@example.com");
    await withServer(nodes.databaseUrl, (sql) =>
      sql.unsafe("update users set is_superuser = true where email = 'chief@example.com'"),
    );
    const { id } = (await (await nodes.a.fetch("/users/me", { token })).json()) as { id: string };
    const before = fake.calls.length;
    expect((await nodes.b.fetch(`/users/${id}`, { method: "DELETE", token: chief })).status).toBe(204);
    expect(await (await nodes.a.fetch("/feed", { token: chief })).json()).toMatchObject({ posts: [] });
    await until(async () => (await rows()).length === 0);
    expect(fake.files.size).toBe(0);
    const deletions = fake.calls.slice(before).filter(({ call }) => call === "delete");
    expect(deletions.map(({ status }) => status)).toEqual(Array(24).fill(204));
  });

  test("sweeping: a node removes the bytes of an upload whose node died", async () => {
    const token = await nodes.a.signUp("bob@example.com");
    const kept = await postOf(await nodes.a.upload(token, photo));
    // The store receives the bytes but never responds.
    fake.fail("upload", "hang after", 1);
    const lost = nodes.a.upload(token, photo).catch(() => "lost");
    await until(() => fake.files.size === 2);
    await nodes.a.kill();
    expect(await lost).toBe("lost");
    expect(await rows()).toEqual(["pending", "published"]);
    // Node B cannot know that node A is dead until the grace period has passed.
    await until(async () => (await rows()).length === 1);
    expect(await rows()).toEqual(["published"]);
    expect(fake.files.size).toBe(1);
    expect((await nodes.b.fetch(`/posts/${kept.id}`, { token })).status).toBe(200);
    await nodes.a.start();
    expect((await nodes.a.fetch(`/posts/${kept.id}`, { token })).status).toBe(200);
  });
});
