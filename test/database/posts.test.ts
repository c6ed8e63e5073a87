import { expect, test } from "bun:test";

import { actor, addAccount, addPost, at, onEachDatabase, reservation, stored } from "../support/databases.ts";

onEachDatabase("posts", (open) => {
  test("posts: a reservation reports whether its upload key is taken", async () => {
    const database = await open();
    const { posts } = database;
    const [ada, bob] = [await addAccount(database), await addAccount(database)];
    const uploadKey = "holiday-1";
    const first = reservation(ada.id, { uploadKey, sha256: "1".repeat(64) });
    expect(await posts.reserve(actor(ada.id), first)).toBe("reserved");
    expect(await posts.reserve(actor(ada.id), reservation(ada.id, { uploadKey }))).toBe("upload key taken");
    expect(await posts.reserve(actor(bob.id), reservation(bob.id, { uploadKey }))).toBe("reserved");
    const { id, caption } = first;
    expect(await posts.byUploadKey(ada.id, uploadKey)).toEqual({
      id,
      caption,
      alt: "",
      editedAt: null,
      sha256: "1".repeat(64),
    });
    expect(await posts.byUploadKey(ada.id, "holiday-2")).toBeUndefined();
    // Any other conflict throws.
    await expect(posts.reserve(actor(ada.id), { ...reservation(ada.id), id: first.id })).rejects.toThrow();
  });

  test("posts: a reserved post is invisible until it is published", async () => {
    const database = await open();
    const { posts } = database;
    const ada = await addAccount(database);
    const { id } = await addPost(database, ada.id);
    const seen = async () => [
      (await posts.byId(id)) ? 1 : 0,
      (await posts.page(10)).length,
      (await database.media.byKey(`${id}.png`)) ? 1 : 0,
    ];
    expect(await seen()).toEqual([0, 0, 0]);
    await posts.publish(actor(ada.id), id, stored(id), at(5));
    expect(await seen()).toEqual([1, 1, 1]);
    await posts.startDeleting(actor(ada.id), id, at(6));
    expect(await seen()).toEqual([0, 0, 0]);
  });

  test("posts: publication times increase strictly, whatever the order of reservation and the clock", async () => {
    const database = await open();
    const { posts } = database;
    const ada = await addAccount(database);
    const reserved = [];
    for (let i = 0; i < 5; i++) reserved.push((await addPost(database, ada.id)).id);
    const [a, b, c, d, e] = reserved as [string, string, string, string, string];
    // The last reservation is published first; then the same time again, a clock set back by an hour, and a later time.
    const order = [e, a, d, b, c];
    const clocks = [at(100), at(100), at(-3500), at(100), at(200)];
    const times: Date[] = [];
    for (const [i, id] of order.entries())
      times.push((await posts.publish(actor(ada.id), id, stored(id), clocks[i]!)) ?? new Date(0));
    const after100 = (ms: number) => new Date(at(100).getTime() + ms);
    expect(times).toEqual([at(100), after100(1), after100(2), after100(3), at(200)]);
    expect((await posts.page(10)).map(({ id }) => id)).toEqual(order.toReversed());
  });

  test("posts: pages have no gaps, and no post appears behind a cursor", async () => {
    const database = await open();
    const { posts } = database;
    const ada = await addAccount(database);
    for (let i = 0; i < 7; i++) await addPost(database, ada.id, { publishedAt: at(i) });
    const all = await posts.page(100);
    const first = await posts.page(3);
    await addPost(database, ada.id, { publishedAt: at(-50) });
    const rest = await posts.page(100, first.at(-1));
    expect(all).toEqual([...first, ...rest]);
    expect(await posts.page(3, rest.at(-1))).toEqual([]);
  });

  test("posts: pages differ after two posts of the same time, and for two page sizes", async () => {
    const database = await open();
    const { posts } = database;
    const ada = await addAccount(database);
    const ids = [1, 2].map((i) => `00000000-0000-7000-8000-00000000000${i}`) as [string, string];
    for (const id of ids) await addPost(database, ada.id, { id, publishedAt: at(1) });
    const behind = async (limit: number, id: string) =>
      (await posts.page(limit, { createdAt: at(1.001), id })).map((post) => post.id);
    for (let i = 0; i < 2; i++) {
      expect(await behind(1, "~")).toEqual([ids[1]]);
      expect(await behind(2, "~")).toEqual(ids.toReversed());
      expect(await behind(2, ids[1])).toEqual([ids[0]]);
    }
  });

  test("posts: publishing a second time or after abandoning changes nothing", async () => {
    const database = await open();
    const { posts } = database;
    const ada = await addAccount(database);
    const { id, createdAt } = await addPost(database, ada.id, { publishedAt: at(1) });
    expect(createdAt).toEqual(at(1));
    expect(await posts.publish(actor(ada.id), id, stored("another"), at(2))).toBeUndefined();
    expect(await posts.byId(id)).toMatchObject({ createdAt: at(1), url: `/media/${id}.png` });
    // If it is unknown whether publishing succeeded, abandoning affects only an unpublished post.
    expect(await posts.abandon(id, at(3))).toBeUndefined();
    expect(await posts.byId(id)).toBeDefined();

    const pending = await addPost(database, ada.id);
    expect(await posts.abandon(pending.id, at(3))).toMatchObject({ id: pending.id, url: null });
    expect(await posts.publish(actor(ada.id), pending.id, stored(pending.id), at(4))).toBeUndefined();
    expect((await posts.page(10)).map((post) => post.id)).toEqual([id]);
  });

  test("posts: removing an account hides its posts, stops its uploads, and schedules the deletion of their bytes", async () => {
    const database = await open();
    const { posts, users } = database;
    const [ada, bob] = [await addAccount(database), await addAccount(database)];
    const published = await addPost(database, ada.id, { publishedAt: at(1) });
    const pending = await addPost(database, ada.id, { uploadKey: "k" });
    const other = await addPost(database, bob.id, { publishedAt: at(1) });
    expect(await users.remove(actor(bob.id), ada.id, at(10), at(600))).toBe(true);
    expect(await users.remove(actor(bob.id), ada.id, at(10), at(600))).toBe(false);

    expect((await posts.page(10)).map(({ id }) => id)).toEqual([other.id]);
    expect(await posts.byId(published.id)).toBeUndefined();
    expect(await database.media.byKey(`${published.id}.png`)).toBeUndefined();
    await expect(posts.publish(actor(ada.id), pending.id, stored(pending.id), at(11))).rejects.toThrow(
      "UNAUTHORIZED",
    );

    const due = async (now: Date) => (await posts.claimDeleting(now, at(9999), [], 10)).map(({ id }) => id);
    expect(await due(at(9))).toEqual([]);
    expect(await due(at(10))).toEqual([published.id]);
    expect(await due(at(599))).toEqual([]);
    expect(await due(at(600))).toEqual([pending.id]);
  });

  test("posts: only the author can delete a post, and only once", async () => {
    const database = await open();
    const { posts } = database;
    const [ada, bob] = [await addAccount(database), await addAccount(database)];
    const { id } = await addPost(database, ada.id, { publishedAt: at(1), uploadKey: "k" });
    expect(await posts.startDeleting(actor(bob.id), id, at(2))).toBeUndefined();
    const tries = await Promise.all([1, 2, 3].map(() => posts.startDeleting(actor(ada.id), id, at(2))));
    expect(tries.filter((media) => media)).toHaveLength(1);
    // The key may be used again.
    expect(await posts.byUploadKey(ada.id, "k")).toBeUndefined();
    expect(await posts.reserve(actor(ada.id), reservation(ada.id, { uploadKey: "k" }))).toBe("reserved");
  });

  test("posts: releasing the claims of a dead process makes its posts due again", async () => {
    const database = await open();
    const { posts } = database;
    const ada = await addAccount(database);
    const { id } = await addPost(database, ada.id, { publishedAt: at(1) });
    await posts.startDeleting(actor(ada.id), id, at(2));
    const due = async () => (await posts.claimDeleting(at(3), at(60), [], 9)).map(({ id }) => id);
    expect([await due(), await due()]).toEqual([[id], []]);
    await posts.releaseClaims(at(3));
    expect([await due(), await due()]).toEqual([[id], []]);
  });

  test("posts: only rows of posts in deletion can be removed", async () => {
    const database = await open();
    const { posts } = database;
    const ada = await addAccount(database);
    const states = async () => ({
      ...(await posts.countUnfinished()),
      published: await posts.countPublished(),
    });
    const pending = await addPost(database, ada.id);
    const published = await addPost(database, ada.id, { publishedAt: at(1) });
    for (const { id } of [pending, published]) await posts.remove(id);
    expect(await states()).toEqual({ pending: 1, deleting: 0, published: 1 });
    await posts.startDeleting(actor(ada.id), published.id, at(2));
    await posts.remove(published.id);
    expect(await states()).toEqual({ pending: 1, deleting: 0, published: 0 });
  });

  test("posts: upload keys expire after their lifetime and not earlier", async () => {
    const database = await open();
    const { posts } = database;
    const ada = await addAccount(database);
    await addPost(database, ada.id, { uploadKey: "old", reservedAt: at(0), publishedAt: at(1) });
    await addPost(database, ada.id, { uploadKey: "new", reservedAt: at(10), publishedAt: at(11) });
    await posts.expireUploadKeys(at(10));
    expect(await posts.byUploadKey(ada.id, "old")).toBeUndefined();
    expect(await posts.byUploadKey(ada.id, "new")).toBeDefined();
    expect(await posts.reserve(actor(ada.id), reservation(ada.id, { uploadKey: "old" }))).toBe("reserved");
  });

  test("posts: uploads reserved before the cutoff are abandoned, except those that run in this process", async () => {
    const database = await open();
    const { posts } = database;
    const ada = await addAccount(database);
    const old = await addPost(database, ada.id, { reservedAt: at(0) });
    const running = await addPost(database, ada.id, { reservedAt: at(0) });
    const young = await addPost(database, ada.id, { reservedAt: at(11) });
    const published = await addPost(database, ada.id, { reservedAt: at(0), publishedAt: at(1) });
    expect(await posts.abandonOlderThan(at(10), [running.id], at(20))).toBe(1);
    expect(await posts.publish(actor(ada.id), old.id, stored(old.id), at(21))).toBeUndefined();
    expect(await posts.publish(actor(ada.id), running.id, stored(running.id), at(21))).toBeDefined();
    expect(await posts.publish(actor(ada.id), young.id, stored(young.id), at(21))).toBeDefined();
    expect(await posts.byId(published.id)).toBeDefined();
    expect(await posts.abandonOlderThan(at(10), [], at(20))).toBe(0);
  });

  test("posts: orphaned media are claimed in batches, each by one node, until the lease or the back-off ends", async () => {
    const database = await open();
    const { posts } = database;
    const ada = await addAccount(database);
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) {
      const { id } = await addPost(database, ada.id, { publishedAt: at(i) });
      await posts.startDeleting(actor(ada.id), id, at(10 + i));
      ids.push(id);
    }
    const [first, second, third, fourth, running] = ids as [string, string, string, string, string];
    const claim = async (now: Date, limit: number) =>
      (await posts.claimDeleting(now, at(100), [running], limit)).map(({ id }) => id).sort();

    expect(await claim(at(9), 10)).toEqual([]);
    // The post that has waited longest comes first.
    expect(await claim(at(20), 2)).toEqual([first, second].sort());
    expect(await claim(at(20), 10)).toEqual([third, fourth].sort());
    expect(await claim(at(99), 10)).toEqual([]);
    await posts.postpone(first, at(50));
    expect(await claim(at(50), 10)).toEqual([first]);
    await posts.remove(second);
    const again = await posts.claimDeleting(at(100), at(200), [running], 10);
    expect(Object.fromEntries(again.map(({ id, attempts }) => [id, attempts]))).toEqual({
      [first]: 3,
      [third]: 2,
      [fourth]: 2,
    });
    expect(again[0]).toEqual({
      id: again[0]!.id,
      fileType: "image",
      renditionVersion: 0,
      store: "disk",
      key: `${again[0]!.id}.png`,
      storeId: null,
      url: `/media/${again[0]!.id}.png`,
      bytes: 1234,
      reservedAt: at(0),
      attempts: again[0]!.attempts,
    });
  });

  test("posts: stores large sizes, milliseconds, null and any text unchanged", async () => {
    const database = await open();
    const { posts } = database;
    const ada = await addAccount(database, { email: "Ada@example.com" });
    const large = 100 * 1024 ** 3;
    const caption = "it's “quoted” \\ %_ $1 ? :id 😀 ñ ﷺ \n\t{}";
    const { id } = await addPost(database, ada.id, {
      caption,
      bytes: large,
      width: null,
      height: null,
      fileType: "video",
      fileName: "résumé.mp4",
      contentType: "video/mp4",
    });
    const facts = {
      ...{ url: "https://example.com/a?b=c", storeId: "s1", thumbnailUrl: "https://example.com/t" },
      ...{ displayUrl: "https://example.com/d", placeholder: "aGFzaA==" },
    };
    const createdAt = await posts.publish(actor(ada.id), id, facts, at(1.001));
    expect(createdAt).toEqual(at(1.001));
    expect(await posts.byId(id)).toEqual({
      id,
      userId: ada.id,
      authorName: null,
      email: "Ada@example.com",
      caption,
      alt: "",
      url: facts.url,
      thumbnailUrl: facts.thumbnailUrl,
      displayUrl: facts.displayUrl,
      placeholder: facts.placeholder,
      processing: false,
      durationSeconds: null,
      fileType: "video",
      fileName: "résumé.mp4",
      contentType: "video/mp4",
      bytes: large,
      width: null,
      height: null,
      createdAt: at(1.001),
      editedAt: null,
    });
    expect(await posts.page(1)).toEqual([(await posts.byId(id))!]);
    expect(await database.media.byKey(`${id}.png`)).toEqual({
      contentType: "video/mp4",
      fileName: "résumé.mp4",
      store: "disk",
      url: facts.url,
      thumbnailUrl: facts.thumbnailUrl,
      displayUrl: facts.displayUrl,
      width: null,
      height: null,
      createdAt: at(1.001),
    });
    expect(await posts.startDeleting(actor(ada.id), id, at(2))).toMatchObject({
      bytes: large,
      storeId: "s1",
    });
    expect([await posts.countPublished(), await posts.countUnfinished()]).toEqual([
      0,
      { pending: 0, deleting: 1 },
    ]);
  });

  test("posts: those of a file are found by its hash for one account, unless they are being deleted", async () => {
    const { posts, ...database } = await open();
    const [ada, bob] = [await addAccount({ posts, ...database }), await addAccount({ posts, ...database })];
    const sha256 = "a".repeat(64);
    const pending = reservation(ada.id, { sha256, uploadKey: "import a", reservedAt: at(60) });
    for (const post of [pending, reservation(ada.id), reservation(bob.id, { sha256 })])
      await posts.reserve(actor(post.userId), post);
    const { id, uploadKey, reservedAt } = pending;
    expect(await posts.ofFile(ada.id, sha256)).toEqual([{ id, state: "pending", uploadKey, reservedAt }]);
    expect(await posts.abandonOlderThan(at(59), [], at(59))).toBe(2);
    await posts.publish(actor(ada.id), id, stored(id), at(1));
    expect(await posts.ofFile(ada.id, sha256)).toMatchObject([{ id, state: "published" }]);
    await posts.startDeleting(actor(ada.id), id, at(2));
    expect(await posts.ofFile(ada.id, sha256)).toEqual([]);
  });
});
