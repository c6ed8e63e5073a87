import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { SQL } from "bun";
import { Database } from "bun:sqlite";

import { openDatabase } from "../../src/database/database.ts";
import { createRenditionRunner } from "../../src/rendition-jobs/runner.ts";
import { actor } from "../support/databases.ts";
import { jpegPhoto, pngPhoto } from "../support/media-samples.ts";
import { freshDatabase, hasPostgres, withServer } from "../support/postgres.ts";
import { TestService } from "../support/service.ts";
import { until } from "../support/until.ts";

if (!hasPostgres) console.log("skipped: the tests of move-database need PostgreSQL or TEST_DATABASE_URL");

const executable = process.env["TEST_EXECUTABLE"];
const program = executable
  ? [resolve(executable)]
  : [process.execPath, join(import.meta.dir, "../../src/main.ts")];

/** An empty `DATABASE_URL` selects SQLite, whatever database the other tests use. */
const onSqlite = { DATABASE_URL: "" };
const uploadKey = "5c0e6d0a-holiday";
const caption = "Grüße aus Łódź, 東京 🌇";

/** The data folder of a stopped service on SQLite. */
let deployment: string;
let ada: { id: string; email: string; token: string };
let endedToken: string;
let feed: string;
let mediaPath: string;
let media: Uint8Array<ArrayBuffer>;
/** A copy of the data folder for one test. */
let dataDir: string;
let target: string;

const database = () => join(dataDir, "image-sharing.db");

type Target = { url: string; given: "as an argument" | "by DATABASE_URL" };

function start({ url, given }: Target): Bun.Subprocess<"ignore", "pipe", "pipe"> {
  const byArgument = given === "as an argument";
  return Bun.spawn([...program, "move-database", ...(byArgument ? [url] : [])], {
    env: { PATH: process.env["PATH"], DATA_DIR: dataDir, ...(!byArgument && { DATABASE_URL: url }) },
    cwd: tmpdir(),
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
}

async function move(url = target, given: Target["given"] = "as an argument") {
  const child = start({ url, given });
  const [out, error, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { out, error, status };
}

/** Runs SQL on the source, as an older or another program might have done. */
function alter(statement: string, ...values: string[]): void {
  const client = new Database(database());
  client.query(statement).run(...values);
  client.close();
}

const count = (table: string) =>
  withServer(target, async (client) => {
    const [row] = await client.unsafe(`select count(*)::int as rows from ${table}`);
    return row.rows as number;
  });

const nothingMoved = async () => expect([await count("users"), await count("posts")]).toEqual([0, 0]);

/** Creates the target's tables and a function that runs before every insert into posts. */
async function beforeEachPost(body: string): Promise<void> {
  await (await openDatabase({ url: target, poolSize: 1 })).close();
  await withServer(target, async (client) => {
    await client.unsafe(
      `create function disturb() returns trigger language plpgsql as $$ begin ${body} return new; end $$`,
    );
    await client.unsafe(
      "create trigger disturb before insert on posts for each row execute function disturb()",
    );
  });
}

function expectRefusal(
  { status, error, out }: Awaited<ReturnType<typeof move>>,
  saying: string | RegExp,
): void {
  const lines = error.trim().split("\n");
  expect(lines.at(-1)).toMatch(saying);
  expect(lines.slice(0, -1).filter((line) => !/^(copied|compared) [\w ]+: \d+ of \d+$/.test(line))).toEqual(
    [],
  );
  expect(status).toBe(1);
  expect(out).not.toContain("Next");
}

describe.skipIf(!hasPostgres)("move-database", () => {
  beforeAll(async () => {
    deployment = await mkdtemp(join(tmpdir(), "image-sharing-move-"));
    const service = await TestService.start({ DATA_DIR: deployment, ...onSqlite });
    ada = await service.signUp("ada@example.com");
    const grace = await service.signUp("Grace.Hopper@example.com");
    endedToken = ((await (await service.login(ada.email)).json()) as { access_token: string }).access_token;
    await service.fetch("/auth/jwt/logout", { method: "POST", token: endedToken });
    const identity = { issuer: "https://id.example.com", subject: "ada", email: ada.email };
    await service.services.database.identities.link(actor(ada.id), identity, new Date());
    const photo = new Blob([await pngPhoto()]);
    const form = new FormData();
    form.set("file", photo, "Łódź.png");
    form.set("caption", caption);
    const headers = { "idempotency-key": uploadKey };
    const answer = await service.fetch("/upload", { method: "POST", body: form, token: ada.token, headers });
    mediaPath = new URL(((await answer.json()) as { url: string }).url).pathname;
    for (let i = 0; i < 3; i++) await service.upload(grace.token, photo, `"${i}" \\ \n`);
    // With a job for its display size.
    await service.upload(grace.token, new Blob([await jpegPhoto(2100, 350)]));
    media = await (await service.fetch(mediaPath)).bytes();
    await service.close({ keepData: true });

    const client = new Database(join(deployment, "image-sharing.db"));
    const like = `
      insert into posts (id, user_id, caption, file_type, file_name, state, store, key, store_id, url, thumbnail_url,
        content_type, bytes, width, height, sha256, upload_key, reserved_at, created_at, attempts, retry_at, alt, edited_at)
      select id || $suffix, user_id, caption, file_type, file_name, $state, store,
        $suffix || key, store_id, null, null, content_type, 5000000000, null, null, sha256, null,
        1700000000123, null, 3, 1700000000999, '', null
      from posts where upload_key is not null`;
    for (const [suffix, state] of [
      ["p", "pending"],
      ["d", "deleting"],
    ] as const)
      client.query(like).run({ $suffix: suffix, $state: state });
    client.run("update posts set user_id = null where state = 'deleting'");
    client.run("update posts set bytes = 3000000000 where upload_key is not null");
    // More than one page of them, which PostgreSQL sorts differently.
    const token = client.query("insert into revoked_tokens values (?, 1700000000456)");
    client.transaction(() => {
      for (let i = 0; i < 2100; i++) token.run(`${i % 2 ? "a" : "B"}-${i}`);
    })();
    client.close();

    const again = await TestService.start({ DATA_DIR: deployment, ...onSqlite });
    feed = await (await again.fetch("/feed", { token: ada.token })).text();
    await again.close({ keepData: true });
    expect(JSON.parse(feed).posts).toHaveLength(5);
  });
  afterAll(() => rm(deployment, { recursive: true, force: true }));

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "image-sharing-move-"));
    await cp(deployment, dataDir, { recursive: true });
    // A checkpoint, because the stopped service may have left a log.
    alter("pragma wal_checkpoint(truncate)");
    target = await freshDatabase();
  });
  afterEach(() => rm(dataDir, { recursive: true, force: true }));

  test.each(["as an argument", "by DATABASE_URL"] as const)(
    "move-database: moves everything to the address given %s, and the service continues there",
    async (given) => {
      const before = await Bun.file(database()).bytes();
      const { out, error, status } = await move(target, given);
      expect(status).toBe(0);
      for (const line of ["copied posts: 7 of 7", "compared ended tokens: 2101 of 2101"])
        expect(error.split("\n")).toContain(line);
      expect(out).toContain("Moved 2 accounts, 2101 ended tokens, 7 posts");
      for (const step of [
        "DATABASE_URL",
        "JWT_SECRET_KEY",
        join(dataDir, "jwt-secret"),
        join(dataDir, "media"),
      ])
        expect(out).toContain(step);
      expect(out).not.toContain(target);
      expect(await Bun.file(database()).bytes()).toEqual(before);

      const service = await TestService.start({ DATA_DIR: dataDir, DATABASE_URL: target });
      try {
        expect(await (await service.fetch("/feed", { token: ada.token })).text()).toBe(feed);
        expect(await (await service.fetch(mediaPath)).bytes()).toEqual(media);
        expect((await service.fetch("/users/me", { token: endedToken })).status).toBe(401);
        expect((await service.login("grace.hopper@example.com")).status).toBe(200);
        const form = new FormData();
        form.set("file", new Blob([await pngPhoto()]), "Łódź.png");
        form.set("caption", caption);
        const repeated = await service.fetch("/upload", {
          method: "POST",
          body: form,
          token: ada.token,
          headers: { "idempotency-key": uploadKey },
        });
        expect([repeated.status, new URL((await repeated.json()).url).pathname]).toEqual([200, mediaPath]);
        const { identities, posts, renditionJobs } = service.services.database;
        expect(await identities.list(ada.id)).toMatchObject([{ subject: "ada", email: ada.email }]);
        expect([await posts.countPublished(), await posts.countUnfinished()]).toEqual([
          5,
          { pending: 1, deleting: 1 },
        ]);
        expect(await renditionJobs.counts()).toEqual([{ kind: "picture", state: "waiting", jobs: 1 }]);
        const runner = createRenditionRunner(service.services);
        runner.start();
        await until(async () => (await renditionJobs.counts()).length === 0).finally(() => runner.stop());
        expect(await (await service.fetch("/feed", { token: ada.token })).text()).toContain(".display.webp");
      } finally {
        await service.close({ keepData: true });
      }
      await withServer(target, async (client) => {
        const [row] = await client`select * from posts where state = 'deleting'`;
        expect(row).toMatchObject({ user_id: null, bytes: "5000000000", attempts: 3, caption });
        expect(row.retry_at).toEqual(new Date(1_700_000_000_999));
      });
    },
  );

  test.each(["as an argument", "by DATABASE_URL"] as const)(
    "move-database: with the address given %s, does not expose its password in the process list",
    async (given) => {
      await beforeEachPost("perform pg_advisory_xact_lock(4711);");
      const url = Object.assign(new URL(target), { password: "hidden" }).href;
      const gate = new SQL(target, { max: 1 });
      try {
        await gate`select pg_advisory_lock(4711)`;
        const child = start({ url, given });
        const waiting = () => gate`select 1 from pg_locks where locktype = 'advisory' and not granted`;
        await until(async () => (await waiting()).length > 0 || child.exitCode !== null);
        const shown = await Bun.file(`/proc/${child.pid}/cmdline`).text();
        expect(shown).toContain("move-database");
        expect(shown).not.toContain("hidden");
        await gate`select pg_advisory_unlock(4711)`;
        expect(await child.exited).toBe(0);
      } finally {
        await gate.close();
      }
      expect(await count("posts")).toBe(7);
    },
  );

  test("move-database: without an address, names DATABASE_URL", async () => {
    expectRefusal(await move("", "by DATABASE_URL"), "Set DATABASE_URL to the place to move to");
    expectRefusal(await move("https://ada:secret@example.com/x", "by DATABASE_URL"), "DATABASE_URL must be");
  });

  test("move-database: rejects a target whose encoding cannot store every character", async () => {
    const url = await freshDatabase("encoding 'LATIN1' locale 'C' template template0");
    expectRefusal(await move(url), "has the encoding LATIN1");
  });

  test("move-database: rejects a target that holds accounts", async () => {
    expect((await move()).status).toBe(0);
    expectRefusal(await move(), "holds accounts or posts already");
    expect([await count("users"), await count("posts")]).toEqual([2, 7]);
  });

  test("move-database: locks the file while it runs, leaves nothing behind when killed and can be repeated", async () => {
    await beforeEachPost("perform pg_advisory_xact_lock(4711);");
    const gate = new SQL(target, { max: 1 });
    try {
      await gate`select pg_advisory_lock(4711)`;
      const child = start({ url: target, given: "as an argument" });
      const waiting = () => gate`select 1 from pg_locks where locktype = 'advisory' and not granted`;
      await until(async () => (await waiting()).length > 0 || child.exitCode !== null);
      expect(child.exitCode).toBeNull();
      expect(() => alter("delete from posts")).toThrow("locked");
      child.kill("SIGKILL");
      await child.exited;
      await gate`select pg_advisory_unlock(4711)`;
    } finally {
      await gate.close();
    }
    await nothingMoved();
    expect((await move()).status).toBe(0);
    expect(await count("posts")).toBe(7);
  });

  test("move-database: refuses to run while a service is running", async () => {
    const service = await TestService.start({ DATA_DIR: dataDir, ...onSqlite });
    try {
      expectRefusal(await move(), "Stop it first");
    } finally {
      await service.close({ keepData: true });
    }
  });

  test("move-database: moves nothing when PostgreSQL returns different values", async () => {
    await beforeEachPost("new.caption := upper(new.caption);");
    expectRefusal(await move(), "other data than were copied (posts)");
    await nothingMoved();
  });

  test("move-database: moves nothing when PostgreSQL stores fewer rows", async () => {
    await beforeEachPost("if new.state = 'pending' then return null; end if;");
    expectRefusal(await move(), "other data than were copied (posts)");
    await nothingMoved();
  });

  test("move-database: names a row with text that PostgreSQL cannot store", async () => {
    alter("update posts set caption = ? where state = 'pending'", "a\0b");
    expectRefusal(await move(), /caption of post [0-9a-f-]{36}p holds a NUL/);
    await nothingMoved();
  });

  test("move-database: does not print a row that PostgreSQL rejects", async () => {
    await beforeEachPost("raise exception 'no %', new.caption;");
    const refused = await move();
    expectRefusal(refused, "cannot be used (P0001)");
    expect(refused.error).not.toContain("Grüße");
    await nothingMoved();
  });

  test("move-database: rejects a source that is incomplete or of another version", async () => {
    const whole = await Bun.file(database()).bytes();
    await Bun.write(database(), whole.slice().fill(7, 4096 * 2, 4096 * 6));
    expectRefusal(await move(), "damaged");
    await Bun.write(database(), "no database at all".repeat(100));
    expectRefusal(await move(), "damaged");
    await Bun.write(database(), whole);
    alter("insert into migrations values ('9999_later')");
    expectRefusal(await move(), "newer version");
    alter("delete from migrations");
    expectRefusal(await move(), "older version");
    alter("drop table migrations");
    expectRefusal(await move(), "no database of this service");
    await rm(database());
    expectRefusal(await move(), "no database");
    expect(await Bun.file(database()).exists()).toBe(false);
    expect(
      await withServer(
        target,
        (client) => client`select tablename from pg_tables where schemaname = 'public'`,
      ),
    ).toBeEmpty();
  });

  test("move-database: rejects an unusable address without printing its password", async () => {
    expectRefusal(await move("https://ada:secret@example.com/photos"), "postgres://user");
    const refused = await move("postgres://ada:secret@127.0.0.1:1/photos");
    expectRefusal(refused, "No PostgreSQL server can be reached on 127.0.0.1:1.");
    expect(refused.error).not.toContain("secret");
  });
});
