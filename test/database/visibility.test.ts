import { expect, test } from "bun:test";

import type { Database } from "../../src/database/database.ts";
import { actor, addAccount, addPost, at, onEachDatabase } from "../support/databases.ts";

onEachDatabase("posts of deactivated accounts", (open) => {
  const deactivate = ({ users }: Database, user: { id: string; email: string }, isActive = false) =>
    users.change("operator", user, { isActive });

  /** What readers see of these posts. */
  const seenOf = async (database: Database, author: string, ids: string[]) => ({
    feed: (await database.posts.page(100)).filter(({ userId }) => userId === author).map(({ id }) => id),
    author: (await database.posts.pageOf(author, 100)).map(({ id }) => id),
    single: (await Promise.all(ids.map((id) => database.posts.byId(id)))).flatMap((post) => post?.id ?? []),
    media: (await Promise.all(ids.map((id) => database.media.byKey(`${id}.png`)))).filter(Boolean).length,
    thumbnails: (await Promise.all(ids.map((id) => database.media.ofPost(id)))).filter(Boolean).length,
    reports: (await database.reports.page(100, undefined)).map(({ post }) => post.id),
  });
  const nothing = { feed: [], author: [], single: [], media: 0, thumbnails: 0, reports: [] };

  test("visibility: a deactivation hides posts before and after they leave the feed's index, and a reactivation shows them again", async () => {
    const database = await open();
    const { posts, reports } = database;
    const [ada, bob] = [await addAccount(database), await addAccount(database)];
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) ids.unshift((await addPost(database, ada.id, { publishedAt: at(i) })).id);
    const other = await addPost(database, bob.id, { publishedAt: at(9) });
    for (const id of [ids[1]!, other.id]) await reports.add(actor(bob.id), id, "spam", at(10));
    const shown = {
      feed: ids,
      author: ids,
      single: ids,
      media: 5,
      thumbnails: 5,
      reports: [other.id, ids[1]!],
    };
    expect(await seenOf(database, ada.id, ids)).toEqual(shown);

    const hidden = { ...nothing, reports: [other.id] };
    await deactivate(database, ada);
    expect(await seenOf(database, ada.id, ids)).toEqual(hidden);
    expect(await posts.authorsToSync()).toEqual([ada.id]);
    expect(await posts.countPublished()).toBe(6);
    await posts.syncPostStates(ada.id);
    expect(await posts.countPublished()).toBe(1);
    expect(await posts.countUnfinished()).toEqual({ pending: 0, deleting: 0 });
    expect(await seenOf(database, ada.id, ids)).toEqual(hidden);
    expect(await posts.authorsToSync()).toEqual([]);

    await deactivate(database, ada, true);
    expect(await posts.authorsToSync()).toEqual([ada.id]);
    await posts.syncPostStates(ada.id);
    expect(await posts.authorsToSync()).toEqual([]);
    expect(await seenOf(database, ada.id, ids)).toEqual(shown);
  });

  test("visibility: following an author moves more posts than fit in one batch, and only published and hidden ones", async () => {
    const database = await open();
    const { posts } = database;
    const [ada, bob] = [await addAccount(database), await addAccount(database)];
    const count = 1_050;
    for (let i = 0; i < count; i++) await addPost(database, ada.id, { publishedAt: at(i) });
    const pending = await addPost(database, ada.id);
    const deleting = await addPost(database, ada.id, { publishedAt: at(1) });
    await posts.startDeleting(actor(ada.id), deleting.id, at(2));
    const eve = await addAccount(database);
    await addPost(database, eve.id, { publishedAt: at(1) });
    await deactivate(database, eve);
    await posts.syncPostStates(eve.id);
    await addPost(database, bob.id, { publishedAt: at(1) });

    await deactivate(database, ada);
    await posts.syncPostStates(ada.id);
    expect(await posts.countPublished()).toBe(1);
    await deactivate(database, ada, true);
    await posts.syncPostStates(ada.id);
    expect(await posts.countPublished()).toBe(count + 1);
    expect(await posts.countUnfinished()).toEqual({ pending: 1, deleting: 1 });
    expect(await posts.abandon(pending.id, at(3))).toBeDefined();
  });

  test("visibility: an account that is deactivated and reactivated again and again ends up with all its posts visible", async () => {
    const database = await open();
    const ada = await addAccount(database);
    const ids: string[] = [];
    for (let i = 0; i < 20; i++) ids.unshift((await addPost(database, ada.id, { publishedAt: at(i) })).id);
    const toggle = async (isActive: boolean) => {
      await deactivate(database, ada, isActive);
      await database.posts.syncPostStates(ada.id);
    };
    for (let round = 0; round < 5; round++)
      await Promise.all([toggle(false), toggle(true), toggle(false), toggle(true)]);
    await toggle(true);
    expect((await database.posts.page(100)).map(({ id }) => id)).toEqual(ids);
    expect(await database.posts.authorsToSync()).toEqual([]);
  });

  test("visibility: a superuser's actor deletes anybody's post, any other actor only its own", async () => {
    const database = await open();
    const [ada, root] = [await addAccount(database), await addAccount(database, { isSuperuser: true })];
    const { id } = await addPost(database, ada.id, { publishedAt: at(1) });
    expect(await database.posts.startDeleting(actor(root.id), id, at(2))).toBeUndefined();
    const asSuperuser = actor(root.id, { mustBeSuperuser: true });
    expect(await database.posts.startDeleting(asSuperuser, id, at(2))).toMatchObject({ id });
    await expect(
      database.posts.startDeleting(actor(ada.id, { mustBeSuperuser: true }), id, at(2)),
    ).rejects.toThrow("FORBIDDEN");
  });

  test("visibility: removing a deactivated account leaves its hidden posts to be deleted", async () => {
    const database = await open();
    const { posts, users } = database;
    const [ada, bob] = [await addAccount(database), await addAccount(database)];
    const { id } = await addPost(database, ada.id, { publishedAt: at(1) });
    await deactivate(database, ada);
    await posts.syncPostStates(ada.id);
    await users.remove(actor(bob.id), ada.id, at(2), at(3));
    expect((await posts.claimDeleting(at(2), at(9), [], 10)).map((orphan) => orphan.id)).toEqual([id]);
    await posts.syncPostStates(ada.id);
  });
});
