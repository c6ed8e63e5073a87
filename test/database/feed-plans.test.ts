import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Database as Sqlite } from "bun:sqlite";

import type { Connection } from "../../src/database/connection.ts";
import { openPostgres } from "../../src/database/postgres.ts";
import { pageQueries } from "../../src/database/published-posts.ts";
import { openSqlite } from "../../src/database/sqlite.ts";
import { freshDatabase, hasPostgres, withServer } from "../support/postgres.ts";

const users = 2_000;
const posts = 30_000;

/** Fills a database in its dialect: `users` accounts, and `posts` posts of which the first account has two thirds. */
const seed = (numbers: (count: number) => string, time: string, yes: string) => [
  `insert into users (id, email, email_key, hashed_password, is_active, is_superuser, is_verified, created_at, tokens_valid_from)
   select 'user' || n, 'user' || n, 'user' || n, '', ${yes}, ${yes}, ${yes}, ${time}, ${time} from ${numbers(users)}`,
  `insert into posts (id, user_id, caption, file_type, file_name, state, store, key, url, content_type, bytes, sha256, reserved_at, created_at)
   select 'post' || n, 'user' || (case when n % 3 = 0 then 1 + n % ${users - 1} else 1 end), '', 'image', '', 'published', 'disk',
     'post' || n, '/', 'image/png', 1, '', ${time}, ${time} from ${numbers(posts)}`,
];

/** The SQL of a page's query with these values in place of its parameters. */
function filled(connection: Connection, name: keyof ReturnType<typeof pageQueries>, time: string): string {
  const author = "'user1'";
  const values = { everybody: [time, "'~'", "50"], ofAuthor: [author, author, author, time, "'~'", "50"] }[
    name
  ];
  let next = 0;
  return pageQueries(connection)
    [name].toSQL()
    .sql.replace(/\$\d+|\?/g, () => values[next++]!);
}

describe.each(["without statistics", "with statistics"])("SQLite %s", (statistics) => {
  let folder: string;
  let connection: Connection;
  let client: Sqlite;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "image-sharing-plans-"));
    const path = join(folder, "image-sharing.db");
    connection = await openSqlite(path);
    client = new Sqlite(path);
    const numbers = (count: number) =>
      `(with recursive t(n) as (select 1 union all select n + 1 from t where n < ${count}) select n from t)`;
    for (const statement of seed(numbers, "1700000000000 + n", "1")) client.run(statement);
    if (statistics === "with statistics") client.run("analyze");
  });
  afterAll(async () => {
    client.close();
    await connection.close();
    await rm(folder, { recursive: true });
  });

  test.each([
    ["everybody", ["SEARCH posts USING INDEX posts_feed ((created_at,id)<(?,?))"]],
    [
      "ofAuthor",
      ["SEARCH posts USING INDEX posts_author_feed (user_id>? AND (user_id,created_at,id)<(?,?,?))"],
    ],
  ] as const)("feed plans: SQLite %p reads one range of one index, without a sort", (name, steps) => {
    const plan = client
      .query<{ detail: string }, []>(`explain query plan ${filled(connection, name, "1800000000000")}`)
      .all()
      .map(({ detail }) => detail);
    expect(plan.filter((step) => / posts /.test(step))).toEqual([...steps]);
    expect(plan.filter((step) => /SCAN [a-z]|TEMP B-TREE|BLOOM FILTER/.test(step))).toEqual([]);
  });
});

describe.skipIf(!hasPostgres)("PostgreSQL", () => {
  let url: string;
  let connection: Connection;
  beforeAll(async () => {
    url = await freshDatabase();
    connection = await openPostgres({ url, poolSize: 1 });
    await withServer(url, async (client) => {
      const numbers = (count: number) => `generate_series(1, ${count}) n`;
      for (const statement of seed(numbers, "to_timestamp(1700000000 + n)", "true"))
        await client.unsafe(statement);
      await client.unsafe("vacuum analyze");
    });
  });
  afterAll(() => connection.close());

  test.each([
    ["everybody", "posts_feed"],
    ["ofAuthor", "posts_author_feed"],
  ] as const)(
    "feed plans: PostgreSQL %p reads one range of one index, without a sort",
    async (name, index) => {
      const plan = await withServer(url, async (client) =>
        (
          await client.unsafe(`explain (costs off) ${filled(connection, name, "to_timestamp(1800000000)")}`)
        ).map((row: Record<string, string>) => row["QUERY PLAN"]!.trim()),
      );
      expect(plan.filter((step: string) => / on posts\b/.test(step))).toEqual([
        `->  Index Scan Backward using ${index} on posts`,
      ]);
      expect(plan.filter((step: string) => /Sort|Seq Scan|Hash/.test(step))).toEqual([]);
    },
  );
});
