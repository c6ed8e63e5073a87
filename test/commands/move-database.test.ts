import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { Database } from "bun:sqlite";
import { join } from "node:path";

import { lockDataFolder } from "../../src/database/folder-lock.ts";
import { pngPhoto } from "../support/media-samples.ts";
import { freshDatabase, hasPostgres, withServer } from "../support/postgres.ts";
import { TestService } from "../support/service.ts";

const main = join(import.meta.dir, "../../src/main.ts");

describe.skipIf(!hasPostgres)("move-database", () => {
  let url: string;
  let old: TestService;
  let token: string;
  let feed: string;
  beforeEach(async () => {
    url = await freshDatabase();
    old = await TestService.start({ DATABASE_URL: "" });
    ({ token } = await old.signUp("Ann.Ü@example.com"));
    await old.upload(token, new Blob([await pngPhoto()]), 'caption "ü" 🌲\n\\.\tx');
    const { token: ended } = await old.signUp();
    await old.fetch("/auth/jwt/logout", { method: "POST", token: ended });
    feed = await (await old.fetch("/feed", { token })).text();
    await old.close({ keepData: true });
    // More than one batch, and times that are null.
    const db = new Database(join(old.dataDir, "image-sharing.db"));
    db.run(`with recursive n(i) as (select 1 union all select i + 1 from n where i < 2500)
      insert into posts (id, caption, file_type, file_name, state, store, key, content_type, bytes, sha256, reserved_at)
      select printf('%08d', i), '', 'image', '', 'deleting', 'disk', printf('%08d.png', i), 'image/png', 9007199254740991, '', 0 from n`);
    db.close();
  });
  afterEach(async () => {
    await old.close().catch(() => {});
  });

  async function move(to = url) {
    const child = Bun.spawn([process.execPath, main, "move-database", to], {
      env: { PATH: process.env["PATH"], DATA_DIR: old.dataDir },
      stdout: "pipe",
      stderr: "pipe",
    });
    const [out, error, status] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    return { out, error, status };
  }
  const counted = () =>
    withServer(url, async (sql) => {
      const [row] =
        await sql`select (select count(*) from users)::int as users, (select count(*) from posts)::int as posts`;
      return row as { users: number; posts: number };
    });

  test("copies everything, and only to an empty database", async () => {
    const { out, error, status } = await move();
    expect([error, status]).toEqual(["", 0]);
    expect(out).toStartWith(
      "users: 2 rows, the same on both sides\nrevoked_tokens: 1 rows, the same on both sides\nposts: 2501 rows, ",
    );
    expect(await counted()).toEqual({ users: 2, posts: 2501 });
    const moved = await TestService.start({ DATABASE_URL: url, DATA_DIR: old.dataDir });
    expect(await (await moved.fetch("/feed", { token })).text()).toBe(feed);
    expect((await moved.login("ann.ü@example.com")).status).toBe(200);
    await moved.close({ keepData: true });

    const again = await move();
    expect([again.status, again.out]).toEqual([1, ""]);
    expect(again.error).toStartWith("The PostgreSQL database holds rows already");
    expect(await counted()).toEqual({ users: 2, posts: 2501 });
  });

  test("waits for no service that runs on the data folder, and shows no password of an address", async () => {
    const letGo = lockDataFolder(old.dataDir);
    expect(await move()).toEqual({
      status: 1,
      out: "",
      error: `A service works on the data folder ${old.dataDir}. Stop it, or set DATA_DIR.\n`,
    });
    letGo();
    for (const wrong of ["mysql://u:hidden@h/db", "postgres://u:hidden@127.0.0.1:1/db"]) {
      const { status, out, error } = await move(wrong);
      expect([wrong, status, out]).toEqual([wrong, 1, ""]);
      expect(error.trim().split("\n")).toHaveLength(1);
      expect(error).not.toContain("hidden");
    }
  });

  test("leaves nothing there when one row cannot be copied", async () => {
    const db = new Database(join(old.dataDir, "image-sharing.db"));
    db.run("update posts set caption = 'a' || char(0) || 'b' where id = '00002500'");
    db.close();
    const { out, error, status } = await move();
    expect([status, out]).toEqual([1, ""]);
    expect(error.trim().split("\n")).toHaveLength(1);
    expect(error).toContain("00002500");
    expect(await counted()).toEqual({ users: 0, posts: 0 });
  });
});
