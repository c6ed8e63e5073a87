import { afterEach, describe } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { databaseFile } from "../../src/data-dir.ts";
import { openDatabase, type Database } from "../../src/database/database.ts";
import type { Actor } from "../../src/database/actors.ts";
import type { ReservedPost, StoredFile } from "../../src/database/posts.ts";
import type { RenditionKind } from "../../src/database/schema.ts";
import type { NewSession } from "../../src/database/sessions.ts";
import type { User } from "../../src/database/users.ts";
import { databaseSettings, freshDatabase, hasPostgres } from "./postgres.ts";

/** Runs these tests on SQLite and, where there is a server, on PostgreSQL. `open` gives an empty database. */
export function onEachDatabase(rule: string, tests: (open: () => Promise<Database>) => void): void {
  const ends: (() => Promise<unknown>)[] = [];
  const endAll = async () => {
    for (const end of ends.splice(0).reverse()) await end();
  };
  describe(`SQLite: ${rule}`, () => {
    afterEach(endAll);
    tests(async () => {
      const folder = await mkdtemp(join(tmpdir(), "image-sharing-database-"));
      ends.push(() => rm(folder, { recursive: true }));
      const database = await openDatabase(join(folder, "image-sharing.db"));
      ends.push(() => database.close());
      return database;
    });
  });
  describe.skipIf(!hasPostgres)(`PostgreSQL: ${rule}`, () => {
    afterEach(endAll);
    tests(async () => {
      const database = await openDatabase({ url: await freshDatabase(), poolSize: 4 });
      ends.push(() => database.close());
      return database;
    });
  });
}

/** Opens the database that a service with this data folder will use, to fill it before the service starts. */
export async function openDatabaseOf(dataDir: string): Promise<Database> {
  const { DATABASE_URL: url } = await databaseSettings(dataDir);
  return openDatabase(url ? { url, poolSize: 4 } : join(dataDir, databaseFile));
}

/** A moment, in seconds after one that all tests of the database begin at. */
export const at = (seconds: number) => new Date(Date.UTC(2031, 4, 6, 7, 8, 9, 123) + seconds * 1000);

/** An account as it could be. */
export function account(changes: Partial<User> = {}): User {
  const id = crypto.randomUUID();
  const email = `${id}@example.com`;
  return {
    id,
    email,
    emailKey: email,
    hashedPassword: "$argon2id$…",
    isActive: true,
    isSuperuser: false,
    name: null,
    isVerified: false,
    createdAt: at(0),
    tokenVersion: 0,
    minAccessVersion: 0,
    ...changes,
  };
}

/** An access token that is valid for an hour. */
export const accessToken = (
  id: string = crypto.randomUUID(),
  expiresAt = new Date(Date.now() + 3_600_000),
) => ({
  kind: "token" as const,
  id,
  expiresAt,
});

/** The actor of a request for this account, by default with a valid access token. */
export const actor = (userId: string, changes: Partial<Actor> = {}): Actor => ({
  userId,
  credential: accessToken(),
  tokenVersion: 0,
  mustBeVerified: false,
  mustBeSuperuser: false,
  ...changes,
});

/** An upload as it could be reserved. */
export function reservation(userId: string, changes: Partial<ReservedPost> = {}): ReservedPost {
  const id = changes.id ?? Bun.randomUUIDv7();
  return {
    id,
    userId,
    caption: "a caption",
    alt: "",
    fileType: "image",
    fileName: "photo.png",
    store: "disk",
    key: `${id}.png`,
    contentType: "image/png",
    bytes: 1234,
    width: 4,
    height: 3,
    durationSeconds: null,
    sha256: "0".repeat(64),
    uploadKey: null,
    reservedAt: at(0),
    ...changes,
  };
}

/** What a store could say about these bytes. */
export const stored = (id: string): StoredFile => ({
  url: `/media/${id}.png`,
  storeId: null,
  thumbnailUrl: null,
  displayUrl: null,
  placeholder: null,
});

/** An account of its own in this database. */
export async function addAccount(database: Database, changes?: Partial<User>): Promise<User> {
  const user = account(changes);
  if (!(await database.users.add(user))) throw new Error("the address is taken");
  return user;
}

/** A session of this account, as the credential of an actor. */
export async function addSession(
  { sessions }: Database,
  userId: string,
  changes: Partial<NewSession> = {},
): Promise<{ kind: "session"; id: string; createdAt: Date; tokenHash: string }> {
  const session: NewSession = {
    id: crypto.randomUUID(),
    tokenHash: crypto.randomUUID(),
    userId,
    tokenVersion: 0,
    createdAt: new Date(),
    expiresAt: new Date(Date.now() + 3_600_000),
    userAgent: null,
    ...changes,
  };
  if (!(await sessions.add(session))) throw new Error("the session was not added");
  const { id, createdAt, tokenHash } = session;
  return { kind: "session", id, createdAt, tokenHash };
}

/** A post reserved; published too when told a moment, with jobs of the kinds that are missing. */
export async function addPost(
  { posts }: Database,
  userId: string,
  {
    publishedAt,
    missing,
    facts,
    ...changes
  }: Partial<ReservedPost> & {
    publishedAt?: Date;
    missing?: readonly RenditionKind[];
    facts?: Partial<StoredFile>;
  } = {},
): Promise<{ id: string; createdAt: Date | undefined }> {
  const post = reservation(userId, changes);
  const author = actor(userId);
  const outcome = await posts.reserve(author, post);
  if (outcome !== "reserved") throw new Error(outcome);
  const createdAt =
    publishedAt &&
    (await posts.publish(author, post.id, { ...stored(post.id), ...facts }, publishedAt, missing));
  return { id: post.id, createdAt };
}
