import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Database } from "bun:sqlite";

import { openDatabase } from "../../src/database/database.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "many-writes-"));
});
afterEach(() => rm(folder, { recursive: true }));

test("many writes: the log is truncated on closing, while another process has the database open", async () => {
  const path = join(folder, "image-sharing.db");
  const database = await openDatabase(path);
  using other = new Database(path);
  other.query("select * from users").all();
  database.expectManyWrites();
  const log = `${path}-wal`;
  // The migrations.
  expect((await stat(log)).size).toBeGreaterThan(100_000);
  await database.close();
  // The planner's statistics, which closing updates.
  expect((await stat(log)).size).toBeLessThan(50_000);
});
