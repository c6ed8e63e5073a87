import { Database as Sqlite } from "bun:sqlite";
import { afterEach, beforeEach, expect, spyOn, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { openDatabase, type Database } from "../../src/database/database.ts";

let folder: string;
let path: string;
let database: Database;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "image-sharing-plans-"));
  path = join(folder, "image-sharing.db");
  database = await openDatabase(path);
});
afterEach(async () => {
  await database.close();
  await rm(folder, { recursive: true });
});

/** How SQLite executes the query that a call makes. */
async function planOf(call: () => Promise<unknown>): Promise<string[]> {
  const prepare = spyOn(Sqlite.prototype, "prepare");
  await call();
  const [sql] = prepare.mock.lastCall!;
  prepare.mockRestore();
  using client = new Sqlite(path);
  const steps = client.query<{ detail: string }, []>(`explain query plan ${sql}`).all();
  return steps.map(({ detail }) => detail);
}

test("partial indexes: the posts of a file are found in the index of the files, not by reading all posts of an account", async () => {
  expect(await planOf(() => database.posts.ofFile("user", "hash"))).toEqual([
    "SEARCH posts USING INDEX posts_file (sha256=? AND user_id=?)",
  ]);
});

test("partial indexes: hidden posts are counted in the index of unpublished posts, not by reading the whole table", async () => {
  expect(await planOf(() => database.mediaMoves.countHidden({ name: "s3", isPublic: true }))).toEqual([
    "SEARCH posts USING INDEX posts_unfinished (state=?)",
  ]);
});
