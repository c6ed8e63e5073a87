import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { readConfig } from "../src/config/config.ts";
import { databaseFile } from "../src/data-dir.ts";
import { createLog } from "../src/observability/log.ts";
import { openServices } from "../src/services.ts";
import { Database } from "bun:sqlite";

/** The account that benchmarks use. */
export interface Seeded {
  readonly token: string;
  /** The token of a session. */
  readonly session: string;
  readonly email: string;
  readonly password: string;
  readonly hashedPassword: string;
  /** The media key of the newest post, which has no file. */
  readonly newestKey: string;
}

export const secret = "a secret for benchmarks, of more than 32 bytes";

/** Creates a data folder with this many published posts and one account per thousand posts, at least ten. */
export async function seed(dataDir: string, posts: number): Promise<Seeded> {
  mkdirSync(dataDir, { recursive: true });
  const config = readConfig({ DATA_DIR: dataDir, JWT_SECRET_KEY: secret });
  const services = await openServices(
    config,
    createLog("silent", () => {}),
    () => {},
  );
  const password = "correct horse battery";
  const hashedPassword = await services.hashing.hash(password, []);
  const users = Array.from({ length: Math.max(10, posts / 1000) }, (_, i) => ({
    id: crypto.randomUUID(),
    email: `user${i}@example.com`,
  }));
  for (const { id, email } of users)
    await services.database.users.add({
      id,
      email,
      emailKey: email,
      hashedPassword,
      name: null,
      isActive: true,
      isSuperuser: false,
      isVerified: true,
      createdAt: new Date(),
      tokenVersion: 0,
      minAccessVersion: 0,
    });
  const token = await services.tokens.issueAccess({ id: users[0]!.id, tokenVersion: 0 });
  const session = await services.sessions.begin({ id: users[0]!.id, tokenVersion: 0 }, null);
  await services.close();

  const db = new Database(join(dataDir, databaseFile));
  const insert = db.query(
    `insert into posts (id, user_id, caption, file_type, file_name, state, store, key, url, content_type, bytes, width, height, sha256, reserved_at, created_at)
     values ($id, $user, $caption, 'image', 'photo.jpg', 'published', 'disk', $key, $url, 'image/jpeg', 2400000, 4032, 3024, $sha, $time, $time)`,
  );
  const start = Date.now() - posts * 1000;
  let newestKey = "";
  db.transaction(() => {
    for (let i = 0; i < posts; i++) {
      const time = start + i * 1000;
      const id = Bun.randomUUIDv7("hex", time);
      newestKey = `${id}.jpg`;
      insert.run({
        $id: id,
        $user: users[i % users.length]!.id,
        $caption: `Photo number ${i}, taken on a walk along the river`,
        $key: newestKey,
        $url: `/media/${newestKey}`,
        $sha: "0".repeat(64),
        $time: time,
      });
    }
  })();
  db.run("pragma optimize");
  db.close();
  return { token, session, email: users[0]!.email, password, hashedPassword, newestKey };
}
