import { afterEach, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { SQL } from "bun";
import { Database as Sqlite } from "bun:sqlite";

import { openDatabase, type Database } from "../../src/database/database.ts";
import { takeSnapshot } from "../../src/database/snapshot.ts";
import type { User } from "../../src/database/users.ts";
import { addAccount, addSession } from "../support/databases.ts";
import { freshDatabase, hasPostgres, withServer } from "../support/postgres.ts";

const hour = 3_600_000;
/** When the tokens of these accounts were last invalidated, and whether any of them may be unexpired. */
const accounts: [id: string, tokensValidFrom: () => Date, mayHaveTokens: boolean][] = [
  ["never", () => new Date(0), false],
  ["long ago", () => new Date(Date.now() - 48 * hour), false],
  ["lately", () => new Date(Date.now() - 60_000), true],
  ["by a clock ahead", () => new Date(Date.now() + 48 * hour), true],
];

const folders: string[] = [];
const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

/** The SQL statements of these migrations. */
async function migrations(dialect: string, tags: string[]): Promise<string[]> {
  const files = tags.map((tag) =>
    Bun.file(join(import.meta.dir, `../../drizzle/${dialect}/${tag}.sql`)).text(),
  );
  return (await Promise.all(files)).flatMap((text) => text.split("--> statement-breakpoint"));
}

async function open(where: Parameters<typeof openDatabase>[0]): Promise<Database> {
  const database = await openDatabase(where);
  ends.push(database.close);
  return database;
}

/** A database of the previous version, with the accounts. */
async function makeOlderSqlite(path: string): Promise<void> {
  const client = new Sqlite(path);
  for (const statement of await migrations("sqlite", ["0000_initial"])) client.run(statement);
  client.run("create table migrations (tag text primary key)");
  client.run("insert into migrations values ('0000_initial')");
  const add = client.query("insert into users values (?1, ?1, ?1, '', 1, 0, 0, 0, ?2)");
  for (const [id, tokensValidFrom] of accounts) add.run(id, tokensValidFrom().getTime());
  client.close();
}

async function expectVersions(database: Database): Promise<void> {
  for (const [id, , mayHaveTokens] of accounts) {
    const version = mayHaveTokens ? 1 : 0;
    expect(await database.users.byId(id)).toMatchObject({
      id,
      tokenVersion: version,
      minAccessVersion: version,
    });
    expect(Boolean(await database.users.viewer(id, 0, "t"))).toBe(!mayHaveTokens);
  }
}

test("token version: on SQLite, tokens invalidated before the upgrade stay invalid, and all others stay valid", async () => {
  const folder = await mkdtemp(join(tmpdir(), "image-sharing-upgrade-"));
  folders.push(folder);
  const path = join(folder, "image-sharing.db");
  await makeOlderSqlite(path);

  const database = await open(path);
  await expectVersions(database);
  await addAccount(database);
});

test("token version: a restored backup ends every token that was issued before the restore", async () => {
  const folder = await mkdtemp(join(tmpdir(), "image-sharing-restored-"));
  folders.push(folder);
  const path = join(folder, "image-sharing.db");
  const original = await open(path);
  const ada = await addAccount(original);
  const beforeBackup = (await original.users.change("operator", ada, { hashedPassword: "first" })) as User;
  takeSnapshot(path, join(folder, "restored.db")).close();
  const issued = [ada.tokenVersion, beforeBackup.tokenVersion];
  for (const hashedPassword of ["second", "third"])
    issued.push(((await original.users.change("operator", ada, { hashedPassword })) as User).tokenVersion);

  const { users } = await open(join(folder, "restored.db"));
  const restored = (await users.byId(ada.id))!;
  expect(restored.hashedPassword).toBe("first");
  const isValid = async (version: number) => Boolean(await users.viewer(ada.id, version, "t"));
  for (const version of issued) expect(await isValid(version)).toBe(false);
  // Mailed tokens are valid for exactly one version.
  expect(issued).not.toContain(restored.tokenVersion);
  expect(await isValid(restored.tokenVersion)).toBe(true);
});

test("snapshot: a copy of a SQLite database contains no sessions, because a restore would bring back ended ones", async () => {
  const folder = await mkdtemp(join(tmpdir(), "image-sharing-restored-"));
  folders.push(folder);
  const path = join(folder, "image-sharing.db");
  const original = await open(path);
  const ada = await addAccount(original);
  const { tokenHash } = await addSession(original, ada.id);
  takeSnapshot(path, join(folder, "restored.db")).close();
  const restored = await open(join(folder, "restored.db"));
  expect(await restored.users.byId(ada.id)).toMatchObject({ email: ada.email });
  expect(await restored.sessions.find(tokenHash)).toBeUndefined();
  expect(await original.sessions.find(tokenHash)).toBeDefined();
});

test("token version: a backup copies a database of an older version unchanged", async () => {
  const folder = await mkdtemp(join(tmpdir(), "image-sharing-older-"));
  folders.push(folder);
  await makeOlderSqlite(join(folder, "image-sharing.db"));
  takeSnapshot(join(folder, "image-sharing.db"), join(folder, "copy.db")).close();
  await expectVersions(await open(join(folder, "copy.db")));
});

describe.skipIf(!hasPostgres)("token version: PostgreSQL", () => {
  /** A database of the previous version, and a connection of one of its nodes. */
  async function olderDatabase(): Promise<{ url: string; older: SQL }> {
    const url = await freshDatabase();
    const older = new SQL(url, { max: 1 });
    ends.push(() => older.close());
    for (const statement of await migrations("pg", ["0000_initial", "0001_counters"]))
      await older.unsafe(statement);
    await older`create table migrations (tag text primary key)`;
    await older`insert into migrations values ('0000_initial'), ('0001_counters')`;
    return { url, older };
  }
  const add = (older: SQL, id: string, tokensValidFrom: Date) =>
    older`insert into users (id, email, email_key, hashed_password, is_active, is_superuser, is_verified, created_at, tokens_valid_from)
      values (${id}, ${id}, ${id}, '', true, false, false, now(), ${tokensValidFrom})`;

  test("token version: on PostgreSQL, tokens invalidated before the upgrade stay invalid, and all others stay valid", async () => {
    const { url, older } = await olderDatabase();
    for (const [id, tokensValidFrom] of accounts) await add(older, id, tokensValidFrom());
    await expectVersions(await open({ url, poolSize: 1 }));
  });

  test("token version: the statements that scaling.md has for a restored dump end every token and session", async () => {
    const text = await Bun.file(join(import.meta.dir, "../../docs/scaling.md")).text();
    const url = await freshDatabase();
    const database = await open({ url, poolSize: 1 });
    const ada = await addAccount(database);
    const { tokenHash } = await addSession(database, ada.id);
    const isValid = async (version: number) => Boolean(await database.users.viewer(ada.id, version, "t"));
    expect(await isValid(ada.tokenVersion)).toBe(true);
    await withServer(url, (sql) => sql.unsafe(/```sql\n(update users [^]*?)```/.exec(text)![1]!));
    const restored = (await database.users.byId(ada.id))!;
    expect([await isValid(ada.tokenVersion), await isValid(restored.tokenVersion)]).toEqual([false, true]);
    expect(await database.sessions.find(tokenHash)).toBeUndefined();
    await addSession(database, ada.id, { tokenVersion: restored.tokenVersion });
  });

  test("token version: during an upgrade, old and new nodes respect each other's revocations", async () => {
    const { url, older } = await olderDatabase();
    await add(older, "ada", new Date(0));
    const { users } = await open({ url, poolSize: 2 });
    const versions = async () => {
      const ada = await users.byId("ada");
      return [ada?.tokenVersion, ada?.minAccessVersion];
    };
    const validFrom = async () =>
      (await older`select tokens_valid_from as at from users where id = 'ada'`)[0].at;
    expect(await versions()).toEqual([0, 0]);

    // A slow clock must invalidate tokens as well.
    for (const [i, time] of [new Date(), new Date(hour)].entries()) {
      await older`update users set hashed_password = 'new', tokens_valid_from = ${time} where id = 'ada'`;
      expect(await versions()).toEqual([i + 1, i + 1]);
      expect(await validFrom()).toEqual(time);
    }
    await older`update users set email = 'new@x.example', email_key = 'new@x.example' where id = 'ada'`;
    expect(await versions()).toEqual([3, 2]);
    await older`update users set is_superuser = true, hashed_password = 'rehashed' where id = 'ada'`;
    expect(await versions()).toEqual([3, 2]);

    const ada = (await users.byId("ada"))!;
    await users.change("operator", ada, { email: "newer@x.example", emailKey: "newer@x.example" });
    expect([await versions(), await validFrom()]).toEqual([[4, 2], new Date(hour)]);
    await users.change("operator", ada, { hashedPassword: "newest" });
    expect(await versions()).toEqual([5, 5]);
    expect(Math.abs((await validFrom()).getTime() - Date.now())).toBeLessThan(60_000);

    await add(older, "bob", new Date(0));
    expect(await users.byId("bob")).toMatchObject({ tokenVersion: 0, minAccessVersion: 0 });
    await users.add({ ...ada, id: "eve", email: "eve", emailKey: "eve" });
    expect((await older`select tokens_valid_from as at from users where id = 'eve'`)[0].at).toEqual(
      new Date(0),
    );
  });
});
