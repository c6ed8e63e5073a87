import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Database } from "bun:sqlite";

import { WalIndex } from "../../src/database/commits.ts";
import type { Connection } from "../../src/database/connection.ts";
import { rememberedUntilCommit } from "../../src/database/remembered.ts";
import { openSqlite } from "../../src/database/sqlite.ts";

let folder: string;
let path: string;
let connection: Connection;
/** Another connection of this process. */
let client: Database;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "image-sharing-commits-"));
  path = join(folder, "image-sharing.db");
  connection = await openSqlite(path);
  client = new Database(path);
  client.run("create table numbers (number integer)");
});
afterEach(async () => {
  client.close();
  await connection.close();
  await rm(folder, { recursive: true });
});

const isRoot = process.getuid?.() === 0;
const add = "insert into numbers values (1)";
const read = () => client.query<{ count: number }, []>("select count(*) as count from numbers").get()!.count;

/** Whether this process holds a lock on the file, as Linux tells. */
const isLocked = (file: string) =>
  readFileSync("/proc/locks", "utf8")
    .split("\n")
    .some((line) => line.includes(` ${process.pid} `) && line.includes(`:${statSync(file).ino} `));

/** What another process prints that runs this with `db`, the database. */
function elsewhere(script: string) {
  const source = `import { Database } from "bun:sqlite"; const db = new Database(${JSON.stringify(path)});
    db.run("pragma busy_timeout = 5000"); ${script}`;
  return Bun.spawn([process.execPath, "-e", source], { stdout: "pipe", stderr: "inherit" });
}

/** A watch that has been asked once. */
function freshWatch() {
  const committed = connection.watchCommits!();
  expect(committed()).toBe(true);
  return committed;
}

describe("a watch for commits", () => {
  test("is true the first time, then false while everybody only reads", async () => {
    const committed = freshWatch();
    for (let i = 0; i < 3; i++) {
      read();
      expect(committed()).toBe(false);
    }
    expect(await elsewhere(`db.query("select * from numbers").all(); db.close()`).exited).toBe(0);
    expect(committed()).toBe(false);
  });

  test("notices a commit of this process once, whichever connection made it, and each watch for itself", async () => {
    const [one, two] = [freshWatch(), freshWatch()];
    client.run(add);
    expect([one(), one(), two(), two()]).toEqual([true, false, true, false]);
    await connection.transaction(function* (query) {
      yield query.delete(connection.tables.users);
      yield query.insert(connection.tables.revokedTokens).values({ tokenId: "t", expiresAt: new Date() });
    });
    expect([one(), one(), two(), two()]).toEqual([true, false, true, false]);
  });

  test("notices a commit of another process, also the last one of a process that is killed", async () => {
    const committed = freshWatch();
    for (const end of ["db.close()", "process.kill(process.pid, 'SIGKILL')"]) {
      const before = read();
      await elsewhere(`db.run("${add}"); ${end}`).exited;
      expect(committed()).toBe(true);
      expect(read()).toBe(before + 1);
      expect(committed()).toBe(false);
    }
  });

  test("sees nothing of a transaction before its commit", () => {
    const committed = freshWatch();
    client.run("begin immediate");
    client.run(add);
    expect(committed()).toBe(false);
    client.run("commit");
    expect(committed()).toBe(true);
  });

  test("notices commits before and after the log is emptied and begun anew", () => {
    const committed = freshWatch();
    for (let i = 0; i < 3; i++) {
      client.run(add);
      expect(committed()).toBe(true);
      client.run("pragma wal_checkpoint(truncate)");
      committed();
      expect(committed()).toBe(false);
    }
    client.run(add);
    expect(committed()).toBe(true);
    expect(read()).toBe(4);
  });

  test("works on a database behind a link", async () => {
    await mkdir(join(folder, "elsewhere"));
    symlinkSync(path, join(folder, "elsewhere/linked.db"));
    const linked = await openSqlite(join(folder, "elsewhere/linked.db"));
    const committed = linked.watchCommits!();
    expect([committed(), committed()]).toEqual([true, false]);
    client.run(add);
    expect(committed()).toBe(true);
    expect(readdirSync(join(folder, "elsewhere"))).toEqual(["linked.db"]);
    await linked.close();
  });

  test("works on what a crash left behind, and on rubbish", async () => {
    for (const leave of [
      () => {},
      () => writeFileSync(`${path}-shm`, new Uint8Array(32768).fill(0xab)),
      () => writeFileSync(`${path}-shm`, "abc"),
      () => writeFileSync(`${path}-shm`, ""),
    ]) {
      client.close();
      await connection.close();
      await elsewhere(`db.run("${add}"); process.kill(process.pid, "SIGKILL")`).exited;
      expect(existsSync(`${path}-shm`)).toBe(true);
      leave();
      connection = await openSqlite(path);
      client = new Database(path);
      const before = read();
      expect(before).toBeGreaterThan(0);
      const committed = freshWatch();
      expect(committed()).toBe(false);
      client.run(add);
      expect(committed()).toBe(true);
      expect(read()).toBe(before + 1);
    }
  });

  test.each([
    ["twice", async () => (await openSqlite(path)).close()],
    [
      "anew, with a query that still holds the file",
      async () => {
        const query = connection.query.select().from(connection.tables.users).prepare("users");
        await query.execute();
        client.close();
        await connection.close();
        connection = await openSqlite(path);
        client = new Database(path);
        expect(await query.execute()).toEqual([]);
      },
    ],
  ])(
    "who opens the database %s keeps its locks: another process that comes and goes takes nothing away",
    async (_how, open) => {
      await open();
      if (existsSync("/proc/locks")) expect([path, `${path}-shm`].map(isLocked)).toEqual([true, true]);
      const committed = freshWatch();
      expect(await elsewhere(`db.run("${add}"); db.close()`).exited).toBe(0);
      expect(committed()).toBe(true);
      expect(read()).toBe(1);
      client.run(add);
      expect(committed()).toBe(true);
      expect(await elsewhere(`process.exit(db.query("select * from numbers").all().length)`).exited).toBe(2);
    },
  );
});

describe("the memory that connections share", () => {
  test("is not watched where SQLite uses another file", async () => {
    client.close();
    await connection.close();
    // As a crash leaves it.
    writeFileSync(`${path}-shm`, new Uint32Array(8192).fill(3_007_000));
    const index = WalIndex.open(path)!;
    renameSync(`${path}-shm`, `${path}-shm-of-old`);
    client = new Database(path);
    read();
    expect(index.watches()).toBeUndefined();
    connection = await openSqlite(path);
  });

  test("is not watched while it says nothing, or something in a format nobody knows", async () => {
    const other = join(folder, "other.db");
    writeFileSync(other, "");
    expect(WalIndex.open(other)!.watches()).toBeUndefined();
    writeFileSync(`${other}-shm`, new Uint32Array(8192).fill(3_008_000));
    expect(WalIndex.open(other)!.watches()).toBeUndefined();
  });

  test("is not watched where it cannot be looked at", async () => {
    expect(WalIndex.open(join(folder, "no-such.db"))).toBeUndefined();
    expect(existsSync(join(folder, "no-such.db-shm"))).toBe(false);
  });

  test("is never somebody else's file: no link is followed", () => {
    const linked = join(folder, "linked.db");
    writeFileSync(linked, "");
    for (const target of ["there", "not-there"]) {
      if (target === "there") writeFileSync(join(folder, target), "mine");
      rmSync(`${linked}-shm`, { force: true });
      symlinkSync(join(folder, target), `${linked}-shm`);
      expect(WalIndex.open(linked)).toBeUndefined();
    }
    expect(readFileSync(join(folder, "there"), "utf8")).toBe("mine");
    expect(existsSync(join(folder, "not-there"))).toBe(false);
  });

  test("may be used by whoever may use the database", async () => {
    client.close();
    await connection.close();
    chmodSync(path, 0o660);
    // Not for root alone, though root may have been first.
    if (isRoot) chownSync(path, 65534, 65534);
    connection = await openSqlite(path);
    client = new Database(path);
    expect(statSync(`${path}-shm`).mode & 0o777).toBe(0o660);
    expect(statSync(`${path}-wal`).mode & 0o777).toBe(0o660);
    if (isRoot) expect(statSync(`${path}-shm`).uid).toBe(65534);
  });
});

describe("what is remembered until the next commit", () => {
  /** Counts rows, and how often it was asked. */
  function counting(sizeOf?: (name: string) => number) {
    let asked = 0;
    const remembered = rememberedUntilCommit(
      connection,
      10,
      (name: string) => name,
      async (name) => {
        asked++;
        return `${name}: ${read()}`;
      },
      sizeOf,
    );
    return { remembered, asked: () => asked };
  }

  test("is looked up once, for each name", async () => {
    const { remembered, asked } = counting();
    for (let i = 0; i < 3; i++)
      expect(await Promise.all([remembered("a"), remembered("b")])).toEqual(["a: 0", "b: 0"]);
    expect(asked()).toBe(2);
    client.run(add);
    expect(await remembered("a")).toBe("a: 1");
    expect(asked()).toBe(3);
  });

  test("takes no more room than it may, however large the answers are", async () => {
    const { remembered, asked } = counting(({ length }) => length);
    for (const name of ["12345", "1234", "a", "b", "123456789", "12345678"]) await remembered(name);
    expect(asked()).toBe(6);
    await remembered("12345678");
    expect(asked()).toBe(6);
    await remembered("12345");
    expect(asked()).toBe(7);
  });

  test("a look-up that failed is tried again", async () => {
    let fails = true;
    const remembered = rememberedUntilCommit(
      connection,
      10,
      (name: string) => name,
      async () => {
        if (fails) throw new Error("the disk");
        return read();
      },
    );
    await expect(remembered("a")).rejects.toThrow("the disk");
    fails = false;
    expect(await remembered("a")).toBe(0);
  });

  test("a commit between the question and its answer is not missed, whether the query saw it or not", async () => {
    const { remembered } = counting();
    const first = remembered("a");
    client.run(add);
    expect(await first).toBe("a: 0");
    expect(await remembered("a")).toBe("a: 1");

    const late = rememberedUntilCommit(
      connection,
      10,
      (name: string) => name,
      async () => {
        await Bun.sleep(1);
        return read();
      },
    );
    const second = late("a");
    client.run(add);
    expect(await second).toBe(2);
    client.run(add);
    expect(await late("a")).toBe(3);
  });

  test("is asked for anew each time where nobody can tell of commits", async () => {
    let asked = 0;
    const lookUp = rememberedUntilCommit(
      { ...connection, watchCommits: undefined },
      10,
      (name: string) => name,
      async () => ++asked,
    );
    expect([await lookUp("a"), await lookUp("a")]).toEqual([1, 2]);
  });

  test("is never older than what another process has acknowledged", async () => {
    const { remembered, asked } = counting();
    const writer = elsewhere(
      `for (let i = 1; i <= 400; i++) { db.run("${add}"); process.stdout.write(i + "\\n"); if (i % 40 === 0) await Bun.sleep(5); }`,
    );
    let acknowledged = 0;
    let behind = 0;
    const check = async () => {
      const due = acknowledged;
      if (Number((await remembered("a")).slice(3)) < due) behind++;
    };
    const decoder = new TextDecoder();
    let text = "";
    for await (const chunk of writer.stdout) {
      text += decoder.decode(chunk, { stream: true });
      acknowledged = Number(text.trimEnd().split("\n").at(-1));
      for (let i = 0; i < 20; i++) await check();
    }
    expect(acknowledged).toBe(400);
    expect(await remembered("a")).toBe("a: 400");
    expect(behind).toBe(0);
    expect(asked()).toBeGreaterThan(1);
  });
});
