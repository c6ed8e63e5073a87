// Runs alone: it measures how long the event loop is held up.
import { Database as SqliteClient } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { openDatabase, type Database } from "../../src/database/database.ts";
import { databaseFailure } from "../../src/database/failures.ts";
import { accessToken, account, actor, addAccount, addPost, at, reservation } from "../support/databases.ts";

let folder: string;
let database: Database;
/** A connection of another program. */
let other: SqliteClient;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "image-sharing-locked-"));
  database = await openDatabase(join(folder, "image-sharing.db"));
  other = new SqliteClient(join(folder, "image-sharing.db"));
});
afterEach(async () => {
  other.close();
  await database.close();
  await rm(folder, { recursive: true });
});

/** The longest delay of a 10 ms timer during the work, in milliseconds. */
async function delayDuring(work: () => Promise<unknown>): Promise<number> {
  let [longest, last] = [0, performance.now()];
  const timer = setInterval(() => {
    const now = performance.now();
    [longest, last] = [Math.max(longest, now - last - 10), now];
  }, 10);
  await work();
  clearInterval(timer);
  return longest;
}

test("locked database: writes wait for another program's lock without blocking other requests", async () => {
  const user = await addAccount(database);
  const { id } = await addPost(database, user.id);
  await addPost(database, user.id, { publishedAt: at(0) });
  const author = actor(user.id);
  other.run("begin immediate");
  const writes = [
    database.users.add(account()),
    database.users.change("operator", user, { isVerified: true }),
    database.posts.reserve(author, reservation(user.id)),
    database.posts.publish(
      author,
      id,
      { url: "/media/x", storeId: null, thumbnailUrl: null, displayUrl: null, placeholder: null },
      at(1),
    ),
    database.posts.abandonOlderThan(at(-10), [], at(2)),
    database.posts.claimDeleting(at(2), at(3), [], 10),
    database.posts.expireUploadKeys(at(-10)),
    database.revokedTokens.add(actor(user.id), accessToken()),
    database.revokedTokens.removeExpired(at(-10)),
  ];
  let settled = 0;
  for (const write of writes) void write.then(() => settled++);
  const delay = await delayDuring(async () => {
    for (let i = 0; i < 20; i++) {
      expect((await database.users.byId(user.id))?.id).toBe(user.id);
      expect(await database.posts.page(10)).toHaveLength(1);
      await database.ping();
      await Bun.sleep(20);
    }
  });
  expect(settled).toBe(0);
  // SQLite's own wait would have blocked for at least 400 ms.
  expect(delay).toBeLessThan(200);
  other.run("rollback");
  await Promise.all(writes);
  expect(await database.posts.page(10)).toHaveLength(2);
  expect((await database.users.byId(user.id))?.isVerified).toBe(true);
});

test("locked database: a write fails after five seconds, and the next one works", async () => {
  other.run("begin immediate");
  const started = performance.now();
  const failure = await database.users.add(account()).catch((error: unknown) => error);
  expect(performance.now() - started).toBeWithin(4500, 7000);
  expect(databaseFailure(failure)?.code).toBe("UNAVAILABLE");
  other.run("rollback");
  expect(await database.users.add(account())).toBe(true);
}, 60_000);

test("locked database: can be opened and read if it is migrated", async () => {
  const user = await addAccount(database);
  await database.close();
  other.run("begin immediate");
  const started = performance.now();
  database = await openDatabase(join(folder, "image-sharing.db"));
  expect((await database.users.byId(user.id))?.id).toBe(user.id);
  expect(performance.now() - started).toBeLessThan(2000);
  other.run("rollback");
});
