import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { openDatabase, type Database } from "../../src/database/database.ts";
import type { ReservedPost } from "../../src/database/posts.ts";
import { freshDatabase, hasPostgres } from "../support/postgres.ts";

const second = 1000;
const start = new Date("2026-01-02T03:04:05.678Z");
const after = (milliseconds: number) => new Date(start.getTime() + milliseconds);

describe.each(hasPostgres ? ["SQLite", "PostgreSQL"] : ["SQLite"])("on %s", (dialect) => {
  let folder: string;
  let database: Database;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "image-sharing-queries-"));
    database = await openDatabase(
      dialect === "SQLite" ? join(folder, "test.db") : { url: await freshDatabase(), poolSize: 5 },
    );
  });
  afterAll(async () => {
    await database.close();
    await rm(folder, { recursive: true });
  });

  async function addUser(changes: { tokensValidFrom?: Date; isActive?: boolean } = {}): Promise<string> {
    const id = crypto.randomUUID();
    const user = {
      id,
      email: `${id}@example.com`,
      emailKey: `${id}@example.com`,
      hashedPassword: "",
      isActive: true,
      isSuperuser: false,
      isVerified: false,
      createdAt: start,
      tokensValidFrom: start,
    };
    expect(await database.users.add({ ...user, ...changes })).toBe(true);
    return id;
  }
  const newPost = (userId: string, changes: Partial<ReservedPost> = {}): ReservedPost => {
    const id = Bun.randomUUIDv7();
    return {
      id,
      userId,
      caption: "Üñí 🌲\n'\"\\",
      fileType: "video",
      fileName: "v.mp4",
      store: "disk",
      key: `${id}.mp4`,
      contentType: "video/mp4",
      bytes: 5_000_000_000,
      width: null,
      height: null,
      sha256: "0".repeat(64),
      uploadKey: null,
      reservedAt: start,
      ...changes,
    };
  };
  async function reserve(userId: string, changes: Partial<ReservedPost> = {}): Promise<ReservedPost> {
    const post = newPost(userId, changes);
    expect(await database.posts.reserve(post)).toBe("reserved");
    return post;
  }
  const facts = { url: "/media/x", storeId: null, thumbnailUrl: null };
  const due = (now: Date, limit = 100) => database.posts.claimDeleting(now, after(1e9), [], limit);

  test("a post comes back as it went in", async () => {
    const author = await addUser();
    const post = await reserve(author);
    expect(await database.posts.byId(post.id)).toBeUndefined();
    const createdAt = await database.posts.publish(post.id, facts, start);
    const { sha256: _, store: _s, key: _k, uploadKey: _u, reservedAt: _r, ...kept } = post;
    const email = `${author}@example.com`;
    const { url, thumbnailUrl } = facts;
    expect(await database.posts.byId(post.id)).toEqual({
      ...kept,
      email,
      url,
      thumbnailUrl,
      createdAt: createdAt!,
    });
  });

  test("posts are published in the order of their moments, also where a clock was set back", async () => {
    const author = await addUser();
    const [slow, quick, late] = [await reserve(author), await reserve(author), await reserve(author)];
    const first = await database.posts.publish(quick.id, facts, after(10 * second));
    const same = await database.posts.publish(slow.id, facts, after(10 * second));
    const back = await database.posts.publish(late.id, facts, start);
    expect([same!.getTime() - first!.getTime(), back!.getTime() - same!.getTime()]).toEqual([1, 1]);
    const page = await database.posts.page(3);
    expect(page.map(({ id }) => id)).toEqual([late.id, slow.id, quick.id]);
    const next = await database.posts.page(1, page[0]);
    expect(next.map(({ id }) => id)).toEqual([slow.id]);
  });

  test("an upload key is one user's, for one upload, until it expires", async () => {
    const [author, other] = [await addUser(), await addUser()];
    const uploadKey = "key";
    const { id } = await reserve(author, { uploadKey });
    expect(await database.posts.reserve(newPost(author, { uploadKey }))).toBe("upload key taken");
    await reserve(other, { uploadKey });
    expect(await database.posts.byUploadKey(author, uploadKey)).toEqual({ id, sha256: "0".repeat(64) });
    await database.posts.expireUploadKeys(start);
    expect(await database.posts.byUploadKey(author, uploadKey)).toBeDefined();
    await database.posts.expireUploadKeys(after(1));
    expect(await database.posts.byUploadKey(author, uploadKey)).toBeUndefined();
  });

  test("who is gone adds no post", async () => {
    expect(await database.posts.reserve(newPost(crypto.randomUUID()))).toBe("no such user");
  });

  test("with an account its posts are gone at once, and their bytes when nobody can be sending any", async () => {
    const [author, other] = [await addUser(), await addUser()];
    const [published, pending, kept] = [await reserve(author), await reserve(author), await reserve(other)];
    for (const { id } of [published, kept]) await database.posts.publish(id, facts, start);
    await due(after(1e8));

    expect(await database.users.remove(author, start, after(60 * second))).toBe(true);
    expect(await database.users.remove(author, start, after(60 * second))).toBe(false);
    expect(await database.posts.byId(published.id)).toBeUndefined();
    expect(await database.posts.byId(kept.id)).toBeDefined();
    expect(await database.posts.publish(pending.id, facts, start)).toBeUndefined();
    expect((await due(start)).map(({ id }) => id)).toEqual([published.id]);
    expect((await due(after(60 * second))).map(({ id }) => id)).toEqual([pending.id]);
  });

  test("an account removed while it uploads leaves no post without an author", async () => {
    const { pending } = await database.posts.countUnfinished();
    for (let round = 0; round < 20; round++) {
      const author = await addUser();
      const ready = await Promise.all([reserve(author), reserve(author)]);
      await Promise.all([
        ...ready.map(({ id }) => database.posts.publish(id, facts, start)),
        database.posts.reserve(newPost(author)),
        database.users.remove(author, start, start),
      ]);
      for (const { id } of ready) expect(await database.posts.mediaByKey(`${id}.mp4`)).toBeUndefined();
    }
    expect((await database.posts.countUnfinished()).pending).toBe(pending);
  });

  test("what is to be deleted is claimed by one, for as long as it says, a few at a time", async () => {
    await due(after(1e8));
    const author = await addUser();
    const posts = await Promise.all([1, 2, 3, 4].map(() => reserve(author)));
    for (const { id } of posts) await database.posts.abandon(id, start);
    const claims = await Promise.all(
      [1, 2, 3].map(() => database.posts.claimDeleting(start, after(second), [], 2)),
    );
    const claimed = claims.flat().map(({ id }) => id);
    expect(claimed).toHaveLength(new Set(claimed).size);
    // Whoever came while another was choosing may have found less.
    while (claimed.length < 4)
      claimed.push(...(await database.posts.claimDeleting(start, after(second), [], 1)).map(({ id }) => id));
    expect(claimed.sort()).toEqual(posts.map(({ id }) => id).sort());
    expect(await due(after(second - 1))).toEqual([]);
    const running = posts[0]!.id;
    const again = await database.posts.claimDeleting(after(second), after(1e9), [running], 10);
    expect(again.map(({ id }) => id).sort()).toEqual(claimed.filter((id) => id !== running).sort());
    expect(again[0]?.attempts).toBe(2);
  });

  test("only uploads that are old and not running here are given up", async () => {
    await database.posts.abandonOlderThan(after(1e9), [], start);
    const author = await addUser();
    const [old, running, young] = [
      await reserve(author),
      await reserve(author),
      await reserve(author, { reservedAt: after(second) }),
    ];
    expect(await database.posts.abandonOlderThan(start, [running.id], start)).toBe(1);
    expect(await database.posts.publish(old.id, facts, start)).toBeUndefined();
    for (const { id } of [running, young])
      expect(await database.posts.publish(id, facts, start)).toBeDefined();
  });

  test("a token speaks for an active user, from its moment on, until it is ended", async () => {
    const user = await addUser({ tokensValidFrom: after(5) });
    const viewer = async (issuedAt: Date, tokenId: string) =>
      (await database.users.viewer(user, issuedAt, tokenId))?.id;
    expect(await viewer(after(4), "a")).toBeUndefined();
    expect(await viewer(after(5), "a")).toBe(user);
    await database.revokedTokens.add("a", after(second));
    await database.revokedTokens.add("a", after(second));
    expect(await viewer(after(5), "a")).toBeUndefined();
    expect(await viewer(after(5), "b")).toBe(user);
    await database.revokedTokens.removeExpired(after(second));
    expect(await viewer(after(5), "a")).toBeUndefined();
    await database.revokedTokens.removeExpired(after(second + 1));
    expect(await viewer(after(5), "a")).toBe(user);
    await database.users.change(user, { isActive: false });
    expect(await viewer(after(5), "b")).toBeUndefined();
  });

  test("an address belongs to one account", async () => {
    const [ada, ben] = [await addUser(), await addUser()];
    const emailKey = `${ada}@example.com`;
    expect(await database.users.change(ben, { emailKey })).toBe("email taken");
    expect((await database.users.byEmailKey(emailKey))?.id).toBe(ada);
    expect(await database.users.byEmailKey("nobody@example.com")).toBeUndefined();
    expect(await database.users.change(ada, { hashedPassword: "new" }, "not the old one")).toBeUndefined();
    expect(await database.users.markVerified(ada, "another@example.com")).toBeUndefined();
  });
});
