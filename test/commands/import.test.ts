import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { copyFile, mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Database } from "bun:sqlite";

import { databaseFile } from "../../src/data-dir.ts";
import { openDatabase } from "../../src/database/database.ts";
import { startFakeImageKit, type FakeImageKit } from "../support/fake-imagekit.ts";
import {
  changeOriginal,
  createOriginal,
  idOf,
  sampleDatabase,
  sampleSecret,
} from "../support/original-database.ts";
import { freshDatabase, hasPostgres, withServer } from "../support/postgres.ts";
import { command, ServiceProcess } from "../support/process.ts";
import { indexesOf } from "../support/indexes.ts";
import { jpegPhoto } from "../support/media-samples.ts";
import { withSmallDisk } from "../support/small-disk.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(120_000);

let folder: string;
let dataDir: string;
let file: string;
let fake: FakeImageKit;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "image-sharing-import-"));
  dataDir = join(folder, "data");
  file = join(folder, "original.db");
  await copyFile(sampleDatabase, file);
  fake = await startFakeImageKit();
});
afterEach(async () => {
  await fake.close();
  await rm(folder, { recursive: true });
});

function start(args: string[], environment: Record<string, string> = {}) {
  return Bun.spawn([...command, "import", ...args], {
    env: { PATH: process.env["PATH"], DATA_DIR: dataDir, FFMPEG: "off", ...environment },
    cwd: folder,
    stdout: "pipe",
    stderr: "pipe",
  });
}

async function importFile(args: string[], environment?: Record<string, string>) {
  const child = start(args, environment);
  const [out, error] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { out, error, status: await child.exited };
}

const imagekit = (urlEndpoint = fake.urlEndpoint) => ({
  IMAGEKIT_PUBLIC_KEY: "public_test",
  IMAGEKIT_PRIVATE_KEY: fake.privateKey,
  IMAGEKIT_URL_ENDPOINT: urlEndpoint,
  IMAGE_KIT_BASE_URL: fake.url,
});

const postsInDatabase = () => {
  const database = new Database(join(dataDir, databaseFile), { readonly: true });
  try {
    return database.query<{ posts: number }, []>("select count(*) as posts from posts").get()!.posts;
  } finally {
    database.close();
  }
};

/** Waits until the running import has added posts. */
const somePostsImported = () =>
  until(async () => {
    try {
      return postsInDatabase() > 0;
    } catch {
      // Not created yet, or locked.
      return false;
    }
  });

async function indexesOfNewDatabase(): Promise<string[]> {
  const path = join(folder, "new.db");
  await (await openDatabase(path)).close();
  return indexesOf(path);
}

/** The hash of the service's database, whether or not it is still in the write-ahead log. */
const databaseHash = () => {
  const database = new Database(join(dataDir, databaseFile), { readonly: true });
  try {
    return Bun.hash(database.serialize());
  } finally {
    database.close();
  }
};

const hashOf = async (path: string) => Bun.hash(await Bun.file(path).arrayBuffer());

test("import: into a folder that no service uses, it ends with all indexes", async () => {
  expect((await importFile([file])).status).toBe(0);
  expect(indexesOf(join(dataDir, databaseFile))).toEqual(await indexesOfNewDatabase());
});

test("import: takes over the original's database while the service runs, and leaves the file as it is", async () => {
  const before = await hashOf(file);
  const service = new ServiceProcess(dataDir, { DATABASE_URL: "", JWT_SECRET_KEY: sampleSecret });
  await service.start();
  try {
    const dryRun = await importFile([file, "--dry-run"]);
    expect(dryRun).toMatchObject({ status: 0 });
    expect(dryRun.out).toStartWith(`Would import 4 accounts and 8 posts of ${file}.\n`);
    expect(postsInDatabase()).toBe(0);
    const first = await importFile([file]);
    expect(first).toMatchObject({ status: 0, error: expect.stringContaining("posts read: 8 of 8\n") });
    expect(first.out).toStartWith(`Imported 4 accounts and 8 posts of ${file}.\n`);
    expect(first.out).toContain("without them the service cannot delete or export the files of these posts");
    expect(first.out).toEndWith("Superusers: ada@example.com.\n");
    const login = await service.fetch("/auth/jwt/login", {
      method: "POST",
      body: new URLSearchParams({ username: "linus@example.com", password: "linus password 1" }),
    });
    const { access_token: token } = (await login.json()) as { access_token: string };
    await until(async () => {
      const { posts } = (await (await service.fetch("/feed", { token })).json()) as { posts: unknown[] };
      return posts.length === 8;
    });
    expect((await importFile([file])).out).toBe(
      `Imported 0 accounts and 0 posts of ${file}.\nImported earlier: 4 accounts and 8 posts.\n`,
    );
  } finally {
    await service.kill();
  }
  expect(await hashOf(file)).toBe(before);
  expect((await Array.fromAsync(new Bun.Glob("original*").scan(folder))).sort()).toEqual(["original.db"]);
});

test("import: says which setting to check when no post is accepted", async () => {
  const { out } = await importFile([file, "--dry-run"], imagekit("https://ik.imagekit.io/another"));
  expect(out).toContain(
    "No post was accepted. If all addresses are refused, set IMAGEKIT_PUBLIC_KEY, IMAGEKIT_PRIVATE_KEY and IMAGEKIT_URL_ENDPOINT, the last to what the addresses begin with.\n",
  );
  expect((await importFile([file, "--dry-run"])).out).not.toContain("No post was accepted");
});

test("import --dry-run: creates no data folder", async () => {
  const { out, error, status } = await importFile([file, "--dry-run"]);
  expect([out.split("\n")[0], status]).toEqual([`Would import 4 accounts and 8 posts of ${file}.`, 0]);
  expect(error).toContain("There is no database in ");
  expect(await Array.fromAsync(new Bun.Glob("data/**").scan({ cwd: folder, dot: true }))).toEqual([]);
});

test("import --dry-run: leaves a database of an older version as it is, and says what to do", async () => {
  await mkdir(dataDir);
  await (await openDatabase(join(dataDir, databaseFile))).close();
  const database = new Database(join(dataDir, databaseFile));
  database.run("delete from migrations where tag like '0005%'");
  database.close();
  const before = databaseHash();
  const { out, error, status } = await importFile([file, "--dry-run"]);
  expect([out, error, status]).toEqual([
    "",
    `The database ${join(dataDir, databaseFile)} is of an older version of this program. Start this version of the service once, which brings it up to date.\n`,
    1,
  ]);
  expect(databaseHash()).toBe(before);
});

test.skipIf(!hasPostgres)(
  "import --dry-run: leaves an empty PostgreSQL database as it is, and checks against one of this version",
  async () => {
    const url = await freshDatabase();
    const settings = { DATABASE_URL: url };
    expect(await importFile([file, "--dry-run"], settings)).toMatchObject({
      status: 1,
      error: expect.stringContaining("holds no data of this service. Start the service with it once"),
    });
    const tables = await withServer(
      url,
      (client) => client`select tablename from pg_tables where schemaname = 'public'`,
    );
    expect(tables).toBeEmpty();
    expect((await importFile([file], settings)).status).toBe(0);
    const { out } = await importFile([file, "--dry-run"], settings);
    expect(out).toContain("Imported earlier: 4 accounts and 8 posts.\n");
  },
);

test("import --dry-run: changes nothing in a data folder with a database of this version", async () => {
  expect((await importFile([file])).status).toBe(0);
  const files = async () => {
    const all = await Array.fromAsync(new Bun.Glob("**").scan({ cwd: dataDir, dot: true, onlyFiles: false }));
    return all.filter((name) => !/-(?:wal|shm)$/.test(name)).sort();
  };
  const before = [await files(), databaseHash()];
  const { out } = await importFile([file, "--dry-run"]);
  expect(out).toContain("Imported earlier: 4 accounts and 8 posts.\n");
  expect([await files(), databaseHash()]).toEqual(before);
});

test("import --copy-media: says how many files an earlier import has left in ImageKit, and what copies them", async () => {
  await rm(file);
  createOriginal(file, { users: 1, posts: 2, endpoint: fake.deliveryUrl });
  for (const name of ["/photo_0.jpg", "/photo_1.jpg"]) fake.place(name, Buffer.from(await jpegPhoto(40, 30)));
  const environment = { ...imagekit(fake.deliveryUrl), MEDIA_STORE: "disk", MIN_FREE_SPACE: "1" };
  expect((await importFile([file], environment)).status).toBe(0);
  changeOriginal(file, (database) => {
    const add =
      "insert into posts select ?, user_id, caption, url || '?new', file_type, file_name, created_at from posts limit 1";
    database.query(add).run(idOf("post", 9));
  });
  const left =
    "Still in ImageKit: the files of 2 posts that are here already. move-media --to disk copies them as they are.\n";
  for (const args of [["--dry-run"], []])
    expect(await importFile([file, "--copy-media", ...args], environment)).toMatchObject({
      status: 0,
      out: expect.stringContaining(left),
    });
  const move = Bun.spawn([...command, "move-media", "--to", "disk"], {
    env: { PATH: process.env["PATH"], DATA_DIR: dataDir, FFMPEG: "off", ...environment },
    stdout: "ignore",
    stderr: "inherit",
  });
  expect(await move.exited).toBe(0);
  const intoImageKit = await importFile([file, "--copy-media"], imagekit(fake.deliveryUrl));
  expect(intoImageKit.error).toStartWith("MEDIA_STORE is imagekit, so the copies are in ImageKit, too");
  expect((await importFile([file, "--copy-media"], environment)).out).toBe(
    `Imported 0 accounts and 0 posts of ${file}.\nImported earlier: 1 account and 3 posts.\n`,
  );
});

test("import --imagekit: names missing files, records the others, and deleting a post deletes its file", async () => {
  await rm(file);
  createOriginal(file, { users: 1, posts: 3, endpoint: fake.urlEndpoint });
  fake.place("/photo_0.jpg", Buffer.from("a picture"));
  fake.place("/photo_1.jpg", Buffer.from("a picture"));
  // Without a look at ImageKit first: a repeated import completes the posts.
  expect((await importFile([file], imagekit())).status).toBe(0);
  const { out, error, status } = await importFile([file, "--imagekit"], imagekit());
  expect(status).toBe(1);
  expect(out).toContain("Not found in ImageKit: the files of 1 post, named above.\n");
  expect(error).toContain(`post ${idOf("post", 2)}: its file is not in ImageKit\n`);
  const service = new ServiceProcess(dataDir, {
    DATABASE_URL: "",
    JWT_SECRET_KEY: sampleSecret,
    ...imagekit(),
  });
  await Bun.spawn([...command, "superuser", "user0@example.com", "--password-stdin"], {
    env: { PATH: process.env["PATH"], DATA_DIR: dataDir },
    stdin: new Blob(["correct horse battery"]),
    stdout: "ignore",
  }).exited;
  await service.start();
  try {
    const token = await service.login("user0@example.com");
    const post = await (await service.fetch(`/posts/${idOf("post", 0)}`, { token })).json();
    expect(post).toMatchObject({ bytes: 9, width: 4, height: 3 });
    const answer = await service.fetch(`/posts/${idOf("post", 0)}`, { method: "DELETE", token });
    expect(answer.status).toBe(200);
    await until(async () => !fake.files.has("/photo_0.jpg"));
    expect(fake.files.has("/photo_1.jpg")).toBe(true);
  } finally {
    await service.kill();
  }
});

test("import: leaves out posts that share another's file, which deleting them would delete", async () => {
  await rm(file);
  createOriginal(file, { users: 1, posts: 4 });
  changeOriginal(file, (database) => {
    const set = database.query("update posts set url = ? where id = ?");
    set.run("https://ik.imagekit.io/demo/photo_0.jpg", idOf("post", 1));
    set.run("http://ik.imagekit.io/demo/%70hoto_0.jpg?tr=w-1", idOf("post", 2));
  });
  const [first, ...others] = [0, 1, 2].map((number) => idOf("post", number)).sort();
  for (const args of [[file, "--dry-run"], [file], [file]]) {
    const { out, error, status } = await importFile(args);
    expect([status, out]).toEqual([
      1,
      expect.stringContaining("Left out: 0 accounts and 2 posts, named above.\n"),
    ]);
    for (const id of others)
      expect(error).toContain(`post ${id}: another post of this file has its address\n`);
    expect(error).not.toContain(first!);
  }
  expect(postsInDatabase()).toBe(2);
  // Copies do not depend on each other.
  const copies = await importFile([file, "--copy-media", "--dry-run"]);
  expect(copies.out).toStartWith(`Would import 0 accounts and 2 posts of ${file}.\n`);
});

test("import: leaves out posts that have another's id in another notation", async () => {
  await rm(file);
  createOriginal(file, { users: 1, posts: 3 });
  const id = idOf("post", 0);
  changeOriginal(file, (database) => {
    const set = database.query("update posts set id = ? where id = ?");
    set.run(id.toUpperCase(), idOf("post", 1));
    set.run(Buffer.from(id.replaceAll("-", ""), "hex"), idOf("post", 2));
  });
  for (const args of [[file, "--dry-run"], [file, "--dry-run", "--copy-media"], [file], [file]]) {
    const { out, error } = await importFile(args);
    expect(out).toContain("Left out: 0 accounts and 2 posts, named above.\n");
    expect(error.split(`post ${id}: another post of this file has its id\n`)).toHaveLength(3);
  }
  expect(postsInDatabase()).toBe(1);
});

test("import: a backup with media holds the files of imported posts", async () => {
  await rm(file);
  createOriginal(file, { users: 1, posts: 1, endpoint: fake.deliveryUrl });
  fake.place("/photo_0.jpg", Buffer.from("a picture of the original program"));
  const environment = imagekit(fake.deliveryUrl);
  expect((await importFile([file], environment)).status).toBe(0);
  const archive = join(folder, "backup.tar");
  const backup = Bun.spawn([...command, "backup", archive, "--with-media"], {
    env: { PATH: process.env["PATH"], DATA_DIR: dataDir, FFMPEG: "off", ...environment },
    stdout: "ignore",
    stderr: "ignore",
  });
  expect(await backup.exited).toBe(0);
  const bytes = Buffer.from(await Bun.file(archive).arrayBuffer());
  expect(bytes.includes(`media/${idOf("post", 0)}.jpg`)).toBe(true);
  expect(bytes.includes("a picture of the original program")).toBe(true);
});

test("import --imagekit: needs the keys, and explains a refused key without repeating it", async () => {
  expect(await importFile([file, "--imagekit"])).toMatchObject({
    status: 1,
    error: "--imagekit needs IMAGEKIT_PUBLIC_KEY, IMAGEKIT_PRIVATE_KEY and IMAGEKIT_URL_ENDPOINT.\n",
  });
  fake.fail("find", "403");
  const { error, out, status } = await importFile([file, "--imagekit", "--dry-run"], imagekit());
  expect([out, status]).toEqual(["", 1]);
  expect(error).toContain("ImageKit does not list its files (ImageKit 403: ");
  expect(error).toEndWith("). Check the IMAGEKIT_… settings and the connection, and repeat the command.\n");
  expect(error).not.toContain(fake.privateKey);
});

test("import: refuses files that are none of the original program's, and says why", async () => {
  const cases: [name: string, make: (path: string) => unknown, message: string][] = [
    ["missing", () => {}, "does not exist"],
    [
      "text",
      (path) => Bun.write(path, "not a database, but a text of some length".repeat(100)),
      "is damaged or no SQLite database",
    ],
    ["empty", (path) => Bun.write(path, ""), "has no table of users"],
    ["pipe", (path) => Bun.spawnSync(["mkfifo", path]), "or its journal is no ordinary file"],
    [
      "journal",
      async (path) => {
        await copyFile(sampleDatabase, path);
        Bun.spawnSync(["mkfifo", `${path}-journal`]);
      },
      "or its journal is no ordinary file",
    ],
    ["device", (path) => symlink("/dev/zero", path), "or its journal is no ordinary file"],
    [
      "foreign",
      (path) => changeOriginal(path, (database) => database.run("create table users (id)")),
      "has no table posts",
    ],
    [
      "view",
      (path) =>
        changeOriginal(path, (database) => {
          database.run("create view users as select randomblob(1000000000) as id");
          database.run("create table posts (id)");
        }),
      "has no table of users",
    ],
    [
      "columns",
      (path) =>
        changeOriginal(path, (database) => {
          database.run("create table users (id, email, hashed_password, is_active, is_superuser)");
          database.run("create table posts (id)");
        }),
      "is no database of the original program: users lacks is_verified",
    ],
    [
      "own",
      async (path) => (await openDatabase(path)).close(),
      "is a database of this service, and not of the original program. Use backup and restore, or move-database",
    ],
    [
      "damaged",
      async (path) => {
        createOriginal(path, { users: 10, posts: 3000 });
        const bytes = Buffer.from(await Bun.file(path).arrayBuffer());
        bytes.fill(0xa5, bytes.length / 2);
        await Bun.write(path, bytes);
      },
      "is damaged or no SQLite database",
    ],
  ];
  for (const [name, make, message] of cases) {
    const path = join(folder, `${name}.db`);
    await make(path);
    const { error, status } = await importFile([path, "--dry-run"]);
    expect([name, error.split("\n").filter((line) => line.startsWith(path)), status]).toEqual([
      name,
      [`${path} ${message}.`],
      1,
    ]);
  }
});

test("import: Ctrl-C ends it between two transactions, and a repeated run imports the rest", async () => {
  await rm(file);
  createOriginal(file, { users: 10, posts: 20_000 });
  const child = start([file]);
  await somePostsImported();
  child.kill("SIGINT");
  const out = await new Response(child.stdout).text();
  expect(await child.exited).toBe(130);
  expect(out).toEndWith("Interrupted. Repeat the command to import the rest.\n");
  const imported = postsInDatabase();
  expect(imported).toBeWithin(1, 20_000);
  expect(indexesOf(join(dataDir, databaseFile))).toEqual(await indexesOfNewDatabase());
  const second = await importFile([file]);
  expect(second.out).toContain(`Imported 0 accounts and ${20_000 - imported} posts`);
  expect(postsInDatabase()).toBe(20_000);
});

test("import: names the folder of temporary files when it is full, and not the data folder", async () => {
  await rm(file);
  createOriginal(file, { users: 1, posts: 100_000 });
  await withSmallDisk(async (disk) => {
    const { error, status } = await importFile([file, "--dry-run"], { SQLITE_TMPDIR: disk });
    expect(error).toContain("There is no space left for SQLite's temporary files");
    expect([error.includes("data folder"), status]).toEqual([false, 1]);
  });
});

test("import: creates all indexes when there is no space for the temporary files to sort them", async () => {
  await rm(file);
  createOriginal(file, { users: 1, posts: 50_000 });
  await withSmallDisk(async (disk) => {
    const { out, status } = await importFile([file], { SQLITE_TMPDIR: disk });
    expect([out.split("\n")[0], status]).toEqual([`Imported 1 account and 50000 posts of ${file}.`, 0]);
  });
  expect(indexesOf(join(dataDir, databaseFile))).toEqual(await indexesOfNewDatabase());
});

test("import: two at the same time wait for each other, and import everything once", async () => {
  await rm(file);
  createOriginal(file, { users: 10, posts: 20_000 });
  const both = await Promise.all([importFile([file]), importFile([file])]);
  for (const { error, status } of both)
    expect([status, error]).toEqual([0, expect.not.stringContaining("locked")]);
  expect(postsInDatabase()).toBe(20_000);
  expect(indexesOf(join(dataDir, databaseFile))).toEqual(await indexesOfNewDatabase());
});

test("import: the service may be started while it runs, and then has all indexes", async () => {
  await rm(file);
  createOriginal(file, { users: 10, posts: 40_000 });
  const importing = importFile([file]);
  await somePostsImported();
  const service = new ServiceProcess(dataDir, { DATABASE_URL: "", JWT_SECRET_KEY: sampleSecret });
  await service.start();
  try {
    const whileImporting = postsInDatabase();
    expect(indexesOf(join(dataDir, databaseFile))).toEqual(await indexesOfNewDatabase());
    expect((await importing).status).toBe(0);
    expect(whileImporting).toBeLessThan(40_000);
    expect(postsInDatabase()).toBe(40_000);
  } finally {
    await service.kill();
  }
});
