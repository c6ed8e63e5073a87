import { afterEach, describe, expect, test } from "bun:test";

import type { SQL } from "bun";

import { sql } from "drizzle-orm";

import type { Actor } from "../../src/database/actors.ts";
import { openDatabase, type Database } from "../../src/database/database.ts";
import { databaseFailure } from "../../src/database/failures.ts";
import type { PublishedPost } from "../../src/database/published-posts.ts";
import { openPostgres } from "../../src/database/postgres.ts";
import type { User } from "../../src/database/users.ts";
import type { ApiError } from "../../src/errors.ts";
import { accessToken, actor, addAccount, addPost, at, reservation, stored } from "../support/databases.ts";
import { freshDatabase, hasPostgres, withServer } from "../support/postgres.ts";
import { seeded } from "../support/seeded-random.ts";
import { until } from "../support/until.ts";

describe.skipIf(!hasPostgres)("races: nodes on one PostgreSQL database", () => {
  const opened: Database[] = [];
  afterEach(async () => {
    for (const database of opened.splice(0)) await database.close();
  });
  /** One empty database, opened by this many nodes. */
  async function nodes(count: number): Promise<[Database, ...Database[]]> {
    const url = await freshDatabase();
    for (let i = 0; i < count; i++) opened.push(await openDatabase({ url, poolSize: 4 }));
    return opened as [Database, ...Database[]];
  }

  test(
    "races: concurrent publishing never adds a post behind a cursor, whatever the nodes' clocks say",
    seeded(async (random) => {
      const databases = await nodes(3);
      const [reader] = databases;
      const ada = await addAccount(reader);
      let publishing = true;
      const publishers = databases.map(async (database, node) => {
        for (let i = 0; i < 30; i++) {
          const ids = [(await addPost(database, ada.id)).id, (await addPost(database, ada.id)).id];
          // The order of publication is not that of reservation, and every node's clock differs.
          await Promise.all(
            ids
              .toReversed()
              .map((id) =>
                database.posts.publish(
                  actor(ada.id),
                  id,
                  stored(id),
                  at(node * 3 + (random.integer(1000) / 1000) * i),
                ),
              ),
          );
        }
      });
      const readings: PublishedPost[][] = [];
      const reading = (async () => {
        while (publishing) {
          const seen: PublishedPost[] = [];
          for (;;) {
            const page = await reader.posts.page(5, seen.at(-1));
            if (page.length === 0) break;
            seen.push(...page);
          }
          if (seen.length > 0) readings.push(seen);
        }
      })();
      await Promise.all(publishers);
      publishing = false;
      await reading;

      const feed = await reader.posts.page(1000);
      expect(feed).toHaveLength(180);
      expect(new Set(feed.map(({ createdAt }) => createdAt.getTime())).size).toBe(180);
      expect(readings).not.toEqual([]);
      for (const seen of readings)
        expect(seen.map(({ id }) => id)).toEqual(
          feed.slice(feed.findIndex(({ id }) => id === seen[0]!.id)).map(({ id }) => id),
        );
    }),
  );

  test("races: the server releases the locks of a node that freezes while it publishes", async () => {
    const url = await freshDatabase();
    const node = await openPostgres({ url, poolSize: 1 });
    const [timeout] = (await node.write((query) =>
      query.execute(sql`show idle_in_transaction_session_timeout`),
    )) as unknown[];
    await node.close();
    expect(timeout).toEqual({ idle_in_transaction_session_timeout: "10s" });
  });

  /** Creates posts in the state `deleting` and returns their ids, sorted. */
  async function orphanedMedia(database: Database, count: number): Promise<string[]> {
    const ada = await addAccount(database);
    const ids: string[] = [];
    for (let i = 0; i < count; i++) {
      const { id } = await addPost(database, ada.id, { publishedAt: at(i) });
      await database.posts.startDeleting(actor(ada.id), id, at(10));
      ids.push(id);
    }
    return ids.sort();
  }

  test("races: each orphaned file is claimed by exactly one node", async () => {
    const databases = await nodes(2);
    const ids = await orphanedMedia(databases[0], 40);
    const claimed = await Promise.all(
      [...databases, ...databases].map(async ({ posts }) => {
        const mine: string[] = [];
        for (;;) {
          const some = await posts.claimDeleting(at(20), at(100), [], 3);
          if (some.length === 0) return mine;
          expect(some.length).toBeLessThanOrEqual(3);
          mine.push(...some.map(({ id }) => id));
        }
      }),
    );
    expect(claimed.flat().sort()).toEqual(ids);
  });

  test("races: nodes skip orphaned media that another node is claiming, without waiting", async () => {
    const url = await freshDatabase();
    const database = await openDatabase({ url, poolSize: 4 });
    opened.push(database);
    const ids = await orphanedMedia(database, 5);
    const claim = async () =>
      (await database.posts.claimDeleting(at(20), at(100), [], 10)).map(({ id }) => id).sort();
    await withServer(url, (client) =>
      client.begin(async (tx) => {
        await tx`select 1 from posts where id in ${tx(ids.slice(0, 2))} for update`;
        expect(await claim()).toEqual(ids.slice(2));
      }),
    );
    expect(await claim()).toEqual(ids.slice(0, 2));
  });

  const unauthorized = { name: "ApiError", code: "UNAUTHORIZED" };
  const outcomeOf = (writing: Promise<unknown>) => writing.catch((error: unknown) => error);

  test("races: a write waits for a concurrent revocation of its token, and then fails", async () => {
    const url = await freshDatabase();
    const database = await openDatabase({ url, poolSize: 4 });
    opened.push(database);
    const { posts, users, revokedTokens } = database;
    for (const end of [
      (tx: SQL, by: Actor) => tx`update users set is_active = false where id = ${by.userId}`,
      (tx: SQL, by: Actor) =>
        tx`update users set token_version = 1, min_access_version = 1 where id = ${by.userId}`,
      async (tx: SQL, by: Actor) => {
        await tx`select 1 from users where id = ${by.userId} for no key update`;
        await tx`insert into revoked_tokens values (${by.credential.id}, now() + interval '1 hour')`;
      },
      (tx: SQL, by: Actor) => tx`delete from users where id = ${by.userId}`,
    ]) {
      const ada = await addAccount(database);
      const token = accessToken();
      const by = actor(ada.id, { credential: token });
      const { id } = await addPost(database, ada.id);
      const writes: Promise<unknown>[] = [];
      await withServer(url, (client) =>
        client.begin(async (tx) => {
          await end(tx, by);
          writes.push(
            outcomeOf(posts.publish(by, id, stored(id), at(1))),
            outcomeOf(users.change(by, ada, { hashedPassword: "stolen" })),
            outcomeOf(revokedTokens.add(by, token)),
          );
          const waiting = () => tx`select 1 from pg_locks where not granted`;
          await until(async () => (await waiting()).length >= writes.length);
        }),
      );
      expect(await Promise.all(writes)).toMatchObject([unauthorized, unauthorized, unauthorized]);
      expect(await posts.countPublished()).toBe(0);
    }
  });

  /**
   * Runs a write that locks `first` and then waits for `second`, which another client has locked, and makes that client wait
   * for `first`. The server ends the write, because its connection looks for deadlocks sooner; the other client would wait
   * forever otherwise.
   */
  async function deadlock<Result>(
    url: string,
    [first, second]: readonly [string, string],
    write: () => Promise<Result>,
  ): Promise<Result> {
    let writing: Promise<Result> | undefined;
    await withServer(url, (client) =>
      client.begin(async (tx) => {
        await tx`set local deadlock_timeout = '10min'`;
        await tx`update users set name = 'other' where id = ${second}`;
        writing = write();
        // The test awaits it later.
        writing.catch(() => {});
        await until(async () => (await tx`select 1 from pg_locks where not granted`).length > 0);
        await tx`update users set name = 'other' where id = ${first}`;
      }),
    );
    return writing!;
  }

  test("races: a transaction that the server ends because of a deadlock is repeated", async () => {
    const url = await freshDatabase();
    const database = await openDatabase({ url, poolSize: 2 });
    opened.push(database);
    const [first, second] = [await addAccount(database), await addAccount(database)].sort((a, b) =>
      a.id < b.id ? -1 : 1,
    ) as [User, User];
    const changed = await deadlock(url, [first.id, second.id], () =>
      database.users.change(actor(first.id), second, { isVerified: true }),
    );
    expect(changed).toMatchObject({ isVerified: true, name: "other" });
  });

  test.each(["40P01", "40001"])(
    "races: a transaction that the server ends again and again with %s is 503 after four attempts",
    async (sqlState) => {
      const url = await freshDatabase();
      const database = await openDatabase({ url, poolSize: 2 });
      opened.push(database);
      const ada = await addAccount(database);
      const failUntil = (attempts: number) =>
        withServer(url, async (sql) => {
          await sql.unsafe(`drop sequence if exists attempts; create sequence attempts`);
          await sql.unsafe(
            `create or replace function refuse() returns trigger language plpgsql as $$ begin
               if nextval('attempts') < ${attempts} then raise 'refused' using errcode = '${sqlState}'; end if;
               return new;
             end $$`,
          );
          await sql.unsafe(
            `create or replace trigger refuse before update on users execute function refuse()`,
          );
        });
      await failUntil(4);
      expect(await database.users.change("operator", ada, { name: "Ada" })).toMatchObject({ name: "Ada" });
      await failUntil(5);
      const failure = await outcomeOf(database.users.change("operator", ada, { name: "Eve" }));
      expect(databaseFailure(failure)?.code).toBe("UNAVAILABLE");
      expect((await database.users.byId(ada.id))?.name).toBe("Ada");
      const [used] = await withServer(url, (sql) => sql`select last_value::int as last_value from attempts`);
      expect(used).toEqual({ last_value: 4 });
    },
  );

  test("races: an account locked by another node does not block publishing by other authors", async () => {
    const url = await freshDatabase();
    const database = await openDatabase({ url, poolSize: 4 });
    opened.push(database);
    const { posts } = database;
    const [ada, bob] = [await addAccount(database), await addAccount(database)];
    const [first, second] = [await addPost(database, ada.id), await addPost(database, bob.id)];
    const publish = ({ id }: { id: string }, by: Actor) => posts.publish(by, id, stored(id), at(1));
    let late: Promise<unknown> | undefined;
    await withServer(url, (client) =>
      client.begin(async (tx) => {
        await tx`select 1 from users where id = ${ada.id} for update`;
        late = publish(first, actor(ada.id));
        await until(async () => (await tx`select 1 from pg_locks where not granted`).length > 0);
        expect(await publish(second, actor(bob.id))).toBeDefined();
      }),
    );
    expect(await late).toBeDefined();
  });

  test("races: superusers that demote, change and remove each other never deadlock, and one always remains", async () => {
    const databases = await nodes(2);
    for (let round = 0; round < 15; round++) {
      const roots: User[] = [];
      for (let i = 0; i < 3; i++) roots.push(await addAccount(databases[0], { isSuperuser: true }));
      const attacks = roots.flatMap((root, i) => {
        const by = actor(root.id, { mustBeSuperuser: true });
        const { users } = databases[i % 2]!;
        return roots
          .filter((other) => other !== root)
          .map((other, j) =>
            outcomeOf(
              (round + j) % 3 === 0
                ? users.remove(by, other.id, at(1), at(2))
                : users.change(by, other, j === 0 ? { isSuperuser: false } : { isActive: false }),
            ),
          );
      });
      for (const outcome of await Promise.all(attacks))
        if (outcome instanceof Error)
          expect(["UNAUTHORIZED", "FORBIDDEN"]).toContain((outcome as ApiError).code);
      const left = await Promise.all(roots.map(({ id }) => databases[0].users.byId(id)));
      expect(left.filter((root) => root?.isActive && root.isSuperuser)).toHaveLength(1);
    }
  });

  test("races: an account removed during its uploads leaves no post, published or pending", async () => {
    const databases = await nodes(3);
    const [first, second, third] = databases as [Database, Database, Database];
    const root = actor((await addAccount(first)).id);
    /** Checks that the write fails with the expected error if the removal came first. */
    const unlessRemoved = (writing: Promise<unknown>) =>
      writing.catch((error: unknown) => expect(error).toMatchObject({ code: "UNAUTHORIZED" }));
    for (let round = 0; round < 25; round++) {
      const ada = await addAccount(first);
      const author = actor(ada.id);
      const early = await addPost(first, ada.id);
      const late = reservation(ada.id);
      const [, , removed] = await Promise.all([
        unlessRemoved(first.posts.publish(author, early.id, stored(early.id), at(1))),
        unlessRemoved(
          second.posts
            .reserve(author, late)
            .then(() => second.posts.publish(author, late.id, stored(late.id), at(1))),
        ),
        third.users.remove(root, ada.id, at(2), at(3)),
      ]);
      expect(removed).toBe(true);
      const { pending } = await first.posts.countUnfinished();
      expect([await first.posts.countPublished(), pending]).toEqual([0, 0]);
      expect(await first.posts.page(1)).toEqual([]);
      // Every remaining row leads the sweeper to its bytes.
      const due = await first.posts.claimDeleting(at(3), at(9), [], 10);
      expect(due.map(({ id }) => id)).toContain(early.id);
      for (const { id } of due) await first.posts.remove(id);
      expect(await first.posts.countUnfinished()).toEqual({ pending: 0, deleting: 0 });
    }
  });
});
