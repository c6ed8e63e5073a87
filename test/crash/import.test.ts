// Long: imports 100,000 posts and kills the import ten times.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { openDatabase } from "../../src/database/database.ts";
import { databaseFile } from "../../src/data-dir.ts";
import { createOriginal, idOf } from "../support/original-database.ts";
import { databaseSettings } from "../support/postgres.ts";
import { command } from "../support/process.ts";
import { seeded } from "../support/seeded-random.ts";

const users = 50;
const posts = 100_000;
const kills = 10;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "image-sharing-import-"));
});
afterEach(() => rm(folder, { recursive: true }));

test(
  "import: killed at any moment, it loses and doubles nothing once it is repeated",
  seeded(async (random) => {
    const file = join(folder, "original.db");
    const dataDir = join(folder, "data");
    createOriginal(file, { users, posts });
    const settings = await databaseSettings(dataDir);
    const start = () =>
      Bun.spawn([...command, "import", file], {
        env: { PATH: process.env["PATH"], DATA_DIR: dataDir, FFMPEG: "off", ...settings },
        stdout: "pipe",
        stderr: "ignore",
      });
    for (let kill = 0; kill < kills; kill++) {
      const child = start();
      // The moment is random, and nothing depends on it.
      await Promise.race([child.exited, Bun.sleep(300 + random.integer(4000))]);
      child.kill("SIGKILL");
      await child.exited;
    }
    expect(await start().exited).toBe(0);
    const again = start();
    expect(await new Response(again.stdout).text()).toContain(
      `Imported 0 accounts and 0 posts of ${file}.\nImported earlier: ${users} accounts and ${posts} posts.\n`,
    );

    const url = settings["DATABASE_URL"];
    const database = await openDatabase(url ? { url, poolSize: 1 } : join(dataDir, databaseFile));
    try {
      expect(await database.posts.countPublished()).toBe(posts);
      const usage = await database.usage.ofAll(Array.from({ length: users }, (_, i) => idOf("user", i)));
      expect([...usage.values()].map((of) => of.posts)).toEqual(Array(users).fill(posts / users));
      expect((await database.posts.byId(idOf("post", 77_777)))?.userId).toBe(idOf("user", 77_777 % users));
    } finally {
      await database.close();
    }
  }),
  900_000,
);
