import { expect, test } from "bun:test";

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

  test("users.page: ignores the case of letters beyond ASCII, and takes a pattern's characters beside them literally", async () => {
    const database = await open();
    await addAccount(database, { email: "élodie@example.com", emailKey: "1", name: "Élodie Özgür" });
    await addAccount(database, { email: "x@example.com", emailKey: "2", name: "Xlodie Ozgur" });
    await addAccount(database, { email: "ivan@example.com", emailKey: "3", name: null });
    const names = ["Иван ***:(?i)[^Ж-я]", "\\d\\é{2}|+$.", "Ада %_é"];
    for (const name of names) await addAccount(database, { name });
    const search = async (text: string) =>
      (await database.users.page(10, undefined, text)).map(({ name }) => name);
    for (const text of ["élodie öz", "ÉLODIE ÖZGÜR", "odie Ö", "ÉLODIE@EX"])
      expect([text, await search(text)]).toEqual([text, ["Élodie Özgür"]]);
    for (const [text, name] of [
      ["иВАН ***", names[0]],
      ["[^ж-Я]", names[0]],
      ["***:(?I)[^ж", names[0]],
      ["\\D\\É{2}|+$.", names[1]],
      ["%_É", names[2]],
    ] as const)
      expect([text, await search(text)]).toEqual([text, [name!]]);
    for (const text of ["жж", "аэ", "com\nÉ", "com\nE", ".é", "éé"])
      expect([text, await search(text)]).toEqual([text, []]);
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
