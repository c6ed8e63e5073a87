import { closeSync, openSync } from "node:fs";

import { Database } from "bun:sqlite";

import { createMissingIndexes } from "./deferred-indexes.ts";
import { renditionRemover, type LostRenditions } from "./lost-renditions.ts";
import { countByStore, hasMedia, pageByPage } from "./published-rows.ts";

/**
 * Added to every `token_version` of a copy, which ends all tokens: more than the number of increments between a backup and
 * its restore. Otherwise tokens that were ended since the backup would be valid again, and the restored database would reuse
 * the versions of tokens that were issued since.
 */
const versionLeap = 65_536;

/** A published post of a copy, and where its media are. */
export interface SnapshotPost {
  readonly id: string;
  readonly store: string;
  readonly key: string;
  readonly thumbnailUrl: string | null;
  readonly displayUrl: string | null;
}

/** A consistent copy of a database, which other processes may be writing to. */
export interface Snapshot {
  /** The number of published posts, by the store of their media. */
  countByStore(): ReadonlyMap<string, number>;
  /** The published posts whose media are in these stores. The caller may change them while it iterates. */
  posts(stores: readonly string[]): Iterable<SnapshotPost>;
  /** The store's own id of the file with this key; null if it is unknown, or the file is a rendition. */
  storeIdOf(key: string): string | null;
  /** Removes a post from the copy, because its bytes were deleted after it was taken. */
  forget(id: string): void;
  /**
   * Removes renditions from the copy, because their files were replaced after it was taken, and adds the jobs that make them
   * again after a restore.
   */
  forgetRenditions(lost: LostRenditions): void;
  close(): void;
}

/**
 * Copies the SQLite database at `path` to `target`, page by page, so that memory stays constant. `target` must be missing or
 * empty. Only the file's owner can read the copy.
 * @param copying runs the work that opens `target`, with other rights than `path` needs
 * @throws SQLiteError if there is no such database
 */
export function takeSnapshot(
  path: string,
  target: string,
  copying: <T>(work: () => T) => T = (work) => work(),
): Snapshot {
  const source = new Database(path, { readwrite: true, create: false });
  try {
    source.run("pragma busy_timeout = 5000");
    // The service's own mode. A read opens all of the source's files, so that `copying` needs no rights to them.
    source.run("pragma journal_mode = wal");
    source.query("select count(*) from sqlite_master").get();
    return copying(() => {
      // SQLite would create a file that all users can read, but it keeps the mode of an existing empty one.
      closeSync(openSync(target, "a", 0o600));
      source.query("vacuum into ?").run(target);
      return openSnapshot(target);
    });
  } finally {
    source.close();
  }
}

/**
 * Opens a copy of a database, and removes what an archive must not hold: sessions, unfinished uploads, and the validity of
 * every token.
 */
export function openSnapshot(path: string): Snapshot {
  const copy = new Database(path, { readwrite: true });
  // Rows that refer to a removed post must be removed with it.
  copy.run("pragma foreign_keys = on");
  // Without a journal file, because the copy is worthless after a crash; nor does anything else open a file later.
  copy.run("pragma journal_mode = memory");
  copy.run("pragma synchronous = off");
  copy.run("pragma temp_store = memory");
  // An import that was running may have deferred some, which a complete backup has.
  createMissingIndexes(copy);
  /** A database that this version has not migrated yet may lack columns. */
  const hasColumn = (table: string, column: string) =>
    copy.query("select 1 from pragma_table_info(?) where name = ?").get(table, column) !== null;
  if (hasColumn("users", "token_version"))
    copy
      .query("update users set token_version = token_version + ?1, min_access_version = token_version + ?1")
      .run(versionLeap);
  // Restored, they would include sessions that their users have ended since the backup.
  if (hasColumn("sessions", "id")) copy.run("delete from sessions");
  // A restored copy must not delete files that a service which has gone on since then may use.
  if (hasColumn("media_copies", "id")) copy.run("delete from media_copies");
  // The archive has no bytes of unfinished uploads.
  if (hasColumn("resumable_uploads", "id")) copy.run("delete from resumable_uploads");
  const displayUrl = hasColumn("posts", "display_url") ? "display_url" : "null";
  const page = copy.query<SnapshotPost, [string, string, number]>(
    `select id, store, key, thumbnail_url as thumbnailUrl, ${displayUrl} as displayUrl from posts
     where id > ? and ${hasMedia} and store in (select value from json_each(?)) order by id limit ?`,
  );
  const storeId = copy.query<{ store_id: string | null }, [string]>(
    "select store_id from posts where key = ?",
  );
  const remove = copy.query("delete from posts where id = ?");
  let removeRenditions: ReturnType<typeof renditionRemover> | undefined;
  return {
    countByStore: () => countByStore(copy),
    posts: (stores) => pageByPage((after, limit) => page.all(after, JSON.stringify(stores), limit)),
    storeIdOf: (key) => storeId.get(key)?.store_id ?? null,
    forget: (id) => void remove.run(id),
    // Prepared on first use, because a database of an older version has no table of jobs, nor renditions.
    forgetRenditions: (lost) => (removeRenditions ??= renditionRemover(copy))(lost),
    close: () => copy.close(),
  };
}
