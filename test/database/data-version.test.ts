import { Database as Client } from "bun:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { openDatabase, type Database } from "../../src/database/database.ts";
import { createDataVersion } from "../../src/database/data-version.ts";
import type { PublishedPost } from "../../src/database/published-posts.ts";
import { accessToken, actor, addAccount, addPost, at, stored } from "../support/databases.ts";

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "image-sharing-version-"));
  path = join(folder, "image-sharing.db");
});
afterEach(() => rm(folder, { recursive: true }));

describe("data version", () => {
  const connect = () => {
    const client = new Client(path, { create: true });
    client.run("pragma journal_mode = wal");
    client.run("create table if not exists numbers (number integer)");
    return client;
  };
  const add = "insert into numbers values (1)";

  test("data version: changes for another connection's write at the first call 100 ms after the last read", () => {
    const [ours, theirs] = [connect(), connect()];
    const pragma = ours.query<{ data_version: number }, []>("pragma data_version");
    let now = 1000;
    let looks = 0;
    const { current } = createDataVersion(
      () => {
        looks += 1;
        return pragma.get()!.data_version;
      },
      () => now,
    );
    const first = current();
    theirs.run(add);
    now += 99;
    expect([current(), looks]).toEqual([first, 1]);
    now += 1;
    const second = current();
    expect([second !== first, looks]).toEqual([true, 2]);
    now += 100;
    expect([current(), looks]).toEqual([second, 3]);
    ours.close();
    theirs.close();
  });

  test("data version: changes for a write that this connection has already read", () => {
    const [ours, theirs] = [connect(), connect()];
    const pragma = ours.query<{ data_version: number }, []>("pragma data_version");
    let now = 0;
    const { current } = createDataVersion(
      () => pragma.get()!.data_version,
      () => now,
    );
    const first = current();
    theirs.run(add);
    expect(ours.query("select * from numbers").all()).toHaveLength(1);
    now += 100;
    expect(current()).not.toBe(first);
    ours.close();
    theirs.close();
  });

  test("data version: writes of its own connection change the counter but not the pragma", () => {
    const ours = connect();
    const pragma = ours.query<{ data_version: number }, []>("pragma data_version");
    let now = 0;
    const { current, increment } = createDataVersion(
      () => pragma.get()!.data_version,
      () => now,
    );
    const first = current();
    ours.run(add);
    now += 100;
    expect(current()).toBe(first);
    increment();
    expect(current()).toBe(first + 1);
    ours.close();
  });

  test("data version: reads the pragma again after a failed read", () => {
    let fails = true;
    const { current } = createDataVersion(
      () => {
        if (fails) throw new Error("locked");
        return 7;
      },
      () => 0,
    );
    expect(current).toThrow("locked");
    fails = false;
    expect(current()).toBe(1);
  });
});

describe("cached queries: SQLite database", () => {
  let database: Database;
  beforeEach(async () => {
    database = await openDatabase(path);
  });
  afterEach(() => database.close());

  test("cached queries: the next read shows every kind of write of this process", async () => {
    const { users, posts, media, revokedTokens } = database;
    const ada = await addAccount(database);
    const token = accessToken();
    const author = actor(ada.id, { credential: token });
    const viewer = async () => {
      const found = await users.viewer(ada.id, 0, token.id);
      return found && [found.email, found.isSuperuser, found.isVerified];
    };
    // Read before each write, so that the cache holds the result from before it.
    expect(await viewer()).toEqual([ada.email, false, false]);
    await users.change("operator", ada, { isSuperuser: true });
    expect(await viewer()).toEqual([ada.email, true, false]);
    await users.markVerified(ada.id, ada.email, 0);
    expect(await viewer()).toEqual([ada.email, true, true]);

    const { id } = await addPost(database, ada.id);
    const isDelivered = async () => [
      (await media.byKey(`${id}.png`)) !== undefined,
      (await media.ofPost(id)) !== undefined,
    ];
    expect(await isDelivered()).toEqual([false, false]);
    await posts.publish(author, id, stored(id), at(0));
    expect(await isDelivered()).toEqual([true, true]);
    await posts.startDeleting(author, id, at(1));
    expect(await isDelivered()).toEqual([false, false]);

    await revokedTokens.add(author, token);
    expect(await viewer()).toBeUndefined();
    const other = () => users.viewer(ada.id, 0, "another token");
    expect(await other()).toBeDefined();
    await users.change("operator", ada, { isActive: false });
    expect(await other()).toBeUndefined();
  });

  test("cached queries: the next feed page shows new posts, deletions, new addresses and removed accounts", async () => {
    const { users, posts } = database;
    const [ada, bob] = [await addAccount(database), await addAccount(database)];
    const feed = async () => (await posts.page(10)).map(({ id, email }) => [id, email]);
    expect(await feed()).toEqual([]);
    const first = await addPost(database, ada.id, { publishedAt: at(0) });
    expect(await feed()).toEqual([[first.id, ada.email]]);
    const second = await addPost(database, bob.id, { publishedAt: at(1) });
    expect(await feed()).toEqual([
      [second.id, bob.email],
      [first.id, ada.email],
    ]);
    const email = "ada@example.org";
    await users.change("operator", ada, { email, emailKey: email });
    expect((await feed())[1]).toEqual([first.id, email]);
    await posts.startDeleting(actor(ada.id, { tokenVersion: 1 }), first.id, at(2));
    expect(await feed()).toEqual([[second.id, bob.email]]);
    await users.remove(actor(bob.id), bob.id, at(3), at(4));
    expect(await feed()).toEqual([]);
  });

  test("cached queries: feed pages differ by length and by cursor", async () => {
    const ada = await addAccount(database);
    for (let i = 0; i < 9; i++) await addPost(database, ada.id, { publishedAt: at(i) });
    const all = await database.posts.page(100);
    for (let round = 0; round < 2; round++)
      for (const limit of [1, 3, 4])
        for (const start of [0, 1, 5])
          expect(await database.posts.page(limit, all[start - 1])).toEqual(all.slice(start, start + limit));
  });

  test("cached queries: feed pages of two thousand posts are cached, and the least recently used are evicted first", async () => {
    const ada = await addAccount(database);
    for (let i = 0; i < 20; i++) await addPost(database, ada.id, { publishedAt: at(i) });
    const page = (i: number) => database.posts.page(20, { createdAt: at(100 + i), id: "~" });
    const pages: (readonly PublishedPost[])[] = [];
    for (let i = 0; i < 95; i++) pages.push(await page(i));
    expect(await page(0)).toBe(pages[0]!);
    await page(95);
    expect(await page(0)).toBe(pages[0]!);
    expect(await page(1)).not.toBe(pages[1]!);
  });

  test("cached queries: a result is shared until the next write", async () => {
    const ada = await addAccount(database);
    const read = () => database.users.viewer(ada.id, 0, "token");
    const first = await read();
    expect(await read()).toBe(first!);
    await addAccount(database);
    expect(await read()).not.toBe(first!);
    expect(await read()).toEqual(first!);
  });

  test("cached queries: the result of a read that begins during a write is not kept after it", async () => {
    const ada = await addAccount(database);
    const read = () => database.users.viewer(ada.id, 0, "token");
    for (const isSuperuser of [true, false, true]) {
      await read();
      const write = database.users.change("operator", ada, { isSuperuser });
      const during = [read(), Promise.resolve().then(read)];
      await write;
      expect(await read()).toMatchObject({ isSuperuser });
      await Promise.all(during);
      expect(await read()).toMatchObject({ isSuperuser });
    }
  });
});
