import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { openDatabase } from "../../src/database/database.ts";
import { takeSnapshot } from "../../src/database/snapshot.ts";
import { addAccount, addPost, at } from "../support/databases.ts";

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
  expect(
    snapshot
      .media()
      .map(({ id }) => id)
      .sort(),
  ).toEqual(posts.map(({ id }) => id).sort());
  snapshot.close();
  await rm(folder, { recursive: true });
});
