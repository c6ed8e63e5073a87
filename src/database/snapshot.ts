import { closeSync, openSync } from "node:fs";

import { Database } from "bun:sqlite";

/**
 * Added to every `token_version` of a copy, which ends all tokens: more than the number of increments between a backup and
 * its restore. Otherwise tokens that were ended since the backup would be valid again, and the restored database would reuse
 * the versions of tokens that were issued since.
 */
const versionLeap = 65_536;

/** Which renditions of a post were replaced. */
export interface ReplacedRenditions {
  readonly id: string;
  readonly thumbnail: boolean;
  readonly display: boolean;
}

/** A consistent copy of a SQLite database, which other processes may be writing to. */
export interface Snapshot {
  /** Published posts whose bytes are in the disk store, with the addresses of their renditions. */
  media(): { id: string; key: string; thumbnailUrl: string | null; displayUrl: string | null }[];
  /** Removes posts from the copy, because their bytes were deleted after it was taken. */
  forget(ids: readonly string[]): void;
  /**
   * Removes renditions from the copy, because their files were replaced after it was taken, and adds the jobs that make them
   * again after a restore.
   */
  forgetRenditions(replaced: readonly ReplacedRenditions[]): void;
  close(): void;
}

/**
 * Copies the database at `path` to `target`, page by page, so that memory stays constant. `target` must be missing or
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
  let copy: Database;
  try {
    source.run("pragma busy_timeout = 5000");
    // The service's own mode. A read opens all of the source's files, so that `copying` needs no rights to them.
    source.run("pragma journal_mode = wal");
    source.query("select count(*) from sqlite_master").get();
    copy = copying(() => {
      // SQLite would create a file that all users can read, but it keeps the mode of an existing empty one.
      closeSync(openSync(target, "a", 0o600));
      source.query("vacuum into ?").run(target);
      return new Database(target, { readwrite: true });
    });
  } finally {
    source.close();
  }
  // Rows that refer to a removed post must be removed with it.
  copy.run("pragma foreign_keys = on");
  // Without a journal file, because the copy is worthless after a crash.
  copy.run("pragma journal_mode = memory");
  /** A database that this version has not migrated yet may lack columns. */
  const hasColumn = (table: string, column: string) =>
    copy.query("select 1 from pragma_table_info(?) where name = ?").get(table, column) !== null;
  if (hasColumn("users", "token_version"))
    copy
      .query("update users set token_version = token_version + ?1, min_access_version = token_version + ?1")
      .run(versionLeap);
  // Restored, they would include sessions that their users have ended since the backup.
  if (hasColumn("sessions", "id")) copy.run("delete from sessions");
  // The archive has no bytes of unfinished uploads.
  if (hasColumn("resumable_uploads", "id")) copy.run("delete from resumable_uploads");
  const displayUrl = hasColumn("posts", "display_url") ? "display_url" : "null";
  return {
    media: () =>
      copy
        .query<ReturnType<Snapshot["media"]>[number], []>(
          `select id, key, thumbnail_url as thumbnailUrl, ${displayUrl} as displayUrl
           from posts where state in ('published', 'hidden') and store = 'disk'`,
        )
        .all(),
    forget(ids) {
      const remove = copy.query("delete from posts where id = ?");
      copy.transaction(() => ids.forEach((id) => remove.run(id)))();
    },
    forgetRenditions(replaced) {
      if (replaced.length === 0) return;
      const now = Date.now();
      // An image stands in for its thumbnail until that is made.
      const forgetThumbnail = copy.query(
        "update posts set thumbnail_url = case file_type when 'image' then url end where id = ?",
      );
      const forgetDisplay = copy.query("update posts set display_url = null where id = ?");
      const addJob = copy.query(
        `insert into rendition_jobs (id, post_id, kind, user_id, version, state, due_at)
         select ?1, id, case file_type when 'image' then 'picture' else ?2 end, user_id, rendition_version, 'waiting', ?3
         from posts where id = ?4
         on conflict (post_id, kind) do update set state = 'waiting', due_at = ?3, attempts = 0 where state = 'failed'`,
      );
      const setProcessing = copy.query("update posts set processing = true where id = ?");
      copy.transaction(() => {
        for (const { id, thumbnail, display } of replaced) {
          if (thumbnail) forgetThumbnail.run(id);
          if (thumbnail) addJob.run(Bun.randomUUIDv7(), "poster", now, id);
          if (display) forgetDisplay.run(id);
          if (display) addJob.run(Bun.randomUUIDv7(), "mp4", now, id);
          setProcessing.run(id);
        }
      })();
    },
    close: () => copy.close(),
  };
}
