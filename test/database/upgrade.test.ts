import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { SQL } from "bun";
import { Database as Sqlite } from "bun:sqlite";

import { openDatabase } from "../../src/database/database.ts";
import { actor } from "../support/databases.ts";
import { freshDatabase, hasPostgres } from "../support/postgres.ts";

const lastTags = {
  sqlite: ["0000_initial", "0001_token_version"],
  pg: ["0000_initial", "0001_counters", "0002_token_version"],
};

/** The SQL that makes a database as the version before sessions wrote it: an account with one published post. */
async function earlierDatabase(dialect: "sqlite" | "pg"): Promise<string[]> {
  const files = lastTags[dialect].map((tag) =>
    Bun.file(join(import.meta.dir, `../../drizzle/${dialect}/${tag}.sql`)).text(),
  );
  const time = dialect === "pg" ? "'2026-01-02T03:04:05.678Z'" : "1767323045678";
  const [yes, no] = dialect === "pg" ? ["true", "false"] : ["1", "0"];
  return [
    ...(await Promise.all(files)).flatMap((text) => text.split("--> statement-breakpoint")),
    "create table migrations (tag text primary key)",
    ...lastTags[dialect].map((tag) => `insert into migrations values ('${tag}')`),
    `insert into users (id, email, email_key, hashed_password, is_active, is_superuser, is_verified, created_at,
       tokens_valid_from) values ('ada', 'ada@example.com', 'ada@example.com', 'hash', ${yes}, ${no}, ${yes}, ${time}, ${time})`,
    `insert into posts (id, user_id, caption, file_type, file_name, state, store, key, url, content_type, bytes, sha256,
       reserved_at, created_at) values ('post', 'ada', 'Snow', 'image', 'snow.jpg', 'published', 'disk', 'post.jpg',
       '/media/post.jpg', 'image/jpeg', 12, 'f00', ${time}, ${time})`,
  ];
}

async function expectUpgraded(where: Parameters<typeof openDatabase>[0]): Promise<void> {
  const database = await openDatabase(where);
  try {
    expect(await database.users.byId("ada")).toMatchObject({ name: null, hashedPassword: "hash" });
    const post = { id: "post", caption: "Snow", alt: "", editedAt: null, bytes: 12 };
    expect(await database.posts.page(10)).toMatchObject([post]);
    const edited = await database.posts.edit(actor("ada"), "post", { alt: "A white field" }, new Date());
    expect(edited).toMatchObject({ ...post, alt: "A white field", editedAt: expect.any(Date) });
  } finally {
    await database.close();
  }
}

test("upgrade: a SQLite database of the version before sessions keeps its accounts and posts", async () => {
  const folder = await mkdtemp(join(tmpdir(), "image-sharing-upgrade-"));
  try {
    const path = join(folder, "image-sharing.db");
    const client = new Sqlite(path);
    for (const statement of await earlierDatabase("sqlite")) client.run(statement);
    client.close();
    await expectUpgraded(path);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test.skipIf(!hasPostgres)(
  "upgrade: a PostgreSQL database of the version before sessions keeps its accounts and posts",
  async () => {
    const url = await freshDatabase();
    const client = new SQL(url, { max: 1 });
    for (const statement of await earlierDatabase("pg")) await client.unsafe(statement);
    await client.close();
    await expectUpgraded({ url, poolSize: 1 });
  },
);
