import { Database } from "bun:sqlite";

/** A file of a backup. */
export interface ListedFile {
  readonly name: string;
  readonly size: number;
  readonly sha256: string;
  /** Where its bytes begin in its archive; 0 if that is not known. */
  readonly start: number;
  /** The number of the earlier archive that holds it; null for the archive at hand. */
  readonly archive: number | null;
}

/** The files of a backup, in a scratch file, so that memory stays constant. */
export interface FileList {
  /** @returns false if there is a file of this name already */
  add(file: ListedFile): boolean;
  find(name: string): ListedFile | undefined;
  /** All files in the order in which they were added. */
  all(): Iterable<ListedFile>;
  /** The files in one archive, in the same order. */
  inArchive(archive: number | null): Iterable<ListedFile>;
  /** The total size of the files in earlier archives. */
  bytesInEarlierArchives(): number;
  close(): void;
}

/** Opens an empty list in the file at `path`, which must be missing or empty. The caller deletes the file. */
export function openFileList(path: string): FileList {
  const client = new Database(path, { create: true, strict: true });
  // Worthless after a crash, and never seen by another connection.
  client.run("pragma journal_mode = memory");
  client.run("pragma synchronous = off");
  client.run("pragma locking_mode = exclusive");
  client.run("pragma temp_store = memory");
  client.run(
    "create table files (position integer primary key, name text not null unique, size integer not null, sha256 text not null, start integer not null, archive integer)",
  );
  client.run("begin");
  const columns = "name, size, sha256, start, archive";
  const insert = client.query<unknown, [string, number, string, number, number | null]>(
    `insert into files (${columns}) values (?, ?, ?, ?, ?) on conflict do nothing`,
  );
  const find = client.query<ListedFile, [string]>(`select ${columns} from files where name = ?`);
  return {
    add: ({ name, size, sha256, start, archive }) =>
      insert.run(name, size, sha256, start, archive).changes > 0,
    find: (name) => find.get(name) ?? undefined,
    all: () => client.query<ListedFile, []>(`select ${columns} from files order by position`).iterate(),
    inArchive: (archive) =>
      client
        .query<ListedFile, [number | null]>(
          `select ${columns} from files where archive is ? order by position`,
        )
        .iterate(archive),
    bytesInEarlierArchives: () =>
      client
        .query<{ bytes: number }, []>(
          "select coalesce(sum(size), 0) as bytes from files where archive is not null",
        )
        .get()!.bytes,
    close: () => client.close(),
  };
}
