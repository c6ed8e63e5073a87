import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { openDatabase } from "../../src/database/database.ts";

import { actor, addAccount, addPost, at, onEachDatabase } from "../support/databases.ts";

onEachDatabase("lists of users", (open) => {
  test("users.page: returns every account once, newest first, in pages of any size", async () => {
    const database = await open();
    const added = [];
    // Pairs with the same time are in the order of their ids.
    for (let i = 0; i < 7; i++) added.push(await addAccount(database, { createdAt: at(Math.floor(i / 2)) }));
    const expected = added
      .toSorted((a, b) => b.createdAt.getTime() - a.createdAt.getTime() || (a.id < b.id ? 1 : -1))
      .map(({ id }) => id);
    for (const limit of [1, 2, 3, 100]) {
      const found = [];
      let page = await database.users.page(limit, undefined, "");
      while (page.length > 0) {
        found.push(...page);
        page = await database.users.page(limit, page.at(-1), "");
      }
      expect(found.map(({ id }) => id)).toEqual(expected);
    }
  });

  test("users.page: finds a text in addresses and names in any case, and takes wildcards literally", async () => {
    const database = await open();
    const add = (email: string, name: string | null) =>
      addAccount(database, { email, emailKey: email.toLowerCase(), name });
    await add("Ada@example.com", "Ada Lovelace");
    await add("a_a@example.com", null);
    await add("grace@navy.example", "100% Grace [*] \\ ?");
    const search = async (text: string) =>
      (await database.users.page(10, undefined, text))
        .map(({ email }) => email.split("@")[0]!.toLowerCase())
        .sort();
    expect(await search("LOVE")).toEqual(["ada"]);
    expect(await search("EXAMPLE.com")).toEqual(["a_a", "ada"]);
    expect(await search("a_a")).toEqual(["a_a"]);
    expect(await search("0%")).toEqual(["grace"]);
    expect(await search("%")).toEqual(["grace"]);
    for (const text of ["[*]", "\\", "?", "] \\ ?"])
      expect([text, await search(text)]).toEqual([text, ["grace"]]);
    expect(await search("ADA@EX")).toEqual(["ada"]);
    expect(await search("nobody")).toEqual([]);
    expect(await search("' or 1=1 --")).toEqual([]);
  });

  test("usage: counts published posts and running uploads of each account, without deleted ones", async () => {
    const database = await open();
    const [ada, bob, eve] = [
      await addAccount(database),
      await addAccount(database),
      await addAccount(database),
    ];
    await addPost(database, ada.id, { bytes: 3_000_000_000, publishedAt: at(1) });
    await addPost(database, ada.id, { bytes: 5 });
    const deleted = await addPost(database, ada.id, { bytes: 7, publishedAt: at(2) });
    await database.posts.startDeleting(actor(ada.id), deleted.id, at(3));
    await addPost(database, bob.id, { bytes: 11, publishedAt: at(4) });
    const usage = await database.usage.ofAll([ada.id, bob.id, eve.id]);
    expect(Object.fromEntries(usage)).toEqual({
      [ada.id]: { posts: 2, bytes: 3_000_000_005 },
      [bob.id]: { posts: 1, bytes: 11 },
    });
    expect(await database.usage.of(eve.id)).toEqual({ posts: 0, bytes: 0 });
    expect(await database.usage.ofAll([])).toEqual(new Map());
  });
});

test("SQLite users.page: ignores the case of letters beyond ASCII", async () => {
  const folder = await mkdtemp(join(tmpdir(), "image-sharing-user-pages-"));
  const database = await openDatabase(join(folder, "image-sharing.db"));
  await addAccount(database, { email: "élodie@example.com", emailKey: "1", name: "Élodie Özgür" });
  await addAccount(database, { email: "x@example.com", emailKey: "2", name: "Xlodie Ozgur" });
  for (const text of ["élodie öz", "ÉLODIE ÖZGÜR", "odie Ö", "É"])
    expect([text, (await database.users.page(10, undefined, text)).length]).toEqual([text, 1]);
  await database.close();
  await rm(folder, { recursive: true });
});
