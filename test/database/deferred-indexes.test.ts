import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Database } from "bun:sqlite";

import { problemOfBackup } from "../../src/database/backup-check.ts";
import { openDatabase } from "../../src/database/database.ts";
import { lockDataFolder, whileUnused } from "../../src/database/folder-lock.ts";
import { takeSnapshot } from "../../src/database/snapshot.ts";
import { addAccount, addPost, at } from "../support/databases.ts";
import { indexesOf } from "../support/indexes.ts";
import { withSmallDisk } from "../support/small-disk.ts";

let folder: string;
let path: string;
let all: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "deferred-indexes-"));
  path = join(folder, "image-sharing.db");
  await (await openDatabase(path)).close();
  all = indexesOf(path);
});
afterEach(() => rm(folder, { recursive: true }));

const withoutDeferred = () =>
  all.filter((statement) => !/^CREATE INDEX `posts_(?:author_)?feed`/.test(statement));

/** Leaves the database as a process does that is killed between deferring the indexes and creating them. */
async function killedImport(): Promise<void> {
  const database = await openDatabase(path);
  database.deferIndexes();
  await addPost(database, (await addAccount(database)).id);
  await database.close();
  expect(indexesOf(path)).toEqual(withoutDeferred());
}

/** Adds copies of the only post, more than SQLite sorts without temporary files. */
function copyPost(copies: number): void {
  using client = new Database(path);
  const columns = client
    .query<{ name: string }, []>("select name from pragma_table_info('posts')")
    .all()
    .map(({ name }) => name);
  const values = columns.map((name) => (["id", "key"].includes(name) ? `${name} || '-' || i` : name));
  client.run(
    `with recursive numbers (i) as (select 1 union all select i + 1 from numbers where i < ${copies})
     insert into posts (${columns.join()}) select ${values.join()} from posts, numbers`,
  );
}

test("deferred indexes: are missing until they are created, with the posts that were added meanwhile", async () => {
  const database = await openDatabase(path);
  const createIndexes = database.deferIndexes();
  expect(indexesOf(path)).toEqual(withoutDeferred());
  expect(all).toHaveLength(withoutDeferred().length + 2);
  const ada = await addAccount(database);
  const post = await addPost(database, ada.id, { publishedAt: at(1) });
  createIndexes();
  expect(indexesOf(path)).toEqual(all);
  expect(await database.posts.page(10)).toMatchObject([{ id: post.id }]);
  createIndexes();
  await database.close();
  using client = new Database(path);
  expect(client.query("pragma integrity_check").all()).toEqual([{ integrity_check: "ok" }]);
});

test("deferred indexes: stay where there are posts", async () => {
  const database = await openDatabase(path);
  await addPost(database, (await addAccount(database)).id);
  database.deferIndexes();
  await database.close();
  expect(indexesOf(path)).toEqual(all);
});

test("deferred indexes: stay while another process writes", async () => {
  const database = await openDatabase(path);
  using other = new Database(path);
  other.run("begin immediate");
  database.deferIndexes()();
  other.run("commit");
  expect(indexesOf(path)).toEqual(all);
  await database.close();
});

test("deferred indexes: are created when the database is opened after the process was killed", async () => {
  await killedImport();
  await (await openDatabase(path)).close();
  expect(indexesOf(path)).toEqual(all);
});

test("deferred indexes: stay missing while another process holds the lock, which must not keep a service from starting", async () => {
  await killedImport();
  using other = new Database(path);
  other.run("begin immediate");
  const database = await openDatabase(path);
  expect(await database.posts.countPublished()).toBe(0);
  expect(database.deferIndexes()()).toBe(false);
  await database.close();
  expect(indexesOf(path)).toEqual(withoutDeferred());
  other.run("commit");
  await (await openDatabase(path)).close();
  expect(indexesOf(path)).toEqual(all);
}, 60_000);

test("deferred indexes: are sorted in memory when the folder of temporary files is full", async () => {
  await killedImport();
  copyPost(30_000);
  const source = JSON.stringify(join(import.meta.dir, "../../src/database/database.ts"));
  const script = `
    const { openDatabase } = await import(${source});
    await (await openDatabase(${JSON.stringify(path)})).close();
  `;
  await withSmallDisk(async (disk) => {
    const env = { PATH: process.env["PATH"], SQLITE_TMPDIR: disk };
    const child = Bun.spawn([process.execPath, "-e", script], { env, stderr: "inherit" });
    expect(await child.exited).toBe(0);
    expect(indexesOf(path)).toEqual(all);
  });
}, 60_000);

test("deferred indexes: are created before migrations, as the applied ones have declared them", async () => {
  await killedImport();
  using client = new Database(path);
  client.run("drop index posts_file");
  client.run("create index posts_file on posts (sha256, user_id)");
  client.run("delete from migrations where tag = '0010_hashed_files'");
  await (await openDatabase(path)).close();
  expect(indexesOf(path)).toEqual(all);
});

test("deferred indexes: a backup has them", async () => {
  await killedImport();
  const copy = join(folder, "copy.db");
  takeSnapshot(path, copy).close();
  expect(problemOfBackup(copy)).toBeUndefined();
  expect(indexesOf(copy)).toEqual(all);
});

test("folder lock: work that needs a folder without a service is done only there, and no service starts meanwhile", () => {
  const locked = () => {
    expect(() => lockDataFolder(folder)).toThrow("locked");
    return "done";
  };
  expect(whileUnused(folder, locked)).toBe("done");
  const release = lockDataFolder(folder);
  expect(whileUnused(folder, locked)).toBeUndefined();
  release();
  expect(whileUnused(folder, locked)).toBe("done");
  expect(whileUnused(path, locked)).toBeUndefined();
});
