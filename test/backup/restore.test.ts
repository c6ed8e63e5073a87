import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { mkdir, mkdtemp, open, readdir, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Database } from "bun:sqlite";

import { restoreBackup } from "../../src/backup/restore.ts";
import { header, TarWriter } from "../../src/backup/tar.ts";
import { CommandError } from "../../src/commands/command.ts";
import { openDatabase } from "../../src/database/database.ts";
import { takeSnapshot } from "../../src/database/snapshot.ts";
import { version } from "../../src/operation/version.ts";
import { addAccount, addPost } from "../support/databases.ts";

type Bytes = Uint8Array<ArrayBuffer>;
type Files = Record<string, Bytes | string>;
type Listed = Record<string, { size: number; sha256: string }>;

const photo = "media/01a207bc-5e6f-7765-ab26-378a7165c257.png";
const secret = "a secret of more than 32 bytes in all";

let made: string;
/** A database with an account and a post, in one file. */
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

/** Writes an archive of these files, with a manifest that lists them unless another one is given. */
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
      bytes.length,
      (async function* () {
        yield bytes;
      })(),
    );
  }
  await writer.finish();
  await file.close();
}

/** What a restore says; it must leave nothing when it fails. */
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

test("a good archive is restored", async () => {
  await make();
  await restoreBackup(archive, dataDir);
  expect((await readdir(dataDir)).sort()).toEqual(["image-sharing.db", "jwt-secret", "media"]);
  const restored = await openDatabase(join(dataDir, "image-sharing.db"));
  expect(await restored.posts.countUnfinished()).toEqual({ pending: 1, deleting: 0 });
  await restored.close();
});

describe("what is no backup is refused in plain words:", () => {
  test.each<[string, Bytes, RegExp]>([
    ["gzip", Bun.gzipSync(Buffer.alloc(2000)), /is compressed with gzip: decompress it first/],
    ["zstd", new Uint8Array(Bun.zstdCompressSync(Buffer.alloc(2000))), /is compressed with zstd: decompress/],
    ["xz", Buffer.from("\xfd7zXZ\0".padEnd(600), "latin1"), /is compressed with xz/],
    ["bzip2", Buffer.from("BZh91AY&SY".padEnd(600), "latin1"), /is compressed with bzip2/],
    ["a text", Buffer.from("hello".repeat(500)), /it is no tar archive, and so no backup/],
    ["a short text", Buffer.from("hello"), /it is no tar archive, and so no backup/],
    ["zeros", Buffer.alloc(5000), /it has no manifest/],
    ["nothing", new Uint8Array(), /is empty/],
  ])("%s", async (_, bytes, words) => {
    await Bun.write(archive, bytes);
    expect(await refusal()).toMatch(words);
  });

  test("a database", async () => {
    await Bun.write(archive, database);
    expect(await refusal()).toMatch(/is a database, not a backup/);
  });

  test("a folder, and what is not there", async () => {
    await mkdir(archive);
    expect(await refusal()).toMatch(/is a folder/);
    await rm(archive, { recursive: true });
    expect(await refusal()).toStartWith("There is no file ");
  });

  test("another program's tar archive", async () => {
    const tar = Bun.which("tar");
    if (!tar) return;
    await Bun.write(join(made, "others/readme.txt"), "hello");
    Bun.spawnSync([tar, "-cf", archive, "-C", made, "others"]);
    expect(await refusal()).toMatch(/others\/ in it is nothing that a backup holds/);
  });
});

describe("an archive that does not hold what it should is refused:", () => {
  test("cut anywhere", async () => {
    await make();
    const whole = await Bun.file(archive).bytes();
    for (const length of [1000, 1536, whole.length - 1024, Math.floor(whole.length / 2 / 512) * 512]) {
      await Bun.write(archive, whole.slice(0, length));
      expect([length, await refusal()]).toEqual([length, expect.stringContaining("it ends too early")]);
    }
  });

  test("with a file changed, missing, added or twice", async () => {
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
    expect(await refusal()).toContain(`${photo} is in it once too often`);
  });

  test.each(["../image-sharing.db", "/etc/passwd", "media/../x", "media/x.png", "tmp/x", "\x1b[31mred"])(
    "with a file named %p",
    async (name) => {
      await make({ [name]: "x", ...goodFiles() });
      const words = await refusal();
      expect(words).toContain("in it is nothing that a backup holds");
      expect(words).toMatch(/^[\x20-\x7e]+$/);
    },
  );

  test("with a link", async () => {
    const head = header(photo, 0);
    head.write("2", 156);
    head.write("/etc/passwd", 157);
    const sum = head.reduce((all, byte, at) => all + (at >= 148 && at < 156 ? 32 : byte), 0);
    head.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    await Bun.write(archive, Buffer.concat([head, Buffer.alloc(1024)]));
    expect(await refusal()).toContain("in it is nothing that a backup holds");
  });

  test("with a manifest larger than its files account for, which is not read", async () => {
    const size = 64 * 1024 ** 3;
    await Bun.write(archive, header("manifest.json", size));
    await truncate(archive, 512 + size);
    const before = process.memoryUsage.rss();
    expect(await refusal()).toMatch(/larger than its files account for|has only \d+ free/);
    expect(process.memoryUsage.rss() - before).toBeLessThan(200 * 1024 ** 2);
  });

  test("with a manifest a little too large for its files", async () => {
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

  test("with names of JavaScript's own in the manifest", async () => {
    const files = listed(goodFiles());
    for (const name of ["__proto__", "constructor", "toString"]) {
      const entries = JSON.stringify(files).replace("{", `{"${name}":${JSON.stringify(files[photo])},`);
      await make(goodFiles(), `{"version":"${version}","made":"","files":${entries}}`);
      expect(await refusal()).toMatch(/is missing|its manifest is damaged/);
    }
  });

  test("of a newer version, by its manifest or by its database", async () => {
    await make(goodFiles(), { version: "99.1.0", made: "", files: listed(goodFiles()) });
    expect(await refusal()).toContain("it was made by version 99.1.0 of this program, which is newer");
    await make({
      ...goodFiles(),
      "image-sharing.db": await altered("insert into migrations values ('9_x')"),
    });
    expect(await refusal()).toContain("its database was made by a newer version");
  });
});

/** The database after these statements. */
async function altered(...statements: string[]): Promise<Bytes> {
  const path = join(made, `${crypto.randomUUID()}.db`);
  await Bun.write(path, database);
  const client = new Database(path);
  for (const statement of statements) client.run(statement);
  client.close();
  return Bun.file(path).bytes();
}

describe("an archive whose database cannot be served is refused:", () => {
  const restoreWith = async (file: Bytes) => {
    await make({ ...goodFiles(), "image-sharing.db": file });
    return refusal();
  };

  test("damaged, cut, empty, none", async () => {
    const whole = await altered();
    for (const bytes of [
      whole.slice().fill(7, 4096 * 2, 4096 * 4),
      whole.slice(0, 4096 * 3),
      new Uint8Array(),
      new Uint8Array(Buffer.from("no database at all".repeat(300))),
    ])
      expect(await restoreWith(bytes)).toMatch(/its database is (damaged|none of this service)/);
  });

  test("with an index that lacks a row", async () => {
    const client = Database.deserialize(database);
    const { page } = client
      .query<{ page: number }, []>("select rootpage as page from sqlite_master where name = 'posts_user'")
      .get()!;
    client.close();
    const damaged = database.slice();
    // The number of cells of the index's only page (https://www.sqlite.org/fileformat2.html#b_tree_pages).
    new DataView(damaged.buffer).setUint16((page - 1) * 4096 + 3, 0);
    expect(await restoreWith(damaged)).toContain("its database is damaged");
  });

  test("with a row that refers to none", async () => {
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
  ])("with another schema: %s", async (statement) => {
    expect(await restoreWith(await altered("pragma foreign_keys = off", statement))).toContain(
      "lacks tables or indexes, or has some that are none of this service",
    );
  });

  test("of another program", async () => {
    expect(await restoreWith(await altered("drop table migrations"))).toContain("none of this service");
  });
});

test("a restored database in WAL mode is checked without any file beside it", async () => {
  const wal = await altered("pragma journal_mode = wal");
  expect(wal[18]).toBe(2);
  await make({ ...goodFiles(), "image-sharing.db": wal });
  await restoreBackup(archive, dataDir);
  expect((await readdir(dataDir)).sort()).toEqual(["image-sharing.db", "jwt-secret", "media"]);
});

test("a backup that is larger than the free space is refused before anything is written", async () => {
  const size = 8 * 1024 ** 4;
  await Bun.write(archive, header(photo, size));
  const sparse = await truncate(archive, size).then(
    () => true,
    () => false,
  );
  if (!sparse) return console.log("skipped: this file system has no file of 8 TB");
  expect(await refusal()).toMatch(/^The backup needs \d+ bytes, but the disk of .* has only \d+ free\.$/);
});
