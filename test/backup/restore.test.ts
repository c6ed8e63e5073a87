import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { mkdir, mkdtemp, open, readdir, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Database } from "bun:sqlite";

import { restoreBackup } from "../../src/commands/restore.ts";
import { header, TarWriter } from "../../src/backup/tar.ts";
import { CommandError } from "../../src/commands/command-error.ts";
import { openDatabase } from "../../src/database/database.ts";
import { takeSnapshot } from "../../src/database/snapshot.ts";
import { version } from "../../src/version.ts";
import { addAccount, addPost } from "../support/databases.ts";

type Bytes = Uint8Array<ArrayBuffer>;
type Files = Record<string, Bytes | string>;
type Listed = Record<string, { size: number; sha256: string }>;

const photo = "media/01a207bc-5e6f-7765-ab26-378a7165c257.png";
const secret = "a secret of more than 32 bytes in all";

let made: string;
/** A database with one account and one post, in one file without a log. */
let database: Bytes;
beforeAll(async () => {
  made = await mkdtemp(join(tmpdir(), "image-sharing-restore-"));
  const path = join(made, "image-sharing.db");
  const opened = await openDatabase(path);
  await addPost(opened, (await addAccount(opened)).id);
  await opened.close();
  const copy = join(made, "copy.db");
  takeSnapshot(path, copy).close();
  database = await Bun.file(copy).bytes();
});
afterAll(() => rm(made, { recursive: true }));

let folder: string;
let dataDir: string;
let archive: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "image-sharing-restore-"));
  dataDir = join(folder, "data");
  archive = join(folder, "b.tar");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const bytesOf = (file: Bytes | string): Bytes => (typeof file === "string" ? Buffer.from(file) : file);
const goodFiles = (): Files => ({ [photo]: "a photo", "image-sharing.db": database, "jwt-secret": secret });
const listed = (files: Files): Listed =>
  Object.fromEntries(
    Object.entries(files).map(([name, file]) => [
      name,
      {
        size: bytesOf(file).length,
        sha256: new Bun.CryptoHasher("sha256").update(bytesOf(file)).digest("hex"),
      },
    ]),
  );

/** Writes an archive of these files and a manifest, which by default lists them. */
async function make(
  files: Files = goodFiles(),
  manifest: unknown = { version, made: "2026-01-01", files: listed(files) },
) {
  const file = await open(archive, "w");
  const writer = new TarWriter(file);
  const text = typeof manifest === "string" ? manifest : JSON.stringify(manifest);
  for (const [name, content] of Object.entries({ ...files, "manifest.json": text })) {
    const bytes = bytesOf(content);
    await writer.add(
      name,
      (async function* () {
        yield bytes;
      })(),
    );
  }
  await writer.finish();
  await file.close();
}

/** Runs a restore that must fail and leave nothing behind; returns its message. */
async function refusal(): Promise<string> {
  const error = await restoreBackup(archive, dataDir).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(CommandError);
  const { message } = error as CommandError;
  expect(message.split("\n")).toHaveLength(1);
  expect(await readdir(folder)).toEqual((await readdir(folder)).filter((name) => name === "b.tar"));
  return message;
}

test("restore: extracts a valid archive", async () => {
  await make();
  await restoreBackup(archive, dataDir);
  expect((await readdir(dataDir)).sort()).toEqual(["image-sharing.db", "jwt-secret", "media"]);
  const restored = await openDatabase(join(dataDir, "image-sharing.db"));
  expect(await restored.posts.countUnfinished()).toEqual({ pending: 1, deleting: 0 });
  await restored.close();
});

describe("restore: rejects files that are not backups:", () => {
  test.each<[string, Bytes, RegExp]>([
    ["gzip", Bun.gzipSync(Buffer.alloc(2000)), /is compressed with gzip: decompress it first/],
    ["zstd", new Uint8Array(Bun.zstdCompressSync(Buffer.alloc(2000))), /is compressed with zstd: decompress/],
    ["xz", Buffer.from("\xfd7zXZ\0".padEnd(600), "latin1"), /is compressed with xz/],
    ["bzip2", Buffer.from("BZh91AY&SY".padEnd(600), "latin1"), /is compressed with bzip2/],
    ["a text", Buffer.from("hello".repeat(500)), /it is not a tar archive, so not a backup/],
    ["a short text", Buffer.from("hello"), /it is not a tar archive, so not a backup/],
    ["zeros", Buffer.alloc(5000), /it has no manifest/],
    ["nothing", new Uint8Array(), /is empty/],
  ])("%s", async (_, bytes, words) => {
    await Bun.write(archive, bytes);
    expect(await refusal()).toMatch(words);
  });

  test("restore: rejects a SQLite database", async () => {
    await Bun.write(archive, database);
    expect(await refusal()).toMatch(/is a database, not a backup/);
  });

  test("restore: rejects a folder and a missing file", async () => {
    await mkdir(archive);
    expect(await refusal()).toMatch(/is a folder/);
    await rm(archive, { recursive: true });
    expect(await refusal()).toStartWith("There is no file ");
  });

  test("restore: rejects a tar archive of another program", async () => {
    const tar = Bun.which("tar");
    if (!tar) return;
    await Bun.write(join(made, "others/readme.txt"), "hello");
    Bun.spawnSync([tar, "-cf", archive, "-C", made, "others"]);
    expect(await refusal()).toMatch(/others\/ in it does not belong in a backup/);
  });
});

describe("restore: rejects archives with unexpected contents:", () => {
  test("restore: rejects an archive truncated at any position", async () => {
    await make();
    const whole = await Bun.file(archive).bytes();
    for (const length of [1000, 1536, whole.length - 1024, Math.floor(whole.length / 2 / 512) * 512]) {
      await Bun.write(archive, whole.slice(0, length));
      expect([length, await refusal()]).toEqual([length, expect.stringContaining("it ends too early")]);
    }
  });

  test("restore: rejects an archive with a modified, missing, additional or duplicate file", async () => {
    const files = goodFiles();
    await make({ ...files, [photo]: "b photo" }, { version, made: "", files: listed(files) });
    expect(await refusal()).toContain(`${photo} was changed since the backup was made`);
    await make({ "image-sharing.db": database }, { version, made: "", files: listed(files) });
    expect(await refusal()).toContain(`${photo} is missing`);
    const { [photo]: _, ...fewer } = files;
    await make(files, { version, made: "", files: listed(fewer) });
    expect(await refusal()).toContain(`its manifest does not list ${photo}`);
    await make({ [photo]: "a photo" });
    expect(await refusal()).toContain("it has no database");
    await make();
    const whole = await Bun.file(archive).bytes();
    await Bun.write(archive, Buffer.concat([whole.slice(0, 1024), whole]));
    expect(await refusal()).toContain(`${photo} is in it more than once`);
  });

  test.each(["../image-sharing.db", "/etc/passwd", "media/../x", "media/x.png", "tmp/x", "\x1b[31mred"])(
    "restore: rejects an archive with a file named %p",
    async (name) => {
      await make({ [name]: "x", ...goodFiles() });
      const words = await refusal();
      expect(words).toContain("in it does not belong in a backup");
      // Nothing that a terminal would obey.
      expect(words).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
    },
  );

  test("restore: rejects an archive with a link", async () => {
    const head = header(photo, 0);
    head.write("2", 156);
    head.write("/etc/passwd", 157);
    const sum = head.reduce((all, byte, at) => all + (at >= 148 && at < 156 ? 32 : byte), 0);
    head.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    await Bun.write(archive, Buffer.concat([head, Buffer.alloc(1024)]));
    expect(await refusal()).toContain("in it does not belong in a backup");
  });

  test("restore: rejects an oversized manifest without reading it", async () => {
    const size = 64 * 1024 ** 3;
    await Bun.write(archive, header("manifest.json", size));
    await truncate(archive, 512 + size);
    const before = process.memoryUsage.rss();
    expect(await refusal()).toMatch(/larger than its files account for|has only \d+ free/);
    expect(process.memoryUsage.rss() - before).toBeLessThan(200 * 1024 ** 2);
  });

  test("restore: rejects a manifest that is slightly too large for its number of files", async () => {
    await make(goodFiles(), { version, made: " ".repeat(6000), files: listed(goodFiles()) });
    expect(await refusal()).toContain("larger than its files account for");
  });

  test.each<[string, unknown]>([
    ["none", "no JSON"],
    ["null", null],
    ["a list", []],
    ["no files", { version, made: "" }],
    ["a list of files", { version, made: "", files: [] }],
    ["no version", { made: "", files: {} }],
    ["another version", { version: 1, made: "", files: {} }],
    ["words for a version", { version: "newest", made: "", files: {} }],
    ["a file without a size", { version, made: "", files: { [photo]: { sha256: "0".repeat(64) } } }],
    ["a negative size", { version, made: "", files: { [photo]: { size: -1, sha256: "0".repeat(64) } } }],
    ["half a byte", { version, made: "", files: { [photo]: { size: 0.5, sha256: "0".repeat(64) } } }],
    ["no checksum", { version, made: "", files: { [photo]: { size: 1, sha256: 7 } } }],
    ["deep nesting", `${"[".repeat(2000)}${"]".repeat(2000)}`],
  ])("with a manifest that holds %s", async (_, manifest) => {
    await make(goodFiles(), manifest);
    expect(await refusal()).toContain("its manifest is damaged");
  });

  test("restore: rejects a manifest that lists names of Object.prototype", async () => {
    const files = listed(goodFiles());
    for (const name of ["__proto__", "constructor", "toString"]) {
      const entries = JSON.stringify(files).replace("{", `{"${name}":${JSON.stringify(files[photo])},`);
      await make(goodFiles(), `{"version":"${version}","made":"","files":${entries}}`);
      expect(await refusal()).toMatch(/is missing|its manifest is damaged/);
    }
  });

  test("restore: rejects a backup whose manifest or database is of a newer version", async () => {
    await make(goodFiles(), { version: "99.1.0", made: "", files: listed(goodFiles()) });
    expect(await refusal()).toContain("it was made by version 99.1.0 of this program, which is newer");
    await make({
      ...goodFiles(),
      "image-sharing.db": await altered("insert into migrations values ('9_x')"),
    });
    expect(await refusal()).toContain("its database was made by a newer version");
  });
});

/** Returns the database after these statements. */
async function altered(...statements: string[]): Promise<Bytes> {
  const path = join(made, `${crypto.randomUUID()}.db`);
  await Bun.write(path, database);
  const client = new Database(path);
  for (const statement of statements) client.run(statement);
  client.close();
  return Bun.file(path).bytes();
}

describe("restore: rejects unusable databases:", () => {
  const restoreWith = async (file: Bytes) => {
    await make({ ...goodFiles(), "image-sharing.db": file });
    return refusal();
  };

  test("restore: rejects a damaged, truncated, empty or missing database", async () => {
    const whole = await altered();
    for (const bytes of [
      whole.slice().fill(7, 4096 * 2, 4096 * 4),
      whole.slice(0, 4096 * 3),
      new Uint8Array(),
      new Uint8Array(Buffer.from("no database at all".repeat(300))),
    ])
      expect(await restoreWith(bytes)).toMatch(/its database is (damaged|none of this service)/);
  });

  test("restore: rejects a database whose index lacks a row", async () => {
    const client = Database.deserialize(database);
    const { page } = client
      .query<{ page: number }, []>(
        "select rootpage as page from sqlite_master where name = 'posts_author_feed'",
      )
      .get()!;
    client.close();
    const damaged = database.slice();
    // The number of cells on the index's only page (https://www.sqlite.org/fileformat2.html#b_tree_pages).
    new DataView(damaged.buffer).setUint16((page - 1) * 4096 + 3, 0);
    expect(await restoreWith(damaged)).toContain("its database is damaged");
  });

  test("restore: rejects a database with a dangling reference", async () => {
    expect(await restoreWith(await altered("pragma foreign_keys = off", "delete from users"))).toContain(
      "rows that others refer to are missing",
    );
  });

  test.each([
    "drop table posts",
    "create table notes (text text)",
    "create trigger promote after insert on users begin update users set is_superuser = 1; end",
    "create view everybody as select * from users",
    "drop index posts_feed",
    "alter table users rename column hashed_password to password",
    "alter table posts add column evil text generated always as (printf('%1000000s', id)) virtual",
    "drop index posts_feed; create index posts_feed on posts (length(caption))",
  ])("with another schema: %s", async (statement) => {
    expect(await restoreWith(await altered("pragma foreign_keys = off", statement))).toContain(
      "lacks tables, columns or indexes, or has some that are none of this service",
    );
  });

  test("restore: rejects a database of another program", async () => {
    expect(await restoreWith(await altered("drop table migrations"))).toContain("none of this service");
  });
});

test("restore: checks a database in WAL mode without its -wal and -shm files", async () => {
  const wal = await altered("pragma journal_mode = wal");
  expect(wal[18]).toBe(2);
  await make({ ...goodFiles(), "image-sharing.db": wal });
  await restoreBackup(archive, dataDir);
  expect((await readdir(dataDir)).sort()).toEqual(["image-sharing.db", "jwt-secret", "media"]);
});

test("restore: rejects a backup larger than the free space before writing anything", async () => {
  const size = 8 * 1024 ** 4;
  await Bun.write(archive, header(photo, size));
  const sparse = await truncate(archive, 512 + size + 1024).then(
    () => true,
    () => false,
  );
  if (!sparse) return console.log("skipped: this file system has no file of 8 TB");
  expect(await refusal()).toMatch(
    /^The backup needs [\d.]+ [MGT]B, but the disk of .* has only [\d.]+ [kMGT]B free\.$/,
  );
});
