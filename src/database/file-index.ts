import { openTemporaryDatabase, writeTemporary } from "./temporary-database.ts";

/** Files by their paths. */
export interface FileIndex<File extends { readonly path: string }> {
  /** @throws TemporaryFilesError */
  add(files: readonly File[]): void;
  find(path: string): File | undefined;
  close(): void;
}

/** Creates an index, in a temporary database, of files that may be too many for the memory. */
export function createFileIndex<File extends { readonly path: string }>(): FileIndex<File> {
  const client = openTemporaryDatabase();
  client.run("create table files (path text primary key, file text not null) without rowid");
  const insert = client.query("insert or replace into files values (?, ?)");
  const find = client.query<{ file: string }, [string]>("select file from files where path = ?");
  const addAll = client.transaction((files: readonly File[]) => {
    for (const file of files) insert.run(file.path, JSON.stringify(file));
  });
  return {
    add: (files) => writeTemporary(() => addAll(files)),
    find(path) {
      const found = find.get(path);
      return found ? (JSON.parse(found.file) as File) : undefined;
    },
    close: () => client.close(),
  };
}
