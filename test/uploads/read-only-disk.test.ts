import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";

import { pngPhoto } from "../support/media-samples.ts";
import { onPostgres } from "../support/postgres.ts";
import { TestService } from "../support/service.ts";

/** Not even root, or a process that has the file open, can write an immutable file. */
const immutable = (path: string, yes: boolean) =>
  Bun.spawnSync(["chattr", "-f", "-R", yes ? "+i" : "-i", path]).success;

/** On a disk: in a file system in memory, a process that has an immutable file open can still write it. */
const makeFolder = () => mkdtemp("/var/tmp/image-sharing-immutable-");

const probe = await makeFolder();
const possible = Bun.which("chattr") !== null && immutable(probe, true);
if (possible) immutable(probe, false);
else console.log("skipped: the tests of a read-only disk need the right to make files immutable");
await rm(probe, { recursive: true });

describe.skipIf(!possible)("read-only disk: service", () => {
  let service: TestService;
  let photo: Blob;
  beforeEach(async () => {
    service = await TestService.start({ DATA_DIR: await makeFolder() });
    photo = new Blob([await pngPhoto()]);
  });
  afterEach(async () => {
    immutable(service.dataDir, false);
    await service.close();
  });

  const unavailable = async (answer: Response) => {
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "5"]);
    expect(Object.keys((await answer.json()) as object)).toEqual(["detail"]);
  };
  const uploadedBy = async (token: string) => {
    const answer = await service.upload(token, photo);
    expect(answer.status).toBe(200);
    return ((await answer.json()) as { id: string }).id;
  };
  const feed = async (token: string) => {
    const { posts } = (await (await service.fetch("/feed", { token })).json()) as { posts: { id: string }[] };
    return posts.map(({ id }) => id);
  };

  // Only for SQLite, because a database server is not on this disk.
  test.skipIf(onPostgres)(
    "read-only disk: with a read-only database, reads work, writes get 503, and both work again afterwards",
    async () => {
      const { email, token } = await service.signUp();
      const first = await uploadedBy(token);
      const files = await service.mediaFiles();
      // Not the shared-memory index, because a write to its mapping would raise a signal instead of an error.
      const paths = ["", "-wal"].map((end) => join(service.dataDir, `image-sharing.db${end}`));
      for (const path of paths) immutable(path, true);

      await unavailable(await service.upload(token, photo));
      await unavailable(await service.register("bob@example.com"));
      await unavailable(await service.fetch(`/posts/${first}`, { method: "DELETE", token }));
      await unavailable(await service.fetch("/auth/jwt/logout", { method: "POST", token }));
      expect(await feed(token)).toEqual([first]);
      expect((await service.login(email)).status).toBe(200);
      expect(await service.mediaFiles()).toEqual(files);

      for (const path of paths) immutable(path, false);
      const second = await uploadedBy(token);
      expect(await feed(token)).toEqual([second, first]);
      expect((await service.register("bob@example.com")).status).toBe(201);
    },
  );

  test.each(["media", "tmp"])(
    "read-only disk: with a read-only %s folder, uploads get 503 and work again afterwards",
    async (name) => {
      const { token } = await service.signUp();
      const first = await uploadedBy(token);
      const files = await service.mediaFiles();
      immutable(join(service.dataDir, name), true);

      await unavailable(await service.upload(token, photo));
      // Errors of the upload itself are still reported.
      const noImage = await service.upload(token, new Blob(["no image ".repeat(1000)]));
      expect(noImage.status).toBe(415);
      expect(await feed(token)).toEqual([first]);
      expect((await service.fetch(`/media/${first}.png`)).status).toBe(200);
      expect(await service.mediaFiles()).toEqual(files);
      const deleted = await service.fetch(`/posts/${first}`, { method: "DELETE", token });
      expect([deleted.status, await feed(token)]).toEqual([200, []]);

      immutable(join(service.dataDir, name), false);
      const second = await uploadedBy(token);
      expect(await feed(token)).toEqual([second]);
      // A later sweep deletes the files whose deletion failed.
      const { database, sweeper } = service.services;
      await database.posts.postpone(first, new Date(0));
      await sweeper.sweep();
      const left = await service.mediaFiles();
      expect(left.filter((file) => file.startsWith(first))).toEqual([]);
      expect(left).toHaveLength(files.length);
    },
  );
});

test("read-only disk: uploads get 503 while the temp folder cannot be created", async () => {
  const service = await TestService.start({ DATA_DIR: await makeFolder() });
  const { token } = await service.signUp();
  const tmp = join(service.dataDir, "tmp");
  const photo = new Blob([await pngPhoto()]);
  await rm(tmp, { recursive: true });
  await Bun.write(tmp, "in the way");
  expect((await service.upload(token, photo)).status).toBe(503);
  await rm(tmp);
  expect((await service.upload(token, photo)).status).toBe(200);
  await service.close();
});
