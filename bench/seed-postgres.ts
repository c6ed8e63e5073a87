import { openDatabase } from "../src/database/database.ts";
import { createTokens } from "../src/accounts/tokens.ts";
import { withServer } from "../test/support/postgres.ts";
import { secret } from "./seed.ts";

/**
 * Fills an empty PostgreSQL database with this many published posts and one account per thousand posts, at least ten.
 * @returns an access token of the first account
 */
export async function seedPostgres(url: string, posts: number): Promise<string> {
  const database = await openDatabase({ url, poolSize: 1 });
  await database.close();
  return withServer(url, async (sql) => {
    const users = Math.max(10, posts / 1000);
    await sql`
      insert into users
      select gen_random_uuid()::text, 'user' || i || '@example.com', 'user' || i || '@example.com', '', true, false, true,
        now(), to_timestamp(0)
      from generate_series(0, ${users} - 1) i`;
    await sql`
      insert into posts (id, user_id, caption, file_type, file_name, state, store, key, url, content_type, bytes, width,
        height, sha256, reserved_at, created_at)
      select id, user_id, 'Photo number ' || i || ', taken on a walk along the river', 'image', 'photo.jpg', 'published',
        'disk', id || '.jpg', '/media/' || id || '.jpg', 'image/jpeg', 2400000, 4032, 3024, repeat('0', 64), time, time
      from (
        select i, author.id as user_id, now() - make_interval(secs => ${posts} - i) as time,
          overlay(overlay(gen_random_uuid()::text placing '7' from 15) placing lpad(to_hex(i), 8, '0') from 1) as id
        from generate_series(1, ${posts}) i
        join (select id, row_number() over () - 1 as number from users) author on author.number = i % ${users}
      ) post`;
    await sql`vacuum analyze posts`;
    await sql`vacuum analyze users`;
    const [user] = await sql`select id from users where email = 'user0@example.com'`;
    return createTokens(secret).issueAccess({ id: user.id, tokenVersion: 0 });
  });
}
