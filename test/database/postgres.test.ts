import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import journal from "../../drizzle/pg/meta/_journal.json" with { type: "json" };
import { step } from "../../src/database/connection.ts";
import { databaseFailure, NewerDatabase, UnsupportedDatabase } from "../../src/database/failures.ts";
import { openPostgres } from "../../src/database/postgres.ts";
import {
  canStartPostgres,
  freshDatabase,
  hasPostgres,
  PostgresServer,
  withServer,
} from "../support/postgres.ts";
import { command, ServiceProcess } from "../support/process.ts";

if (!hasPostgres)
  console.log(
    "skipped: tests of PostgreSQL need its server programs (Debian: postgresql) or TEST_DATABASE_URL",
  );

describe.skipIf(!hasPostgres)("postgres: database", () => {
  test("postgres: is migrated once if several nodes open it concurrently", async () => {
    const url = await freshDatabase();
    const opened = await Promise.all(Array.from({ length: 8 }, () => openPostgres({ url, poolSize: 1 })));
    await Promise.all(opened.map((connection) => connection.close()));
    const tags = await withServer(url, (sql) => sql`select tag from migrations order by tag`.values());
    expect([...tags]).toEqual(journal.entries.map(({ tag }) => [tag]));
  });

  test("postgres: rejects a database of a newer version without changing it", async () => {
    const url = await freshDatabase();
    await (await openPostgres({ url, poolSize: 1 })).close();
    await withServer(url, (sql) => sql`insert into migrations values ('9999_later')`);
    expect(await openPostgres({ url, poolSize: 1 }).catch((error: unknown) => error)).toBeInstanceOf(
      NewerDatabase,
    );
  });

  test.each(["LATIN1", "SQL_ASCII"])(
    "postgres: rejects a database with the encoding %s without changing it",
    async (encoding) => {
      const url = await freshDatabase(`encoding '${encoding}' locale 'C' template template0`);
      const refused = await openPostgres({ url, poolSize: 1 }).catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(UnsupportedDatabase);
      expect((refused as Error).message).toContain(encoding);
      const tables = await withServer(url, (sql) => sql`select 1 from pg_tables where schemaname = 'public'`);
      expect([...tables]).toEqual([]);
    },
  );

  test.each(["database", "user"])(
    "postgres: uses read committed although the %s has another default isolation level",
    async (whose) => {
      const url = await freshDatabase();
      const database = new URL(url).pathname.slice(1);
      const user = `user_${database}`;
      await withServer(url, async (sql) => {
        await sql.unsafe(`create role ${user} superuser login`);
        const name = whose === "database" ? database : user;
        await sql.unsafe(`alter ${whose} ${name} set default_transaction_isolation = 'serializable'`);
      });
      const address = Object.assign(new URL(url), { username: user }).href;
      const [before] = await withServer(address, (sql) => sql`show transaction_isolation`);
      expect(before).toEqual({ transaction_isolation: "serializable" });
      const { write, transaction, close } = await openPostgres({ url: address, poolSize: 3 });
      const ask = "select current_setting('transaction_isolation') as level";
      const alone = [...((await write((query) => query.execute(ask))) as Iterable<unknown>)];
      const together = await transaction(function* (tx) {
        return [...((yield* step(tx.execute(ask))) as Iterable<unknown>)];
      });
      expect([alone, together]).toEqual([[{ level: "read committed" }], [{ level: "read committed" }]]);
      await close();
      await withServer(url, (sql) => sql.unsafe(`drop owned by ${user}; drop role ${user}`));
    },
  );

  test("postgres: limits the connections of a process and the time of a statement", async () => {
    const url = await freshDatabase();
    const { query, tables, write, close } = await openPostgres({ url, poolSize: 3 });
    expect([
      ...((await write((query) => query.execute("show statement_timeout"))) as Iterable<unknown>),
    ]).toEqual([{ statement_timeout: "15s" }]);
    await Promise.all(Array.from({ length: 50 }, () => query.select().from(tables.users)));
    await withServer(url, async (sql) => {
      const [{ count }] =
        await sql`select count(*)::int from pg_stat_activity where application_name = 'image-sharing' and datname = current_database()`;
      expect(count).toBeGreaterThan(0);
      expect(count).toBeLessThanOrEqual(3);
    });
    await close();
  });
});

test("postgres: backup names a server that cannot be reached and prints no password", async () => {
  const archive = join(tmpdir(), `image-sharing-${crypto.randomUUID()}.tar`);
  const child = Bun.spawn([...command, "backup", archive], {
    env: { PATH: process.env["PATH"], DATABASE_URL: "postgres://app:hidden@127.0.0.1:1/photos" },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, error] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  expect([await child.exited, out, await Bun.file(archive).exists()]).toEqual([1, "", false]);
  expect(error).toContain("No PostgreSQL server can be reached on 127.0.0.1:1.");
  expect(error).not.toContain("hidden");
});

test.skipIf(!hasPostgres)("postgres: warns about a node that shares neither secret nor media", async () => {
  const folder = await mkdtemp(join(tmpdir(), "image-sharing-warned-"));
  const database = { DATABASE_URL: await freshDatabase(), LOG_LEVEL: "warn" };
  const told: string[] = [];
  for (const [name, settings] of Object.entries({
    alone: {},
    shared: {
      JWT_SECRET_KEY: "the same secret on every node, 32 bytes",
      S3_BUCKET: "b",
      S3_ACCESS_KEY_ID: "i",
      S3_SECRET_ACCESS_KEY: "s",
    },
  })) {
    const log = join(folder, `${name}.log`);
    const node = new ServiceProcess(folder, { ...database, ...settings }, { log });
    await node.start();
    await node.stop();
    told.push(await Bun.file(log).text());
  }
  for (const word of ["JWT_SECRET_KEY", "DATA_DIR"]) {
    expect(told[0]).toContain(word);
    expect(told[1]).not.toContain(word);
  }
  await rm(folder, { recursive: true });
});

describe.skipIf(!canStartPostgres)("postgres: failing startup", () => {
  let server: PostgresServer;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "image-sharing-start-"));
    server = await PostgresServer.start({ tls: true });
    await server.requirePassword("hidden");
  });
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** The outcome of a startup with this address. The command `superuser` opens the database and then exits. */
  async function start(url: string): Promise<{ status: number; said: string }> {
    const child = Bun.spawn([...command, "superuser", "ada@example.com"], {
      env: { PATH: process.env["PATH"], DATA_DIR: folder, DATABASE_URL: url },
      stdout: "pipe",
      stderr: "pipe",
    });
    const said = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
    return { status: await child.exited, said: said.join("") };
  }
  const address = (change: (url: URL) => void) => {
    const url = new URL(server.url("postgres", "localhost"));
    url.password = "hidden";
    change(url);
    return url.href;
  };

  test.each<[string, RegExp, (url: URL) => void]>([
    ["password", /refuses this user or password/, (url) => (url.password = "hiddenwrong")],
    ["user", /refuses this user or password/, (url) => (url.username = "nobody")],
    ["database", /has no database "hiding"/, (url) => (url.pathname = "/hiding")],
    ["port", /No PostgreSQL server can be reached on localhost:1\b/, (url) => (url.port = "1")],
    ["host", /No PostgreSQL server can be reached on db\.invalid/, (url) => (url.hostname = "db.invalid")],
    [
      "certificate without a trusted issuer",
      /offers no TLS that can be trusted/,
      (url) => url.searchParams.set("sslmode", "verify-full"),
    ],
  ])("postgres: names the wrong %s in one sentence without the password", async (_, sentence, change) => {
    const { status, said } = await start(address(change));
    expect(status).toBe(1);
    expect(said).toMatch(sentence);
    expect(said).toContain("DATABASE_URL");
    expect(said.trim().split("\n")).toHaveLength(1);
    expect(said).not.toContain("hidden");
  });

  test("postgres: names a database whose encoding cannot store every character", async () => {
    await withServer(
      address(() => {}),
      (sql) => sql.unsafe("create database old encoding 'LATIN1' locale 'C' template template0"),
    );
    const { status, said } = await start(address((url) => (url.pathname = "/old")));
    expect(status).toBe(1);
    expect(said).toMatch(/^The database "old" on localhost:\d+ has the encoding LATIN1/);
    expect(said.trim().split("\n")).toHaveLength(1);
    expect(said).not.toContain("hidden");
  });

  test.each(["prefer", "require", "verify-full"])(
    "postgres: sslmode=%s encrypts the connection",
    async (mode) => {
      const url = address(({ searchParams }) => {
        searchParams.set("sslmode", mode);
        if (mode === "verify-full") searchParams.set("sslrootcert", join(server.folder, "server.crt"));
      });
      const { write, close } = await openPostgres({ url, poolSize: 1 });
      await write((query) => query.execute("select 1"));
      const encrypted = await withServer(url, (sql) =>
        sql`select bool_and(ssl) as all from pg_stat_ssl join pg_stat_activity using (pid) where application_name = 'image-sharing'`.then(
          ([row]: { all: boolean }[]) => row?.all,
        ),
      );
      expect(encrypted).toBe(true);
      await close();
    },
  );

  test("postgres: without sslmode, encrypts the connection if the server supports it", async () => {
    const { write, close } = await openPostgres({ url: address(() => {}), poolSize: 1 });
    const rows = await write((query) =>
      query.execute("select ssl from pg_stat_ssl where pid = pg_backend_pid()"),
    );
    expect([...(rows as Iterable<unknown>)]).toEqual([{ ssl: true }]);
    await close();
  });

  // Must run last, because it changes the certificate and the password that the other tests use.
  test.each<[string, () => Promise<unknown>]>([
    ["certificate", () => server.changeCertificate()],
    [
      "password",
      () =>
        withServer(
          address(() => {}),
          async (sql) => {
            await sql`alter user app password 'another'`;
            await sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'image-sharing'`;
          },
        ),
    ],
  ])("postgres: queries fail with UNAVAILABLE after the server's %s has changed", async (_, change) => {
    const trusted = join(folder, "trusted.crt");
    await copyFile(join(server.folder, "server.crt"), trusted);
    const url = address(({ searchParams }) => {
      searchParams.set("sslmode", "verify-full");
      searchParams.set("sslrootcert", trusted);
    });
    const { write, close } = await openPostgres({ url, poolSize: 1 });
    const ask = () => write((query) => query.execute("select 1"));
    await ask();
    await change();
    // The first query may fail because its connection has ended.
    await ask().catch(() => {});
    expect(await ask().then(() => undefined, databaseFailure)).toMatchObject({ code: "UNAVAILABLE" });
    await close();
  });
});
