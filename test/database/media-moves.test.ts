import { expect, setDefaultTimeout, test } from "bun:test";

import type { Database } from "../../src/database/database.ts";
import type { MovedMedia, MovingPost } from "../../src/database/media-moves.ts";
import { actor, addAccount, addPost, at, onEachDatabase } from "../support/databases.ts";

setDefaultTimeout(60_000);

const inS3 = ({ id }: { id: string }): MovedMedia => ({
  media: { storeId: null, url: `https://cdn/${id}.png`, bytes: 1, thumbnailUrl: null, displayUrl: null },
  missing: [],
});
const inImageKit: MovedMedia = {
  media: {
    storeId: "file",
    url: "https://ik/a.png",
    bytes: 1,
    thumbnailUrl: "https://ik/t",
    displayUrl: null,
  },
  missing: null,
};

const privateStore = (name: string) => ({ name, isPublic: false });

/** Begins a move at this second, with a lease of a minute. */
const beginAt = (database: Database, seconds: number, id: string, target = "s3") =>
  database.mediaMoves.begin(id, privateStore(target), at(seconds), at(seconds + 60), at(seconds + 90));

async function begun(database: Database, seconds: number, id: string, target?: string): Promise<MovingPost> {
  const moving = await beginAt(database, seconds, id, target);
  if (moving === undefined || moving === "busy") throw new Error(`not begun: ${moving}`);
  return moving;
}

const dueAt = async (database: Database, seconds: number) =>
  (await database.mediaCopies.claimDue(at(seconds), at(seconds + 10), 10)).map(
    ({ postId, store, postStore }) => ({ postId, store, postStore }),
  );

onEachDatabase("media moves", (open) => {
  async function withPost(missing: ("picture" | "mp4")[] = []) {
    const database = await open();
    const { id: userId } = await addAccount(database);
    const { id } = await addPost(database, userId, { publishedAt: at(0), missing });
    return { database, userId, id };
  }

  test("media moves: one move at a time works on a post, until its lease ends", async () => {
    const { database, id } = await withPost();
    const first = await begun(database, 0, id);
    expect(first).toMatchObject({ id, store: "disk", isTakenOver: false });
    expect(await beginAt(database, 59, id)).toBe("busy");
    expect(await database.mediaMoves.renew(first, at(100), at(130))).toBe(true);
    expect(await beginAt(database, 99, id)).toBe("busy");
    const second = await begun(database, 100, id);
    expect(second.isTakenOver).toBe(true);
    expect(await database.mediaMoves.renew(first, at(200), at(230))).toBe(false);
    expect(await database.mediaMoves.finish(first, inS3(first), at(101), at(500))).toBe("gone");
    expect(await database.mediaMoves.finish(second, inS3(first), at(101), at(500))).toBe("moved");
    expect(await beginAt(database, 102, id)).toBeUndefined();
  });

  test("media moves: a copy is due when its move is dead, and the old files after the grace period", async () => {
    const { database, id } = await withPost();
    await begun(database, 0, id);
    expect(await dueAt(database, 89)).toEqual([]);
    expect(await dueAt(database, 90)).toEqual([{ postId: id, store: "s3", postStore: "disk" }]);
    // While its deletion runs, no move may write the same files.
    expect(await beginAt(database, 91, id)).toBe("busy");
    const again = await begun(database, 100, id);
    await database.mediaMoves.finish(again, inS3(again), at(101), at(500));
    expect(await dueAt(database, 499)).toEqual([]);
    expect(await dueAt(database, 500)).toEqual([{ postId: id, store: "disk", postStore: "s3" }]);
    expect(await database.posts.byId(id)).toMatchObject({ url: `https://cdn/${id}.png` });
  });

  test("media moves: a move back takes over the files that were to be deleted", async () => {
    const { database, id } = await withPost();
    const there = await begun(database, 0, id);
    await database.mediaMoves.finish(there, inS3(there), at(1), at(500));
    const back = await begun(database, 2, id, "disk");
    expect(back).toMatchObject({ store: "s3", isTakenOver: true });
    expect(await database.mediaMoves.finish(back, inS3(back), at(3), at(600))).toBe("moved");
    expect(await dueAt(database, 1000)).toEqual([{ postId: id, store: "s3", postStore: "disk" }]);
  });

  test("media moves: a post with files in two other stores counts once", async () => {
    const { database, id } = await withPost();
    const first = await begun(database, 0, id);
    await database.mediaMoves.finish(first, inS3(first), at(1), at(500));
    const second = await begun(database, 2, id, "imagekit");
    await database.mediaMoves.finish(second, inImageKit, at(3), at(600));
    expect(await database.mediaCopies.countOutside("imagekit")).toBe(1);
    expect(await database.mediaCopies.countOutside("disk")).toBe(1);
  });

  test("media moves: a post that is deleted or changed meanwhile is not switched", async () => {
    const { database, id, userId } = await withPost(["picture"]);
    const moving = await begun(database, 0, id);
    const job = (await database.renditionJobs.claim("picture", "", at(1), at(60)))!;
    await database.renditionJobs.finish(job, { thumbnailUrl: "/media/new" });
    expect(await database.mediaMoves.compare(moving)).toBe("changed");
    expect(await database.mediaMoves.finish(moving, inS3(moving), at(2), at(500))).toBe("changed");
    await database.posts.startDeleting(actor(userId), id, at(3));
    expect(await database.mediaMoves.compare(moving)).toBe("gone");
    expect(await database.mediaMoves.renew(moving, at(100), at(130))).toBe(false);
    expect(await database.mediaMoves.finish(moving, inS3(moving), at(4), at(500))).toBe("gone");
    await database.posts.remove(id);
    await database.mediaCopies.release(moving.copy, at(400));
    await database.mediaCopies.expire(id, at(5));
    expect(await dueAt(database, 5)).toEqual([{ postId: id, store: "s3", postStore: null }]);
  });

  test("media moves: a running attempt at a rendition loses its lease, without counting, and the job goes on", async () => {
    const { database, id } = await withPost(["picture"]);
    const job = (await database.renditionJobs.claim("picture", "", at(1), at(60)))!;
    const moving = await begun(database, 2, id);
    await database.mediaMoves.finish(moving, inS3(moving), at(3), at(500));
    expect(await database.renditionJobs.renew(job, at(100))).toBe(false);
    expect(await database.posts.byId(id)).toMatchObject({ processing: true });
    const next = await database.renditionJobs.claim("picture", "", at(4), at(60));
    expect(next).toMatchObject({ store: "s3", attempts: 1 });
  });

  test("media moves: a store with renditions of its own ends the jobs, and later renditions get new keys", async () => {
    const { database, id } = await withPost(["picture"]);
    const moving = await begun(database, 0, id, "imagekit");
    await database.mediaMoves.finish(moving, inImageKit, at(1), at(500));
    expect(await database.renditionJobs.counts()).toEqual([]);
    expect(await database.posts.byId(id)).toMatchObject({ processing: false, thumbnailUrl: "https://ik/t" });
    const back = await begun(database, 2, id, "disk");
    expect(back).toMatchObject({ renditionVersion: 1, storeId: "file" });
    const target: MovedMedia = { ...inS3(back), missing: ["picture"] };
    await database.mediaMoves.finish(back, target, at(3), at(500));
    expect(await database.renditionJobs.claim("picture", "", at(4), at(60))).toMatchObject({ version: 1 });
    const [due] = await database.mediaCopies.claimDue(at(500), at(510), 10);
    expect(due).toMatchObject({ store: "imagekit", storeId: "file" });
  });

  test("media moves: totals and pages hold the posts of other stores that are published or hidden", async () => {
    const { database, id, userId } = await withPost();
    await addPost(database, userId);
    const other = await addPost(database, userId, { publishedAt: at(1), store: "s3", bytes: 5 });
    expect(await database.mediaMoves.page(privateStore("s3"), "", 10)).toEqual([{ id, bytes: 1234 }]);
    expect(await database.mediaMoves.page(privateStore("s3"), id, 10)).toEqual([]);
    const totals = await database.mediaMoves.totals(privateStore("imagekit"));
    expect(totals.sort((a, b) => a.store.localeCompare(b.store))).toEqual([
      { store: "disk", posts: 1 },
      { store: "s3", posts: 1 },
    ]);
    await database.posts.startDeleting(actor(userId), other.id, at(2));
    expect(await database.mediaMoves.totals(privateStore("disk"))).toEqual([]);
  });

  test("media moves: a post that is hidden does not move to a public store, not even when it is hidden meanwhile", async () => {
    const { database, id, userId } = await withPost();
    const to = { name: "imagekit", isPublic: true };
    const moving = await database.mediaMoves.begin(id, to, at(0), at(60), at(90));
    await database.users.change("operator", { id: userId, email: "" }, { isActive: false });
    await database.posts.syncPostStates(userId);
    if (moving === undefined || moving === "busy") throw new Error("not begun");
    expect(await database.mediaMoves.renew(moving, at(100), at(130))).toBe(false);
    expect(await database.mediaMoves.finish(moving, inImageKit, at(1), at(500))).toBe("gone");
    expect(await database.mediaMoves.begin(id, to, at(100), at(160), at(190))).toBeUndefined();
    expect(await database.mediaMoves.page(to, "", 10)).toEqual([]);
    expect(await database.mediaMoves.countHidden(to)).toBe(1);
    expect(await database.mediaMoves.countHidden(privateStore("imagekit"))).toBe(0);
  });

  test("media copies: several nodes claim each due copy once, and a released one is due when it was told to be", async () => {
    const database = await open();
    const { id: userId } = await addAccount(database);
    for (let i = 0; i < 10; i++)
      await begun(database, 0, (await addPost(database, userId, { publishedAt: at(i) })).id);
    const claimed = await Promise.all(
      Array.from({ length: 4 }, () => database.mediaCopies.claimDue(at(90), at(200), 3)),
    );
    const ids = claimed.flat().map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.length).toBeGreaterThanOrEqual(3);
    await database.mediaCopies.release(claimed.flat()[0]!, at(95));
    for (const copy of claimed.flat().slice(1)) await database.mediaCopies.remove(copy);
    const rest = await database.mediaCopies.claimDue(at(95), at(200), 100);
    expect(rest).toHaveLength(10 - ids.length + 1);
  });
});
