import { closeSync, openSync } from "node:fs";

import { Database } from "bun:sqlite";

/** A consistent copy of a SQLite database, taken while others write to it. */
export interface Snapshot {
  /** Published posts whose bytes this machine keeps. */
  media(): { id: string; key: string; thumbnail: boolean }[];
  /** Takes posts out of the copy: those whose bytes were deleted after it was taken. */
  forget(ids: readonly string[]): void;
  close(): void;
}

/**
 * Copies the database at `path` to `target`, in pages, not in memory. Nobody else may read the copy.
 * @throws SQLiteError where there is no such database
 */
export function takeSnapshot(path: string, target: string): Snapshot {
  const source = new Database(path, { readwrite: true, create: false });
  try {
    source.run("pragma busy_timeout = 5000");
    // SQLite would make a file that everybody can read; an empty one it takes as it is.
    closeSync(openSync(target, "wx", 0o600));
    source.query("vacuum into ?").run(target);
  } finally {
    source.close();
  }
  const copy = new Database(target, { readwrite: true });
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
