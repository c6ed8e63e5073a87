import { describe, expect, test } from "bun:test";

import { openDatabase, type Database } from "../../src/database/database.ts";
import type { NewResumableUpload } from "../../src/database/resumable-uploads.ts";
import { actor, addAccount, at, onEachDatabase } from "../support/databases.ts";
import { freshDatabase, hasPostgres } from "../support/postgres.ts";

const folder = crypto.randomUUID();
const newUpload = (changes: Partial<NewResumableUpload> = {}): NewResumableUpload => ({
  id: crypto.randomUUID(),
  folder,
  nodeUrl: null,
  length: 100,
  metadata: null,
  expiresAt: at(1000),
  ...changes,
});
const limits = { uploads: 3, bytes: 1000 };
async function begin({ resumableUploads }: Database, userId: string, changes?: Partial<NewResumableUpload>) {
  const upload = newUpload(changes);
  return (await resumableUploads.add(actor(userId), upload, limits, at(0))) ? upload.id : undefined;
}
const leaseOf = (uploadId: string) => ({ uploadId, lease: crypto.randomUUID() });

onEachDatabase("resumable uploads", (open) => {
  test("resumable uploads: an account may have so many, with so many bytes, without those that expired or are published", async () => {
    const database = await open();
    const { resumableUploads } = database;
    const [ada, bob] = [await addAccount(database), await addAccount(database)];
    expect(await begin(database, ada.id, { length: 900 })).toBeString();
    expect(await begin(database, ada.id, { length: 101 })).toBeUndefined();
    expect(await begin(database, bob.id, { length: 1000 })).toBeString();
    const published = (await begin(database, ada.id, { length: 100 }))!;
    await resumableUploads.finish(published, "post", at(1000));
    expect(await begin(database, ada.id, { length: 99, expiresAt: at(-1) })).toBeString();
    expect(await begin(database, ada.id, { length: 50 })).toBeString();
    expect(await begin(database, ada.id, { length: 50 })).toBeString();
    expect(await begin(database, ada.id, { length: 0 })).toBeUndefined();
    const racing = await Promise.all(Array.from({ length: 5 }, () => begin(database, bob.id, { length: 0 })));
    expect(racing.filter((id) => id !== undefined)).toHaveLength(2);
  });

  test("resumable uploads: are found by their owner until they expire", async () => {
    const database = await open();
    const { resumableUploads } = database;
    const [ada, bob] = [await addAccount(database), await addAccount(database)];
    const id = (await begin(database, ada.id))!;
    expect(await resumableUploads.find(ada.id, id, at(999))).toMatchObject({ id, offset: 0, sha256: null });
    expect(await resumableUploads.find(ada.id, id, at(1000))).toBeUndefined();
    expect(await resumableUploads.find(bob.id, id, at(0))).toBeUndefined();
    expect(await resumableUploads.acquire(bob.id, leaseOf(id), at(0), at(9))).toBeUndefined();
    const lease = leaseOf(id);
    await resumableUploads.acquire(ada.id, lease, at(0), at(9));
    const progress = { offset: 7, sha256: null, expiresAt: at(2000) };
    expect(await resumableUploads.advance(actor(bob.id), lease, progress)).toBe(false);
    expect(await resumableUploads.advance(actor(ada.id), lease, progress)).toBe(true);
    expect(await resumableUploads.find(ada.id, id, at(1999))).toMatchObject({ offset: 7 });
    expect(await resumableUploads.unfinishedIn(folder)).toEqual([id]);
    expect(await resumableUploads.unfinishedIn(crypto.randomUUID())).toEqual([]);
    expect([
      await resumableUploads.removeUseless(at(1999)),
      await resumableUploads.removeUseless(at(2000)),
    ]).toEqual([0, 1]);
  });

  test("resumable uploads: go with their account, and with its deactivation", async () => {
    const database = await open();
    const { resumableUploads, users } = database;
    const [ada, bob] = [await addAccount(database), await addAccount(database)];
    await begin(database, ada.id);
    await begin(database, bob.id);
    expect(await resumableUploads.countUnfinished()).toBe(2);
    await users.change("operator", ada, { isActive: false });
    expect(await resumableUploads.countUnfinished()).toBe(1);
    await users.remove(actor(bob.id), bob.id, at(0), at(0));
    expect(await resumableUploads.countUnfinished()).toBe(0);
  });
});

describe.skipIf(!hasPostgres)("PostgreSQL: leases of resumable uploads", () => {
  test("resumable uploads: one request at a time has an upload, and learns that another one waits", async () => {
    const database = await openDatabase({ url: await freshDatabase(), poolSize: 4 });
    try {
      const { resumableUploads } = database;
      const ada = await addAccount(database);
      const id = (await begin(database, ada.id))!;
      const [first, second] = [leaseOf(id), leaseOf(id)];
      const progress = { offset: 7, sha256: null, expiresAt: at(1000) };
      expect(await resumableUploads.acquire(ada.id, first, at(0), at(10))).toMatchObject({ id });
      expect(await resumableUploads.renew(first, at(12))).toBe(false);
      expect(await resumableUploads.acquire(ada.id, second, at(11), at(20))).toBe("held");
      expect(await resumableUploads.renew(first, at(14))).toBe(true);
      expect(await resumableUploads.advance(actor(ada.id), second, progress)).toBe(false);
      await resumableUploads.release(second);
      expect(await resumableUploads.acquire(ada.id, second, at(13), at(20))).toBe("held");
      // The first one has not renewed it any more.
      expect(await resumableUploads.acquire(ada.id, second, at(14), at(20))).toMatchObject({ id });
      expect(await resumableUploads.renew(first, at(30))).toBeUndefined();
      expect(await resumableUploads.advance(actor(ada.id), first, progress)).toBe(false);
      expect(await resumableUploads.terminate(actor(ada.id), first)).toBe(false);
      expect(await resumableUploads.advance(actor(ada.id), second, progress)).toBe(true);
      await resumableUploads.release(second);
      expect(await resumableUploads.acquire(ada.id, first, at(14), at(20))).toMatchObject({ offset: 7 });
      expect(await resumableUploads.terminate(actor(ada.id), first)).toBe(true);
    } finally {
      await database.close();
    }
  });
});
