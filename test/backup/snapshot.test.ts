import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { openDatabase } from "../../src/database/database.ts";
import { problemOfBackup } from "../../src/database/backup-check.ts";
import { takeSnapshot } from "../../src/database/snapshot.ts";
import { actor, addAccount, addPost, at, reservation, stored } from "../support/databases.ts";

test("snapshot: lists the media of deactivated accounts too, so that a restore has them for a reactivation", async () => {
  const folder = await mkdtemp(join(tmpdir(), "image-sharing-snapshot-"));
  const path = join(folder, "image-sharing.db");
  const database = await openDatabase(path);
  const [ada, bob] = [await addAccount(database), await addAccount(database)];
  const posts = [
    await addPost(database, ada.id, { publishedAt: at(1) }),
    await addPost(database, bob.id, { publishedAt: at(2) }),
  ];
  await addPost(database, bob.id);
  await database.users.change("operator", ada, { isActive: false });
  await database.posts.syncPostStates(ada.id);
  await database.close();
  const snapshot = takeSnapshot(path, join(folder, "copy.db"));
  expect([...snapshot.posts(["disk"])].map(({ id }) => id)).toEqual(posts.map(({ id }) => id).sort());
  expect([...snapshot.posts(["s3", "imagekit"])]).toEqual([]);
  expect(snapshot.countByStore()).toEqual(new Map([["disk", 2]]));
  snapshot.close();
  await rm(folder, { recursive: true });
});

test("snapshot: a post that was deleted during the backup leaves nothing that refers to it", async () => {
  const folder = await mkdtemp(join(tmpdir(), "image-sharing-snapshot-"));
  const path = join(folder, "image-sharing.db");
  const database = await openDatabase(path);
  const ada = await addAccount(database);
  const post = reservation(ada.id);
  await database.posts.reserve(actor(ada.id), post);
  await database.posts.publish(actor(ada.id), post.id, stored(post.id), at(1), ["picture"]);
  await database.reports.add(actor(ada.id), post.id, "a reason", at(2));
  await database.close();
  const copy = join(folder, "copy.db");
  const snapshot = takeSnapshot(path, copy);
  snapshot.forget(post.id);
  snapshot.close();
  expect(problemOfBackup(copy)).toBeUndefined();
  await rm(folder, { recursive: true });
});

test("snapshot: without its renditions, an image is its own thumbnail, a video has none, and jobs are waiting for both", async () => {
  const folder = await mkdtemp(join(tmpdir(), "image-sharing-snapshot-"));
  const path = join(folder, "image-sharing.db");
  const database = await openDatabase(path);
  const ada = await addAccount(database);
  const ids: string[] = [];
  for (const fileType of ["image", "video"] as const) {
    const post = reservation(ada.id, { fileType });
    await database.posts.reserve(actor(ada.id), post);
    const renditions = {
      thumbnailUrl: `/media/${post.id}.thumb.webp`,
      displayUrl: `/media/${post.id}.display.mp4`,
    };
    await database.posts.publish(actor(ada.id), post.id, { ...stored(post.id), ...renditions }, at(1));
    ids.push(post.id);
  }
  await database.close();
  const copy = join(folder, "copy.db");
  const snapshot = takeSnapshot(path, copy);
  for (const id of ids) snapshot.forgetRenditions({ id, thumbnail: true, display: true });
  const found = Object.fromEntries(
    [...snapshot.posts(["disk"])].map(({ id, thumbnailUrl, displayUrl }) => [id, [thumbnailUrl, displayUrl]]),
  );
  expect(found).toEqual({ [ids[0]!]: [`/media/${ids[0]}.png`, null], [ids[1]!]: [null, null] });
  snapshot.close();
  expect(problemOfBackup(copy)).toBeUndefined();
  const restored = await openDatabase(copy);
  expect((await restored.renditionJobs.counts()).map(({ kind, state, jobs }) => [kind, state, jobs])).toEqual(
    expect.arrayContaining([
      ["picture", "waiting", 1],
      ["poster", "waiting", 1],
      ["mp4", "waiting", 1],
    ]),
  );
  expect((await restored.posts.page(10)).map(({ processing }) => processing)).toEqual([true, true]);
  await restored.close();
  await rm(folder, { recursive: true });
});

test("snapshot: knows nothing of files that a move has left, which a newer state of the service may use", async () => {
  const folder = await mkdtemp(join(tmpdir(), "image-sharing-snapshot-"));
  const path = join(folder, "image-sharing.db");
  const database = await openDatabase(path);
  const ada = await addAccount(database);
  const { id } = await addPost(database, ada.id, { publishedAt: at(1) });
  const to = { name: "s3", isPublic: false };
  await database.mediaMoves.begin(id, to, at(2), at(62), at(92));
  await database.close();
  const copy = join(folder, "copy.db");
  const snapshot = takeSnapshot(path, copy);
  expect([...snapshot.posts(["disk"])].map((post) => post.id)).toEqual([id]);
  snapshot.close();
  const restored = await openDatabase(copy);
  expect(await restored.mediaCopies.claimDue(at(1000), at(1010), 10)).toEqual([]);
  await restored.close();
  await rm(folder, { recursive: true });
});
