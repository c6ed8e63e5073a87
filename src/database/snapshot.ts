import { closeSync, openSync } from "node:fs";

import { Database } from "bun:sqlite";

/**
 * Added to every `token_version` of a copy: more than are issued between a backup and its restore. Otherwise the restored
 * database would issue the same versions again, and tokens issued after the backup would come back to life with them.
 */
const versionLeap = 65_536;

/** A consistent copy of a SQLite database, taken while others write to it. */
export interface Snapshot {
  /** Published posts whose bytes this machine keeps. */
  media(): { id: string; key: string; thumbnail: boolean }[];
  /** Takes posts out of the copy: those whose bytes were deleted after it was taken. */
  forget(ids: readonly string[]): void;
  close(): void;
}

/**
 * Copies the database at `path` to `target`, in pages, not in memory; `target` is missing or empty. Only the file's
 * owner may read the copy.
 * @param copying runs what opens `target`, with other rights than what opens `path` needs
 * @throws SQLiteError where there is no such database
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
    // As the service has it. In this mode all of the source's files are open once it was read.
    source.run("pragma journal_mode = wal");
    source.query("select count(*) from sqlite_master").get();
    copy = copying(() => {
      // SQLite would make a file that everybody can read; an empty one it takes as it is.
      closeSync(openSync(target, "a", 0o600));
      source.query("vacuum into ?").run(target);
      return new Database(target, { readwrite: true });
    });
  } finally {
    source.close();
  }
  // No journal file: a copy that a crash leaves behind is of no use.
  copy.run("pragma journal_mode = memory");
  // A database that this version has not migrated yet lacks the column.
  if (copy.query("select 1 from pragma_table_info('users') where name = 'token_version'").get())
    copy.query("update users set token_version = token_version + ?").run(versionLeap);
  return {
    media: () =>
      copy
        .query<{ id: string; key: string; thumbnail: number }, []>(
          `select id, key, coalesce(thumbnail_url like '/media/%.thumb.webp', 0) as thumbnail
           from posts where state = 'published' and store = 'disk'`,
        )
        .all()
        .map(({ id, key, thumbnail }) => ({ id, key, thumbnail: thumbnail === 1 })),
    forget(ids) {
      const remove = copy.query("delete from posts where id = ?");
      copy.transaction(() => ids.forEach((id) => remove.run(id)))();
    },
    close: () => copy.close(),
  };
}
