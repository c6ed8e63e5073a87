import { describe, expect, setDefaultTimeout, test } from "bun:test";

import { openDatabase, type Database } from "../../src/database/database.ts";
import type { ClaimedJob } from "../../src/database/rendition-jobs.ts";
import type { RenditionKind } from "../../src/database/schema.ts";
import { actor, addAccount, addPost, at, onEachDatabase } from "../support/databases.ts";
import { freshDatabase, hasPostgres } from "../support/postgres.ts";

setDefaultTimeout(60_000);

/** A published post with these jobs, which are due at {@link at}(0). */
const addJobs = async (database: Database, userId: string, ...missing: RenditionKind[]) =>
  (await addPost(database, userId, { publishedAt: at(0), missing })).id;

const claimAt = async (database: Database, seconds: number, kind: RenditionKind = "picture", last = "") =>
  database.renditionJobs.claim(kind, last, at(seconds), at(seconds + 60));

/** @throws Error when no job is due */
async function claimed(database: Database, seconds: number, kind?: RenditionKind): Promise<ClaimedJob> {
  const job = await claimAt(database, seconds, kind);
  if (!job) throw new Error("no job is due");
  return job;
}

const isProcessing = async ({ posts }: Database, id: string) => (await posts.byId(id))?.processing;
const countsOf = async ({ renditionJobs }: Database) =>
  (await renditionJobs.counts()).map(({ kind, state, jobs }) => `${kind} ${state} ${jobs}`).sort();

onEachDatabase("rendition jobs", (open) => {
  test("rendition jobs: accounts take turns, whatever the number of their jobs", async () => {
    const database = await open();
    const accounts = [await addAccount(database), await addAccount(database), await addAccount(database)];
    for (const [i, { id }] of accounts.entries())
      for (let n = 0; n <= 2 * i; n++) await addJobs(database, id, "picture");
    const served: string[] = [];
    for (let last = ""; ;) {
      const job = await claimAt(database, 1, "picture", last);
      if (!job) break;
      served.push((last = job.userId));
    }
    const [ada, bob, eve] = accounts.map(({ id }) => id).sort();
    expect(served.slice(0, 3)).toEqual([ada!, bob!, eve!]);
    // Two accounts are left, and in the end one.
    expect(new Set(served.slice(3, 5)).size).toBe(2);
    expect(new Set(served.slice(5, 7)).size).toBe(2);
    expect(served).toHaveLength(9);
    expect(new Set(served.slice(7))).toEqual(new Set([accounts[2]!.id]));
  });

  test("rendition jobs: a claimed job tells what is needed of its post, and nobody else gets it before its lease ends", async () => {
    const database = await open();
    const { id: userId } = await addAccount(database);
    const postId = await addJobs(database, userId, "picture");
    const job = await claimed(database, 1);
    expect(job).toMatchObject({ postId, userId, kind: "picture", version: 0, attempts: 1, store: "disk" });
    expect(job).toMatchObject({
      key: `${postId}.png`,
      contentType: "image/png",
      url: `/media/${postId}.png`,
    });
    expect(await claimAt(database, 60)).toBeUndefined();
    const again = await claimed(database, 61);
    expect(again).toMatchObject({ id: job.id, attempts: 2 });
    expect(again.lease).not.toBe(job.lease);
  });

  test("rendition jobs: a renewed lease keeps its job, and one that was taken over is lost", async () => {
    const database = await open();
    const { id: userId } = await addAccount(database);
    const postId = await addJobs(database, userId, "picture");
    const job = await claimed(database, 1);
    expect(await database.renditionJobs.renew(job, at(100))).toBe(true);
    expect(await claimAt(database, 99)).toBeUndefined();
    const heir = await claimed(database, 101);
    expect(await database.renditionJobs.renew(job, at(200))).toBe(false);
    expect(await database.renditionJobs.finish(job, { placeholder: "late" })).toBe(false);
    expect(await database.renditionJobs.fail(job, { placeholder: "late" })).toBe(false);
    await database.renditionJobs.giveBack(job, at(0), 0);
    expect(await claimAt(database, 102)).toBeUndefined();
    expect((await database.posts.byId(postId))?.placeholder).toBeNull();
    expect(await database.renditionJobs.finish(heir, { placeholder: "good" })).toBe(true);
    expect((await database.posts.byId(postId))?.placeholder).toBe("good");
  });

  test("rendition jobs: a post is processing until its last job has finished or failed", async () => {
    const database = await open();
    const { id: userId } = await addAccount(database);
    const postId = await addJobs(database, userId, "poster", "mp4");
    expect(await isProcessing(database, postId)).toBe(true);
    const poster = await claimed(database, 1, "poster");
    expect(await database.renditionJobs.finish(poster, { thumbnailUrl: "/media/poster" })).toBe(true);
    expect(await isProcessing(database, postId)).toBe(true);
    const mp4 = await claimed(database, 1, "mp4");
    await database.renditionJobs.giveBack(mp4, at(30), 1);
    expect(await isProcessing(database, postId)).toBe(true);
    expect(await claimAt(database, 29, "mp4")).toBeUndefined();
    const retried = await claimed(database, 30, "mp4");
    expect(retried.attempts).toBe(2);
    expect(await database.renditionJobs.fail(retried, { durationSeconds: 3 })).toBe(true);
    const post = await database.posts.byId(postId);
    expect(post).toMatchObject({ processing: false, thumbnailUrl: "/media/poster", durationSeconds: 3 });
    expect(await countsOf(database)).toEqual(["mp4 failed 1"]);
    expect(await claimAt(database, 10_000, "mp4")).toBeUndefined();
  });

  test("rendition jobs: nobody claims, renews or finishes a job of a deleted post", async () => {
    const database = await open();
    const { id: userId } = await addAccount(database);
    const waiting = await addJobs(database, userId, "picture");
    await database.posts.startDeleting(actor(userId), waiting, at(1));
    expect(await claimAt(database, 1)).toBeUndefined();
    const running = await addJobs(database, userId, "picture");
    const job = await claimed(database, 2);
    await database.posts.startDeleting(actor(userId), running, at(3));
    expect(await database.renditionJobs.renew(job, at(100))).toBe(false);
    expect(await database.renditionJobs.finish(job, { placeholder: "late" })).toBe(false);
    expect(await database.renditionJobs.inUse(running, "picture")).toBeUndefined();
  });

  test("rendition jobs: cancelling tells when the last attempt's lease ends, and removes the other jobs", async () => {
    const database = await open();
    const { id: userId } = await addAccount(database);
    const postId = await addJobs(database, userId, "poster", "mp4");
    await claimed(database, 1, "mp4");
    await database.posts.startDeleting(actor(userId), postId, at(3));
    expect(await database.renditionJobs.cancel(postId, at(3))).toEqual(at(61));
    expect(await countsOf(database)).toEqual(["mp4 running 1"]);
    expect(await database.renditionJobs.cancel(postId, at(61))).toBeUndefined();
    expect(await countsOf(database)).toEqual([]);
  });

  test("rendition jobs: go on while their author is deactivated, and end with the account", async () => {
    const database = await open();
    const author = await addAccount(database);
    const postId = await addJobs(database, author.id, "picture");
    await database.users.change("operator", author, { isActive: false });
    await database.posts.syncPostStates(author.id);
    const job = await claimed(database, 1);
    expect(await database.renditionJobs.renew(job, at(50))).toBe(true);
    const chief = await addAccount(database, { isSuperuser: true });
    const superuser = actor(chief.id, { mustBeSuperuser: true });
    expect(await database.users.remove(superuser, author.id, at(2), at(3))).toBe(true);
    expect(await database.renditionJobs.renew(job, at(100))).toBe(false);
    expect(await database.renditionJobs.inUse(postId, "picture")).toBeUndefined();
  });

  test("rendition jobs: a process that starts alone releases the leases of the one before", async () => {
    const database = await open();
    const { id: userId } = await addAccount(database);
    await addJobs(database, userId, "picture");
    const job = await claimed(database, 1);
    await database.renditionJobs.releaseLeases(at(2));
    expect(await database.renditionJobs.renew(job, at(100))).toBe(false);
    expect(await claimed(database, 2)).toMatchObject({ id: job.id, attempts: 2 });
  });

  test("rendition jobs: all jobs of a kind that no process can run fail, and their posts are not processing", async () => {
    const database = await open();
    const { id: userId } = await addAccount(database);
    const [video, both] = [
      await addJobs(database, userId, "mp4"),
      await addJobs(database, userId, "mp4", "picture"),
    ];
    await database.renditionJobs.failAll(["poster", "mp4"]);
    expect(await database.renditionJobs.claim("mp4", "", at(1), at(60))).toBeUndefined();
    expect((await database.posts.byId(video))?.processing).toBe(false);
    expect((await database.posts.byId(both))?.processing).toBe(true);
  });

  test("rendition jobs: the backlog adds missing jobs, starts failed ones over and leaves the others alone", async () => {
    const database = await open();
    const { id: userId } = await addAccount(database);
    const failed = await addJobs(database, userId, "picture");
    await database.renditionJobs.fail(await claimed(database, 1), {});
    const running = await addJobs(database, userId, "picture");
    const job = await claimed(database, 1);
    const old = await addJobs(database, userId);
    const elsewhere = await addPost(database, userId, { store: "imagekit", publishedAt: at(0) });
    const complete = () => ({ kinds: ["picture"] as const, replacesExisting: false });
    const pages = [];
    for (let last: string | undefined = ""; last !== undefined;) {
      const page = await database.renditionBacklog.addPage(["disk"], last, 2, complete, at(2));
      pages.push(page);
      last = page.last;
    }
    expect(pages.map(({ posts, jobs }) => ({ posts, jobs }))).toEqual([
      { posts: 2, jobs: 2 },
      { posts: 1, jobs: 1 },
      { posts: 0, jobs: 0 },
    ]);
    expect(await countsOf(database)).toEqual(["picture running 1", "picture waiting 2"]);
    expect(await database.renditionJobs.renew(job, at(90))).toBe(true);
    for (const id of [failed, running, old]) expect(await isProcessing(database, id)).toBe(true);
    expect(await isProcessing(database, elsewhere.id)).toBe(false);
    expect(await claimed(database, 2)).toMatchObject({ attempts: 1, version: 0 });
    expect(await database.renditionBacklog.progress(["picture"], old)).toEqual({ unfinished: 3, failed: 0 });
  });

  test("rendition jobs: replaced renditions get another version, and running attempts at earlier ones are lost", async () => {
    const database = await open();
    const { id: userId } = await addAccount(database);
    const postId = await addJobs(database, userId, "picture");
    const job = await claimed(database, 1);
    const replacing = () => ({ kinds: ["picture"] as const, replacesExisting: true });
    await database.renditionBacklog.addPage(["disk"], "", 10, replacing, at(2));
    expect(await database.renditionJobs.finish(job, { placeholder: "old" })).toBe(false);
    expect(await database.renditionJobs.inUse(postId, "picture")).toMatchObject({ jobVersion: 1 });
    const newer = await claimed(database, 2);
    expect(newer).toMatchObject({ postId, version: 1, attempts: 1 });
    expect(await database.renditionJobs.finish(newer, {})).toBe(true);
    const orphan = await database.posts.startDeleting(actor(userId), postId, at(3));
    expect(orphan?.renditionVersion).toBe(1);
  });
});

describe.skipIf(!hasPostgres)("rendition jobs: on two nodes", () => {
  test("rendition jobs: each job is claimed by exactly one node", async () => {
    const url = await freshDatabase();
    const nodes = [await openDatabase({ url, poolSize: 4 }), await openDatabase({ url, poolSize: 4 })];
    try {
      const users = [await addAccount(nodes[0]!), await addAccount(nodes[0]!)];
      const ids: string[] = [];
      for (let i = 0; i < 24; i++) ids.push(await addJobs(nodes[0]!, users[i % 2]!.id, "picture"));
      const claims = await Promise.all(
        [...nodes, ...nodes].map(async (database) => {
          const mine: string[] = [];
          // A claim finds nothing while other nodes hold the locks of all jobs that it looks at.
          for (let last = "", tries = 0; tries < 10;) {
            const job = await claimAt(database, 1, "picture", last);
            if (!job) tries++;
            else mine.push(job.postId);
            last = job?.userId ?? last;
          }
          return mine;
        }),
      );
      expect(claims.flat().sort()).toEqual(ids.sort());
    } finally {
      for (const node of nodes) await node.close();
    }
  });
});
