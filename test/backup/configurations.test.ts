import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  setDefaultTimeout,
  test,
} from "bun:test";
import { mkdir, mkdtemp, readdir, rename, rm, utimes } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";

import { Database } from "bun:sqlite";

import { backupOptions, writeBackup, type BackupOptions } from "../../src/commands/backup.ts";
import { restoreBackup, restoreOptions } from "../../src/commands/restore.ts";
import { readConfig } from "../../src/config/config.ts";
import { renditionKeyAt } from "../../src/storage/media-keys.ts";
import { startFakeImageKit, type FakeImageKit } from "../support/fake-imagekit.ts";
import { startFakeS3, type FakeS3 } from "../support/fake-s3.ts";
import { mp4Video, pngPhoto } from "../support/media-samples.ts";
import { freshDatabase, hasPostgres, withServer } from "../support/postgres.ts";
import { TestService } from "../support/service.ts";
import { readTar } from "../support/tar.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(120_000);
if (!hasPostgres) console.log("skipped: backups of PostgreSQL need its server programs or TEST_DATABASE_URL");

const email = "ada@example.com";

interface Post {
  id: string;
  caption: string;
  url: string;
  thumbnail_url: string | null;
  display_url: string;
  processing: boolean;
}
type Databases = "SQLite" | "PostgreSQL";
type Stores = "disk" | "s3" | "imagekit";
type Environment = Record<string, string>;

let folder: string;
let s3: FakeS3;
let imagekit: FakeImageKit;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "image-sharing-backup-"));
  s3 = await startFakeS3();
  imagekit = await startFakeImageKit();
});
afterEach(async () => {
  await s3.close();
  await imagekit.close();
  await rm(folder, { recursive: true, force: true });
});

const pathTo = (name: string) => join(folder, name);

async function configuration(name: string, database: Databases, store: Stores): Promise<Environment> {
  const settings: Record<Stores, Environment> = {
    disk: {},
    s3: {
      S3_BUCKET: s3.bucket,
      S3_ENDPOINT: s3.url,
      S3_REGION: s3.region,
      S3_ACCESS_KEY_ID: s3.accessKeyId,
      S3_SECRET_ACCESS_KEY: s3.secretAccessKey,
    },
    imagekit: {
      IMAGEKIT_PUBLIC_KEY: "public",
      IMAGEKIT_PRIVATE_KEY: imagekit.privateKey,
      IMAGEKIT_URL_ENDPOINT: imagekit.deliveryUrl,
      IMAGE_KIT_BASE_URL: imagekit.url,
    },
  };
  return {
    DATA_DIR: pathTo(name),
    DATABASE_URL: database === "SQLite" ? "" : await freshDatabase(),
    FFMPEG: "off",
    ...settings[store],
  };
}

/** A service with this configuration, for as long as `use` takes. */
async function withService<T>(
  environment: Environment,
  use: (service: TestService, token: string) => Promise<T>,
): Promise<T> {
  const service = await TestService.start(environment);
  try {
    const login = await service.login(email);
    const token = login.ok
      ? ((await login.json()) as { access_token: string }).access_token
      : (await service.signUp(email)).token;
    return await use(service, token);
  } finally {
    await service.close({ keepData: true });
  }
}

async function share(service: TestService, token: string, caption: string, file?: Uint8Array<ArrayBuffer>) {
  const name = file ? "film.mp4" : "photo.png";
  const bytes = file ?? (await pngPhoto(40 + caption.length, 30));
  return (await (await service.upload(token, new Blob([bytes]), caption, name)).json()) as Post;
}

const feedOf = async (service: TestService, token: string) =>
  ((await (await service.fetch("/feed", { token })).json()) as { posts: Post[] }).posts;

/** The checksums of the originals and renditions of these posts, by key, as the store delivers them. */
async function mediaOf({ services }: TestService, posts: readonly Post[]): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const { id, url, thumbnail_url, display_url } of posts) {
    const original = url.slice(url.lastIndexOf("/") + 1);
    expect(original).toStartWith(id);
    for (const key of [original, renditionKeyAt(thumbnail_url), renditionKeyAt(display_url)]) {
      if (key === undefined) continue;
      const content = await services.store.read(key, AbortSignal.timeout(10_000));
      const bytes = content && (await new Response(content.stream).bytes());
      found[key] = bytes ? new Bun.CryptoHasher("sha256").update(bytes).digest("hex") : "missing";
    }
  }
  return found;
}

/** Shares posts, and returns them with their media. */
const fill = (environment: Environment, captions: readonly string[]) =>
  withService(environment, async (service, token) => {
    for (const caption of captions) await share(service, token, caption);
    await share(service, token, "Ein Film 🎬", mp4Video());
    const posts = await feedOf(service, token);
    return { posts, media: await mediaOf(service, posts) };
  });

/** Deactivates or reactivates an account, as the superuser that ada becomes. */
async function setActive(service: TestService, token: string, id: string, isActive: boolean): Promise<void> {
  await service.promote((await service.services.database.users.byEmailKey(email))!);
  const json = { is_active: isActive };
  expect((await service.fetch(`/users/${id}`, { method: "PATCH", json, token })).status).toBe(200);
}

const backUp = (environment: Environment, archive: string, options: BackupOptions = {}) => {
  const config = readConfig(environment);
  return writeBackup(config.dataDir, pathTo(archive), { ...backupOptions(config, true), ...options });
};
const restoreTo = (environment: Environment, archive: string) => {
  const config = readConfig(environment);
  return restoreBackup(pathTo(archive), config.dataDir, restoreOptions(config));
};
const messageOf = (work: Promise<unknown>) =>
  work.then(
    () => "",
    (error: Error) => error.message,
  );
const texts = (posts: readonly Post[]) => posts.map(({ id, caption }) => [id, caption]);

async function namesIn(archive: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of readTar(pathTo(archive))) names.push(name);
  return names;
}

describe("backup and restore from one configuration into another", () => {
  const matrix: [from: [Databases, Stores], to: [Databases, Stores]][] = [
    [
      ["SQLite", "disk"],
      ["PostgreSQL", "disk"],
    ],
    [
      ["SQLite", "disk"],
      ["SQLite", "s3"],
    ],
    [
      ["SQLite", "disk"],
      ["PostgreSQL", "imagekit"],
    ],
    [
      ["PostgreSQL", "disk"],
      ["SQLite", "disk"],
    ],
    [
      ["PostgreSQL", "s3"],
      ["SQLite", "disk"],
    ],
    [
      ["PostgreSQL", "imagekit"],
      ["SQLite", "disk"],
    ],
    [
      ["SQLite", "imagekit"],
      ["SQLite", "s3"],
    ],
  ];
  for (const [from, to] of matrix)
    test.skipIf(!hasPostgres && [from, to].some(([database]) => database === "PostgreSQL"))(
      `restore: a backup from ${from.join(" and ")} restores into ${to.join(" and ")}`,
      async () => {
        const source = await configuration("source", ...from);
        const before = await fill(source, ["Grüße aus Łódź, 東京 🌇", "two\nlines"]);
        const result = await backUp(source, "b.tar");
        expect(result).toMatchObject({ posts: 3, leftOut: 0 });

        const target = await configuration("target", ...to);
        const { placed } = await restoreTo(target, "b.tar");
        expect(placed).toBe(to[1] === "disk" && from[1] === "disk" ? 0 : 3);
        await withService(target, async (service, token) => {
          const posts = await feedOf(service, token);
          expect(texts(posts)).toEqual(texts(before.posts));
          const media = await mediaOf(service, posts);
          // Every original has the same bytes, and every rendition that has an address.
          for (const [key, sha256] of Object.entries(media))
            expect([key, before.media[key]]).toEqual([key, sha256]);
          expect(Object.keys(media).length).toBeGreaterThanOrEqual(3);
          const [film, photo] = posts as [Post, Post];
          if (to[1] === "imagekit") {
            expect(photo.url).toStartWith(imagekit.urlEndpoint);
            expect(film.thumbnail_url).toContain("/ik-thumbnail.jpg?tr=");
            expect(posts.some(({ processing }) => processing)).toBe(false);
          } else if (from[1] === "imagekit") {
            // Until they are made here, an image stands in for its thumbnail, and a video has none.
            expect([photo.thumbnail_url, film.thumbnail_url]).toEqual([photo.url, null]);
            expect([photo.processing, film.processing]).toEqual([true, false]);
          } else expect(Object.keys(media).sort()).toEqual(Object.keys(before.media).sort());
        });
        expect((await readdir(pathTo("target"))).filter((name) => name.startsWith("restoring"))).toEqual([]);
      },
    );

  test.skipIf(!hasPostgres)(
    "backup: made while posts are shared and deleted on PostgreSQL, it restores with exactly the files that its database refers to",
    async () => {
      const source = await configuration("source", "PostgreSQL", "disk");
      await fill(source, ["kept"]);
      await withService(source, async (service, token) => {
        let isOver = false;
        const traffic = (async () => {
          while (!isOver) {
            const { id } = await share(service, token, "passing");
            await service.fetch(`/posts/${id}`, { method: "DELETE", token });
          }
        })();
        for (const archive of ["1.tar", "2.tar"])
          await backUp(source, archive).finally(() => (isOver = archive === "2.tar"));
        await traffic;
      });
      for (const archive of ["1.tar", "2.tar"]) {
        const target = await configuration(`target-${archive}`, "SQLite", "disk");
        await restoreTo(target, archive);
        await withService(target, async (service, token) => {
          const posts = await feedOf(service, token);
          expect(posts.map(({ caption }) => caption)).toContain("kept");
          expect(Object.values(await mediaOf(service, posts))).not.toContain("missing");
        });
      }
    },
  );
});

describe("backup of media in other stores", () => {
  test("backup: without --with-media, posts in S3 stay there, and only those on disk are in the archive", async () => {
    const onDisk = await configuration("source", "SQLite", "disk");
    await fill(onDisk, ["on disk"]);
    const source = { ...(await configuration("source", "SQLite", "s3")) };
    const inS3 = await withService(source, (service, token) => share(service, token, "in S3"));
    const result = await backUp(source, "b.tar", { stores: undefined });
    expect(result).toMatchObject({ posts: 2, leftOut: 0, elsewhere: new Map([["s3", 1]]) });
    expect((await namesIn("b.tar")).filter((name) => name.includes(inS3.id))).toEqual([]);

    const target = await configuration("target", "SQLite", "s3");
    const restored = await restoreTo(target, "b.tar");
    expect([restored.placed, restored.stores]).toEqual([2, new Map([["s3", 3]])]);
    await withService(target, async (service, token) => {
      const posts = await feedOf(service, token);
      expect(posts).toHaveLength(3);
      expect(Object.values(await mediaOf(service, posts))).not.toContain("missing");
    });
  });

  test("backup: with media, names a store that is not configured", async () => {
    const source = await configuration("source", "SQLite", "s3");
    await fill(source, []);
    const without = await configuration("source", "SQLite", "disk");
    expect(await messageOf(backUp(without, "b.tar"))).toBe(
      "The media of 1 post are in S3, which is not configured (S3_BUCKET). Configure it, or leave out --with-media.",
    );
    expect(await readdir(folder)).toEqual(["source"]);
  });

  test("backup: repeats reads that fail, and leaves out a post whose file is missing", async () => {
    const source = await configuration("source", "SQLite", "s3");
    const { posts } = await fill(source, ["kept", "lost"]);
    const lost = posts.find(({ caption }) => caption === "lost")!;
    await withService(source, ({ services }) =>
      services.store.delete(`${lost.id}.png`, null, AbortSignal.timeout(10_000)),
    );
    s3.fail("GET", "503", 4);
    expect(await backUp(source, "b.tar")).toMatchObject({ posts: 2, leftOut: 1 });
    const target = await configuration("target", "SQLite", "disk");
    await restoreTo(target, "b.tar");
    await withService(target, async (service, token) =>
      expect(texts(await feedOf(service, token))).toEqual(texts(posts.filter((post) => post !== lost))),
    );
  });

  test.skipIf(!hasPostgres)(
    "backup: refuses a PostgreSQL database of an older version and an empty one, and changes neither",
    async () => {
      const source = await configuration("source", "PostgreSQL", "disk");
      expect(await messageOf(backUp(source, "b.tar"))).toContain("holds no data of this service");
      await fill(source, []);
      await withServer(source["DATABASE_URL"]!, (sql) => sql`delete from migrations where tag like '0005%'`);
      expect(await messageOf(backUp(source, "b.tar"))).toContain("is of an older version of this program");
      expect(await readdir(folder)).toEqual(["source"]);
    },
  );

  test.skipIf(!hasPostgres)(
    "backup: names a data folder without the media of a PostgreSQL database",
    async () => {
      const source = await configuration("source", "PostgreSQL", "disk");
      await fill(source, []);
      await rm(pathTo("source"), { recursive: true });
      expect(await messageOf(backUp(source, "b.tar"))).toContain(
        "which has the media of 1 post. Set DATA_DIR",
      );
      expect(await readdir(folder)).toEqual([]);
    },
  );
});

describe("restore into S3 and PostgreSQL", () => {
  test("restore: continues after the store has failed, and neither repeats nor replaces what is stored", async () => {
    const source = await configuration("source", "SQLite", "disk");
    const before = await fill(source, ["one", "two", "three"]);
    await backUp(source, "b.tar");
    const target = await configuration("target", "SQLite", "s3");
    s3.fail("PUT", "quota");
    expect(await messageOf(restoreTo(target, "b.tar"))).toMatch(
      /^S3 does not store [\w.-]+ \(S3 403 QuotaExceeded\)\. Nothing was restored\.$/,
    );
    // Then some files are stored before it fails.
    let puts = 0;
    s3.fail("PUT", null);
    Object.assign(s3.objects, {
      set(...entry: [unknown, unknown]) {
        if ((puts += 1) === 4) s3.fail("PUT", "quota");
        return Map.prototype.set.apply(this, entry);
      },
    });
    const refused = await messageOf(restoreTo(target, "b.tar"));
    expect(refused).toMatch(/S3 already holds \d files that nothing refers to\. Repeat the command/);
    expect(await readdir(folder)).not.toContain("target");
    const stored = s3.objects.size;
    expect(stored).toBeGreaterThan(0);

    s3.fail("PUT", null);
    const calls = s3.calls.length;
    await restoreTo(target, "b.tar");
    const all = Object.keys(before.media).length;
    expect(s3.calls.slice(calls).filter((method) => method === "PUT")).toHaveLength(all - stored);
    await withService(target, async (service, token) =>
      expect(await mediaOf(service, await feedOf(service, token))).toEqual(before.media),
    );
  });

  test("backup: fails when a store has none of the files, such as one whose disk is not mounted", async () => {
    const source = await configuration("source", "SQLite", "disk");
    await fill(source, ["a", "bb"]);
    await backUp(source, "full.tar");
    const media = join(source["DATA_DIR"]!, "media");
    await rename(media, pathTo("unmounted"));
    await mkdir(media);
    expect(await messageOf(backUp(source, "b.tar"))).toBe(
      "The data folder has none of the files of 3 posts. Check DATA_DIR, and that its disk is mounted. Nothing was written.",
    );
    // Nothing is read that an earlier archive has.
    expect(await backUp(source, "c.tar", { since: pathTo("full.tar") })).toMatchObject({ posts: 3 });
    await rm(media, { recursive: true });
    await rename(pathTo("unmounted"), media);
    expect(await backUp(source, "b.tar")).toMatchObject({ posts: 3, leftOut: 0 });
    expect((await readdir(folder)).sort()).toEqual(["b.tar", "c.tar", "full.tar", "source"]);
  });

  test("restore: keeps media of deactivated accounts out of ImageKit, and learns unknown sizes", async () => {
    const source = await configuration("source", "SQLite", "disk");
    const [shown, hidden] = await withService(source, async (service, token) => {
      const eve = await service.signUp("eve@example.com");
      const posts = [
        await share(service, token, "shown"),
        await share(service, eve.token, "hidden"),
      ] as const;
      await until(async () => (await feedOf(service, token)).every(({ processing }) => !processing));
      await setActive(service, token, eve.id, false);
      return posts;
    });
    const bytesOf = ({ DATA_DIR = "" }: Environment) => {
      using client = new Database(join(DATA_DIR, "image-sharing.db"));
      return client.query("select id, bytes from posts order by id").all();
    };
    const bytes = bytesOf(source);
    const versions = ({ DATA_DIR = "" }: Environment) => {
      using client = new Database(join(DATA_DIR, "image-sharing.db"));
      return client.query("select caption, rendition_version as version from posts order by caption").all();
    };
    // As imports that did not learn the sizes leave them.
    using client = new Database(join(source["DATA_DIR"]!, "image-sharing.db"));
    client.run("update posts set bytes = 0");
    await backUp(source, "b.tar");

    const target = await configuration("target", "SQLite", "imagekit");
    expect(await restoreTo(target, "b.tar")).toMatchObject({
      placed: 1,
      hidden: 1,
      stores: new Map([
        ["disk", 1],
        ["imagekit", 1],
      ]),
    });
    expect(bytesOf(target)).toEqual(bytes);
    // Renditions that are made when the post leaves ImageKit must not get the keys of those that it had on disk.
    expect([versions(source), versions(target)]).toEqual([
      [
        { caption: "hidden", version: 0 },
        { caption: "shown", version: 0 },
      ],
      [
        { caption: "hidden", version: 0 },
        { caption: "shown", version: 1 },
      ],
    ]);
    const paths = [...imagekit.files.keys()].join();
    expect([paths.includes(shown.id), paths.includes(hidden.id)]).toEqual([true, false]);
    await withService(target, async (service, token) => {
      const { pathname } = new URL(hidden.url);
      expect((await service.fetch(pathname)).status).toBe(404);
      const eve = await service.services.database.users.byEmailKey("eve@example.com");
      await setActive(service, token, eve!.id, true);
      await until(async () => (await service.fetch(pathname)).status === 200);
      const posts = await feedOf(service, token);
      expect(posts.map(({ caption }) => caption)).toEqual(["hidden", "shown"]);
      const thumbnail = await service.fetch(new URL(posts[0]!.thumbnail_url!).pathname);
      expect(thumbnail.headers.get("Content-Type")).toBe("image/webp");
      // Deleting the post deletes the files in the data folder.
      await service.fetch(`/posts/${hidden.id}`, { method: "DELETE", token });
      const files = () => readdir(join(target["DATA_DIR"]!, "media"), { recursive: true });
      await until(async () => !(await files()).some((name) => name.includes(hidden.id)));
    });
  });

  test("restore: never replaces another file in the store", async () => {
    const source = await configuration("source", "SQLite", "disk");
    const { posts } = await fill(source, []);
    await backUp(source, "b.tar");
    const target = await configuration("target", "SQLite", "s3");
    const key = `${posts[0]!.id}.mp4`;
    await withService(await configuration("other", "SQLite", "s3"), async ({ services }) => {
      const path = join(services.tempDir, "other");
      await Bun.write(path, "another film");
      const file = {
        file: Bun.file(path),
        contentType: "video/mp4" as const,
        displayName: "x.mp4",
        bytes: 12,
      };
      await services.store.put(key, file, AbortSignal.timeout(10_000));
    });
    const before = s3.objects.get(key)!.sha256;
    expect(await messageOf(restoreTo(target, "b.tar"))).toStartWith(
      `S3 holds another file under the key ${key}.`,
    );
    expect(s3.objects.get(key)!.sha256).toBe(before);
  });

  test.skipIf(!hasPostgres)(
    "restore: leaves everything as it was when PostgreSQL holds accounts or rejects a row",
    async () => {
      const source = await configuration("source", "SQLite", "disk");
      await fill(source, []);
      await backUp(source, "b.tar");
      const target = await configuration("target", "PostgreSQL", "disk");
      await withService({ ...target, DATA_DIR: pathTo("other") }, async () => {});
      await withServer(target["DATABASE_URL"]!, async (sql) => {
        await sql`delete from users`;
        await sql.unsafe(
          "create function refuse() returns trigger language plpgsql as $$ begin raise exception 'no %', new.caption; end $$",
        );
        await sql.unsafe(
          "create trigger refuse before insert on posts for each row execute function refuse()",
        );
      });
      expect(await messageOf(restoreTo(target, "b.tar"))).toContain("cannot be used (P0001)");
      expect(await readdir(folder)).not.toContain("target");
      await withServer(target["DATABASE_URL"]!, (sql) => sql`drop trigger refuse on posts`);
      await restoreTo(target, "b.tar");
      await rename(pathTo("target"), pathTo("moved"));
      expect(await messageOf(restoreTo(target, "b.tar"))).toContain("holds accounts or posts already");
      expect(await readdir(folder)).not.toContain("target");
    },
  );

  test("restore: removes what an interrupted one left, but not while that is running, nor what another target needs", async () => {
    const source = await configuration("source", "SQLite", "disk");
    await fill(source, []);
    await backUp(source, "b.tar");
    const target = await configuration("target", "SQLite", "disk");
    const running = join(pathTo("target"), "restoring-sqlite", `${process.ppid}@${hostname()}-abcdef`);
    await mkdir(join(pathTo("target"), "media/ab"), { recursive: true });
    await mkdir(running, { recursive: true });
    expect(await messageOf(restoreTo(target, "b.tar"))).toBe(
      `Another restore into ${pathTo("target")} is running.`,
    );
    expect((await readdir(pathTo("target"))).sort()).toEqual(["media", "restoring-sqlite"]);
    // Before that process began: of another one that had its id.
    await utimes(running, 1, 1);
    const names = ["restoring-sqlite", "restoring-postgres-0123456789ab"];
    for (const [from, to] of [names, names.toReversed()]) {
      await rename(join(pathTo("target"), from!), join(pathTo("target"), to!));
      if (to !== "restoring-sqlite")
        expect(await messageOf(restoreTo(target, "b.tar"))).toContain("is not empty");
    }
    await utimes(running, 1, 1);
    await restoreTo(target, "b.tar");
    expect((await readdir(pathTo("target"))).sort()).toEqual(["image-sharing.db", "jwt-secret", "media"]);
  });
});

describe("backup since an earlier archive", () => {
  let kept: string;
  let keptS3: FakeS3;
  beforeAll(async () => {
    [folder, s3] = [await mkdtemp(join(tmpdir(), "image-sharing-backup-")), await startFakeS3()];
    [kept, keptS3] = [folder, s3];
    imagekit = await startFakeImageKit();
    const source = await configuration("source", "SQLite", "disk");
    await withService(source, async (service, token) => {
      const one = await share(service, token, "one");
      await share(service, token, "two");
      await backUp(source, "full.tar");
      await service.fetch(`/posts/${one.id}`, { method: "DELETE", token });
      await share(service, token, "three");
      await backUp(source, "second.tar", { since: pathTo("full.tar") });
      await share(service, token, "four");
      await backUp(source, "third.tar", { since: pathTo("second.tar") });
    });
    await imagekit.close();
  });
  afterAll(async () => {
    await keptS3.close();
    await rm(kept, { recursive: true });
  });

  const archives = ["full.tar", "second.tar", "third.tar"];
  /** Copies of the archives, in the folder of this test. */
  async function copyArchives(names = archives) {
    for (const name of names) await Bun.write(pathTo(name), Bun.file(join(kept, name)));
    return configuration("target", "SQLite", "disk");
  }

  test("backup: holds only the media that no earlier archive has, and the whole database", async () => {
    const target = await copyArchives();
    const media = async (name: string) => (await namesIn(name)).filter((file) => file.startsWith("media/"));
    // An original and a thumbnail for each post.
    expect((await media("full.tar")).length).toBe(4);
    expect((await media("second.tar")).length).toBe(2);
    expect((await media("third.tar")).length).toBe(2);
    expect(await namesIn("third.tar")).toContain("image-sharing.db");
    await restoreTo(target, "third.tar");
    await withService(target, async (service, token) => {
      const posts = await feedOf(service, token);
      expect(posts.map(({ caption }) => caption)).toEqual(["four", "three", "two"]);
      expect(Object.values(await mediaOf(service, posts))).not.toContain("missing");
      // Nothing of the post that was deleted between the backups.
      expect(await service.mediaFiles()).toHaveLength(6);
    });
  });

  test("restore: puts media of several archives into S3", async () => {
    await copyArchives();
    const target = await configuration("target", "SQLite", "s3");
    expect((await restoreTo(target, "third.tar")).placed).toBe(3);
    expect(s3.objects.size).toBe(6);
  });

  test("restore: names an earlier archive that is missing or another one", async () => {
    const target = await copyArchives(["second.tar", "third.tar"]);
    expect(await messageOf(restoreTo(target, "third.tar"))).toContain(
      `third.tar needs the archive full.tar, which holds media that it does not repeat. Put it into ${folder}.`,
    );
    await rename(pathTo("second.tar"), pathTo("full.tar"));
    await Bun.write(pathTo("second.tar"), Bun.file(pathTo("full.tar")));
    expect(await messageOf(restoreTo(target, "third.tar"))).toContain(
      `needs the archive full.tar, but the file of this name in ${folder} is another backup, or was changed`,
    );
    expect(await readdir(folder)).not.toContain("target");
  });

  test.each(archives)("restore: finds a changed byte and a missing end of %s", async (name) => {
    const target = await copyArchives();
    const whole = await Bun.file(pathTo(name)).bytes();
    const changed = whole.slice();
    for (const start of mediaStarts(changed)) changed[start + 20]! ^= 1;
    await Bun.write(pathTo(name), changed);
    expect(await messageOf(restoreTo(target, "third.tar"))).toMatch(
      new RegExp(`${name} cannot be restored: media/[\\w.-]+ was changed since the backup was made\\.$`),
    );
    await Bun.write(pathTo(name), whole.slice(0, whole.length - 2048));
    expect(await messageOf(restoreTo(target, "third.tar"))).toMatch(
      new RegExp(`${name} cannot be restored: it ends too early`),
    );
    expect(await readdir(folder)).not.toContain("target");
  });

  test("backup: refuses to build on a file that is no backup, and a name that a restore could not tell apart", async () => {
    await copyArchives(["full.tar"]);
    const source = readConfig({ DATA_DIR: join(kept, "source"), DATABASE_URL: "", FFMPEG: "off" });
    const since = (path: string, target: string) =>
      messageOf(writeBackup(source.dataDir, target, { since: path }));
    await Bun.write(pathTo("text"), "hello".repeat(500));
    expect(await since(pathTo("text"), pathTo("b.tar"))).toContain(
      "text is no backup that another one can build on",
    );
    expect(await since(pathTo("none.tar"), pathTo("b.tar"))).toBe(`There is no file ${pathTo("none.tar")}.`);
    await mkdir(pathTo("elsewhere"));
    expect(await since(pathTo("a\x1b[31m.tar"), pathTo("b.tar"))).toContain(
      "its name has control characters",
    );
    expect(await since(pathTo("full.tar"), pathTo("elsewhere/full.tar"))).toContain(
      "is called full.tar, too",
    );
    expect((await readdir(folder)).sort()).toEqual(["elsewhere", "full.tar", "text"]);
  });
});

/** Where the bytes of each media file begin in an archive. */
function mediaStarts(archive: Uint8Array): number[] {
  const bytes = Buffer.from(archive.buffer);
  const starts: number[] = [];
  for (let at = 0; at < bytes.length; at += 512)
    if (
      bytes.toString("latin1", at, at + 6) === "media/" &&
      bytes.toString("latin1", at + 257, at + 262) === "ustar"
    )
      starts.push(at + 512);
  return starts;
}

test.skipIf(!hasPostgres).each(["SQLite", "PostgreSQL"] as const)(
  "restore: restores an archive of version 0.1.0, whose manifest had no lines, into %s, and a backup can build on it",
  async (database) => {
    const old = Bun.file(join(import.meta.dir, "archive-0.1.0.tar.gz"));
    await Bun.write(pathTo("old.tar"), Bun.gunzipSync(await old.bytes()));
    const target = await configuration("target", database, "disk");
    await restoreTo(target, "old.tar");
    await withService(target, async (service, token) => {
      const posts = await feedOf(service, token);
      expect(posts.map(({ caption }) => caption)).toEqual(["a jpeg", "a png"]);
      expect(Object.values(await mediaOf(service, posts))).not.toContain("missing");
      expect(await backUp(target, "new.tar", { since: pathTo("old.tar") })).toMatchObject({
        posts: 2,
        archives: ["old.tar"],
      });
      expect((await namesIn("new.tar")).filter((name) => name.startsWith("media/"))).toEqual([]);
    });
  },
);
